// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is redacted and what is not.

use super::*;
use crate::record::Severity;
use crate::samples::{entry, execution};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Redacts an execution, made by its arguments.
fn redacted(redactor: &Redactor, arguments: &[&str]) -> Vec<String> {
    let mut entry = entry(0, None, Severity::Info, Event::Executed(execution(1, 2, arguments)));
    redactor.entry(&mut entry);
    let Event::Executed(execution) = entry.event else { panic!("it became something else") };
    execution
        .arguments
        .iter()
        .map(|argument| String::from_utf8_lossy(argument.as_bytes()).into_owned())
        .collect()
}

fn check(arguments: &[&str], expected: &[&str]) {
    assert_eq!(redacted(&Redactor::new(&[]).unwrap(), arguments), expected, "{arguments:?}");
}

fn check_own(regex: &str, form: Form, arguments: &[&str], expected: &[&str]) {
    let pattern = Pattern { regex: regex.into(), form, programs: Vec::new() };
    assert_eq!(redacted(&Redactor::only(&[pattern]).unwrap(), arguments), expected, "{regex}");
}

#[test]
fn each_default_redacts_its_example_alone_and_leaves_what_looks_like_it() {
    let all = Redactor::new(&[]).unwrap();
    for default in DEFAULTS {
        let only = Redactor::only(&[default.pattern()]).unwrap();
        for redactor in [&only, &all] {
            assert_eq!(redacted(redactor, default.example.0), default.example.1, "{}", default.about);
            assert_eq!(redacted(redactor, default.stays), default.stays, "{}", default.about);
        }
    }
}

#[test]
fn only_the_first_group_or_named_groups_are_redacted() {
    check_own("secret", Form::Within, &["x", "a secret b secret"], &["x", "a *** b ***"]);
    check_own(r"--password=(\S+)", Form::Within, &["x", "--password=a b"], &["x", "--password=*** b"]);
    check_own("(a)(b)", Form::Within, &["x", "ab"], &["x", "***b"]);
    check_own("(a)(?<b>b)c(?<d>d)", Form::Within, &["x", "abcd"], &["x", "a***c***"]);
}

#[test]
fn the_next_argument_is_redacted_as_a_whole_or_in_part() {
    check_own("^--key$", Form::Next, &["x", "--key", "a b", "c"], &["x", "--key", "***", "c"]);
    check_own("^--key$", Form::Next, &["x", "--key"], &["x", "--key"]);
    let within = Form::WithinNext("^[^:]*:(.*.)$".into());
    check_own("^-u$", within, &["x", "-u", "bob:a:b", "c:d"], &["x", "-u", "bob:***", "c:d"]);
}

#[test]
fn command_lines_within_arguments_are_seen_word_for_word() {
    check(&["sh", "-c", "PGPASSWORD=a psql -h db"], &["sh", "-c", "PGPASSWORD=*** psql -h db"]);
    check(&["bash", "-lc", "mysql -psecret; mkdir -parent"], &["bash", "-lc", "mysql -p***; mkdir -parent"]);
    check(&["su", "-c", "curl -u 'bob:a b' x"], &["su", "-c", "curl -u 'bob:***' x"]);
    check(
        &["ssh", "host", "vault login --token abc -quiet"],
        &["ssh", "host", "vault login --token *** -quiet"],
    );
    let header = "curl -H 'Authorization: Bearer abc' https://example.org/";
    check(&["sh", "-c", header], &["sh", "-c", "curl -H 'Authorization: Bearer ***' https://example.org/"]);
    check(&["sh", "-c", r"echo a\ b --token=c\ d"], &["sh", "-c", r"echo a\ b --token=***"]);
    // As one argument it is one password.
    check(&["prog", "--password=a b c"], &["prog", "--password=***"]);
}

#[test]
fn a_programs_patterns_count_from_its_name_on() {
    check(&["sudo", "/opt/bin/mysql", "-psecret"], &["sudo", "/opt/bin/mysql", "-p***"]);
    check(&["mkdir", "-pv", "mysql"], &["mkdir", "-pv", "mysql"]);
    // By its path, whatever it is called in its arguments.
    let mut execution = execution(1, 2, &["mysql", "-psecret"]);
    execution.arguments[0] = "innocent".into();
    let mut entry = entry(0, None, Severity::Info, Event::Blocked(execution));
    Redactor::new(&[]).unwrap().entry(&mut entry);
    let Event::Blocked(execution) = entry.event else { panic!("it became something else") };
    assert_eq!(execution.arguments, ["innocent".into(), Text::from("-p***")]);
}

