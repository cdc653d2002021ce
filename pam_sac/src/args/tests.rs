// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments, and what becomes of those that cannot be used.

use super::*;
use proptest::prelude::*;

fn parse(args: &[&str]) -> (Options, Vec<String>) {
    let args: Vec<CString> = args.iter().map(|&arg| CString::new(arg).unwrap()).collect();
    let args: Vec<&CStr> = args.iter().map(CString::as_c_str).collect();
    Options::parse(&args)
}

/// All of these can be used.
fn check(args: &[&str], wanted: &Options) {
    assert_eq!(parse(args), (wanted.clone(), vec![]), "{args:?}");
}

/// The last of these cannot be used; the warning is this.
fn check_warning(args: &[&str], wanted: &Options, warning: &str) {
    assert_eq!(parse(args), (wanted.clone(), vec![warning.to_owned()]), "{args:?}");
}

fn user(name: &str) -> Exempt {
    Exempt::User(CString::new(name).unwrap())
}

fn group(name: &str) -> Exempt {
    Exempt::Group(CString::new(name).unwrap())
}

#[test]
fn without_arguments_everything_is_strict() {
    let options = parse(&[]).0;
    assert_eq!(options.fail, FailMode::Closed);
    assert_eq!(options.timeout, Duration::from_secs(3));
    assert_eq!(options.exempt, []);
    assert_eq!(options.socket, Path::new("/run/sac/pam.sock"));
    assert_eq!(options.verbosity, Verbosity::Normal);
}

#[test]
fn each_argument_is_read() {
    let default = Options::default();
    check(&["fail=closed"], &default);
    check(&["fail=open"], &Options { fail: FailMode::Open, ..default.clone() });
    check(&["fail=open", "fail=closed"], &default);
    check(&["debug"], &Options { verbosity: Verbosity::Debug, ..default.clone() });
    check(&["socket=/run/x"], &Options { socket: "/run/x".into(), ..default.clone() });
    for (text, timeout_ms) in
        [("3", 3000), ("3s", 3000), ("500ms", 500), ("100ms", 100), ("60", 60_000), ("60000ms", 60_000)]
    {
        let timeout = Duration::from_millis(timeout_ms);
        check(&[&format!("timeout={text}")], &Options { timeout, ..default.clone() });
    }
    let exempt = vec![user("alice"), group("wheel"), user("bob smith")];
    check(&["exempt=alice,@wheel,bob smith"], &Options { exempt: exempt.clone(), ..default.clone() });
    check(&["exempt=alice", "exempt=@wheel", "exempt=bob smith"], &Options { exempt, ..default });
}

#[test]
fn an_unknown_argument_is_named_and_ignored() {
    let default = Options::default();
    for arg in ["tiemout=5", "Debug", "debug=1", "fail", "timeout", "exempt", "", "=", "no_warn"] {
        check_warning(&[arg], &default, &format!("argument \"{arg}\" is unknown and ignored"));
    }
}

#[test]
fn a_bad_value_falls_back_to_the_default_and_never_to_something_looser() {
    let default = Options::default();
    for value in ["", "opne", "OPEN", "open ", "1"] {
        let warning =
            format!("argument \"fail={value}\" is neither fail=closed nor fail=open; fail=closed is used");
        check_warning(&["fail=open", &format!("fail={value}")], &default, &warning);
    }
    for value in
        ["", "0", "99ms", "61", "60001ms", "-1", "+3", "1.5", "3m", "ms", "s", "99999999999999999999"]
    {
        let warning =
            format!("argument \"timeout={value}\" is no time between 100ms and 60s; timeout=3s is used");
        check_warning(&["timeout=9", &format!("timeout={value}")], &default, &warning);
    }
    for value in [String::new(), "run/sac".to_owned(), format!("/{}", "x".repeat(107))] {
        let warning = format!(
            "argument \"socket={value}\" is no absolute path of at most 107 bytes; socket=/run/sac/pam.sock is used"
        );
        check_warning(&["socket=/run/x", &format!("socket={value}")], &default, &warning);
    }
}

#[test]
fn an_empty_exemption_exempts_nobody() {
    for value in ["", ",", "@", "@,", ",@"] {
        let warning = format!("argument \"exempt={value}\" has an entry without a name; the others are used");
        check_warning(&[&format!("exempt={value}")], &Options::default(), &warning);
    }
    let others = Options { exempt: vec![user("alice"), user("bob")], ..Options::default() };
    check_warning(
        &["exempt=alice,,bob"],
        &others,
        "argument \"exempt=alice,,bob\" has an entry without a name; the others are used",
    );
}

#[test]
fn an_entry_is_spelt_as_it_was_written() {
    assert_eq!(user("alice").spelling(), b"alice");
    assert_eq!(group("wheel").spelling(), b"@wheel");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_argument_opens_but_fail_open(args in prop::collection::vec("(fail=|timeout=|exempt=|socket=|debug)?[a-z0-9@,=/]{0,12}", 0..5)) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (options, warnings) = parse(&args);
        prop_assert_eq!(options.fail == FailMode::Open, args.iter().rfind(|arg| arg.starts_with("fail=")) == Some(&"fail=open"));
        prop_assert!((TIMEOUT_MIN..=TIMEOUT_MAX).contains(&options.timeout));
        prop_assert!(options.socket.is_absolute());
        prop_assert!(warnings.len() <= args.len());
    }
}
