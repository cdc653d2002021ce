// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader audit verify`: what it says, and its exit status.

use super::*;
use std::io::Write as _;
use std::process::Stdio;

fn verify(fixture: &Fixture, arguments: &[&str]) -> Ran {
    fixture.run(&[&["audit", "verify"], arguments].concat())
}

#[test]
fn a_sound_record_is_0_and_says_where_it_ends() {
    let mut fixture = Fixture::usual();
    let checkpoint = fixture.checkpoint();
    let ran = verify(&fixture, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    holds(&ran.out, "15 records in ");
    holds(&ran.out, &format!("End          {checkpoint}\n"));
    holds(&ran.out, "Checkpoints  0 of 0 met; none were given\n");
    holds(&ran.out, "would not show\n");
    holds(&ran.out, "Verdict      ✓ sound: ");
    // What it says is what it takes.
    let mut child = fixture
        .command(&["audit", "verify", "--checkpoints", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(checkpoint.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    holds(&String::from_utf8(output.stdout).unwrap(), "1 of 1 met; from standard input\n");
}

#[test]
fn a_record_that_was_changed_is_1_and_each_place_is_named() {
    let mut fixture = Fixture::usual();
    fixture.checkpoint();
    let first = fixture.files().remove(0);
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replacen("web1", "web2", 1)).unwrap();
    let ran = verify(&fixture, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    holds(
        &ran.out,
        "Verdict      ✗ not sound: 1 finding\n  record-000000000001.jsonl:2: record 1 was changed",
    );
    let json: Value = serde_json::from_str(&verify(&fixture, &["--json"]).out).unwrap();
    assert_eq!(json["is_sound"], false);
    let finding = &json["findings"][0];
    assert_eq!(
        (&finding["file"], &finding["line"], &finding["number"]),
        (&json!("record-000000000001.jsonl"), &json!(2), &json!(2))
    );
    assert!(finding["wrong"].as_str().unwrap().starts_with("record 1 was changed"));
}

#[test]
fn a_tail_that_was_cut_off_shows_with_a_checkpoint() {
    let mut fixture = Fixture::usual();
    let checkpoint = fixture.checkpoint();
    let kept = fixture.settings.directory.join("../checkpoints");
    fs::write(&kept, checkpoint.replace(':', " ")).unwrap();
    let kept = ["--checkpoints", kept.to_str().unwrap()];
    assert_eq!(verify(&fixture, &kept).code, Some(0));
    fs::remove_file(fixture.files().pop().unwrap()).unwrap();
    assert_eq!(verify(&fixture, &[]).code, Some(0));
    let ran = verify(&fixture, &kept);
    assert_eq!(ran.code, Some(1));
    holds(&ran.out, "was cut off");
    fixture.files().iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(verify(&fixture, &kept).code, Some(1));
}

#[test]
fn what_cannot_be_read_is_2_and_nothing_is_said_of_the_record() {
    let mut fixture = Fixture::usual();
    fixture.checkpoint();
    let cases: [(&[&str], &str); 2] = [
        (&["--checkpoints", "/nonexistent/file"], "cannot read checkpoints from /nonexistent/file"),
        (&["--checkpoints", "/proc/self/comm"], "cannot use checkpoints from /proc/self/comm: line 1: `"),
    ];
    for (arguments, said) in cases {
        let ran = verify(&fixture, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        holds(&ran.err, said);
    }
    fixture.files().iter().for_each(|path| fs::remove_file(path).unwrap());
    let ran = verify(&fixture, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    holds(&ran.err, "there is no record in ");
    fs::remove_dir_all(&fixture.settings.directory).unwrap();
    assert_eq!(verify(&fixture, &[]).code, Some(2));
}