#[test]
fn environment_and_typed_path_are_redacted_too() {
    let mut execution = execution(1, 2, &["ls"]);
    execution.typed = "/srv/--token=abc/https://a:b@c/ls".into();
    let variables =
        [("API_TOKEN", "abc"), ("LANG", "C"), ("DATABASE", "postgres://bob:abc@db/x"), ("PWD", "/root")];
    execution.environment =
        BTreeMap::from(variables.map(|(name, value)| (name.to_owned(), Text::from(value))));
    execution.environment.insert("X_SECRET".into(), Text::Bytes(vec![255, 1]));
    let mut entry = entry(0, None, Severity::Info, Event::Executed(execution));
    Redactor::new(&[]).unwrap().entry(&mut entry);
    let Event::Executed(execution) = entry.event else { panic!("it became something else") };
    let environment: Vec<_> =
        execution.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected =
        ["API_TOKEN=***", "DATABASE=postgres://bob:***@db/x", "LANG=C", "PWD=/root", "X_SECRET=***"];
    assert_eq!(environment, expected);
    assert_eq!(execution.typed.to_string(), "/srv/--token=abc/https://a:***@c/ls");
}

#[test]
fn a_pattern_over_a_whole_variable_leaves_its_name() {
    let pattern = Pattern { regex: "LANG=.*C".into(), form: Form::Within, programs: Vec::new() };
    let mut entry = entry(0, None, Severity::Info, Event::Executed(execution(1, 2, &["ls"])));
    Redactor::only(&[pattern]).unwrap().entry(&mut entry);
    let Event::Executed(execution) = entry.event else { panic!("it became something else") };
    assert_eq!(execution.environment["LANG"].to_string(), "***.UTF-8");
}

#[test]
fn bytes_that_are_no_text_are_redacted_to_their_end() {
    let mut entry = entry(0, None, Severity::Info, Event::Executed(execution(1, 2, &["ls", "x"])));
    if let Event::Executed(execution) = &mut entry.event {
        execution.arguments[1] = Text::from_bytes(b"--password=ab\xff\xfecd\n");
    }
    Redactor::new(&[]).unwrap().entry(&mut entry);
    let Event::Executed(execution) = entry.event else { panic!("it became something else") };
    assert_eq!(execution.arguments[1], Text::from("--password=***"));
}

#[test]
fn patterns_that_cannot_be_used_are_refused_by_name() {
    let refused = |regex: &str| {
        let pattern = Pattern { regex: regex.into(), form: Form::Within, programs: Vec::new() };
        Redactor::new(&[pattern]).unwrap_err().to_string()
    };
    assert!(refused("(a").starts_with("the pattern for redaction `(a` cannot be used"), "{}", refused("(a"));
    assert!(refused(r"(\w{1000}){1000}").contains("cannot be used"));
    assert!(refused(&"a".repeat(PATTERN_BYTES_MAX + 1)).contains("is longer than 1024 bytes"));
    assert!(refused("a*").contains("matches where nothing is"));
    let many = vec![Pattern { regex: "a".into(), form: Form::Next, programs: Vec::new() }; PATTERNS_MAX];
    assert!(Redactor::new(&many).unwrap_err().to_string().contains("256 are possible"));
}

#[test]
fn time_grows_no_faster_than_an_argument() {
    let redactor = Redactor::new(&[]).unwrap();
    let hard = "a://".repeat(20_000) + &"eyJ".repeat(20_000) + &" --password".repeat(5_000);
    let start = std::time::Instant::now();
    redacted(&redactor, &["ls", &hard]);
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

/// Compiled once, because that takes a while.
static DEFAULT: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(&[]).unwrap());

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken_and_the_number_of_arguments_stays(
        arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..6),
    ) {
        let mut execution = execution(1, 2, &["mysql"]);
        execution.arguments = arguments.iter().map(|argument| Text::from_bytes(argument)).collect();
        let mut entry = entry(0, None, Severity::Info, Event::Executed(execution));
        DEFAULT.entry(&mut entry);
        let Event::Executed(execution) = entry.event else { panic!("it became something else") };
        prop_assert_eq!(execution.arguments.len(), arguments.len());
    }

    #[test]
    fn a_password_never_stays(secret in "[a-z0-9]{6,20}", before in "[a-z -]{0,10}") {
        let argument = format!("--password={secret}");
        let shown = redacted(&DEFAULT, &["x", &before, &argument]);
        prop_assert_eq!(shown[2].as_str(), "--password=***");
        let command = format!("{} --password {secret}", before.replace('-', "x"));
        prop_assert!(redacted(&DEFAULT, &["sh", "-c", &command])[2].ends_with("--password ***"));
    }
}
