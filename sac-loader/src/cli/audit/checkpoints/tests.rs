// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checkpoints as people keep them and as the journal has them.

use super::*;

fn digest(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn text(all: &[Checkpoint]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn lines_have_a_number_and_a_digest() {
    let (a, b) = (digest('a'), digest('b'));
    let read = lines(&format!("# kept since May\n\n 7:{a}\n12\t{b} \n")).unwrap();
    assert_eq!(text(&read), [format!("7:{a}"), format!("12:{b}")]);
}

#[test]
fn what_is_no_checkpoint_is_said_with_its_line() {
    let error = lines(&format!("7:{}\n8 beef\n", digest('a'))).unwrap_err().to_string();
    assert!(error.starts_with("line 2: `8:beef` is no checkpoint"), "{error}");
}

#[test]
fn entries_of_the_journal_that_are_no_checkpoints_are_passed_over() {
    let json = format!(
        r#"{{"__CURSOR":"s=1","MESSAGE":"started"}}
{{"__CURSOR":"s=2","SAC_CHECKPOINT_NUMBER":"7","SAC_CHECKPOINT_SHA256":"{}"}}
"#,
        digest('a')
    );
    assert_eq!(text(&entries(json.as_bytes()).unwrap()), [format!("7:{}", digest('a'))]);
    assert!(entries(b"").unwrap().is_empty());
    for wrong in [r#"{"SAC_CHECKPOINT_NUMBER":"7","SAC_CHECKPOINT_SHA256":"x"}"#, "[]", "Hint: you may not"] {
        assert!(entries(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_record_that_lies_elsewhere_is_not_compared_with_this_machines_journal() {
    let checkpoints = CheckpointArguments { checkpoints: None }.read(Path::new("/srv/copy")).unwrap();
    assert_eq!((checkpoints.all.len(), checkpoints.source.as_str()), (0, "none were given"));
}
