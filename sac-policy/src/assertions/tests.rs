// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assertions that hold and that do not.

use super::*;
use crate::files::fake::FakeFiles;
use crate::policy::Request;
use crate::policy::fake::policy;
use crate::source::Span;
use sac_abi::{Action, HashKey};

fn assertion(allowed: bool, path: &str, arguments: Option<&[&str]>) -> Assertion {
    let arguments = arguments.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
    Assertion { request: Request::Execute { path: path.into(), arguments }, allowed, span: Span::default() }
}

fn failures(policy: &Policy) -> Vec<String> {
    let files = FakeFiles::default().program("/bin/df", 7).program("/bin/ctl", 8);
    let situation =
        Situation { at: jiff::Timestamp::UNIX_EPOCH, key: HashKey::default(), grants: Vec::new() };
    let faults = run_assertions(policy, &compile(policy, &files, &situation), &files, &situation);
    assert!(
        faults.iter().all(|fault| fault.code() == Code::AssertionFailed && !fault.help_text().is_empty())
    );
    faults.iter().map(|fault| fault.message().to_owned()).collect()
}

#[test]
fn each_assertion_that_does_not_hold_is_a_fault() {
    let rules = "kill /bin/df\nkill /bin/ctl args stop";
    let mut policy = policy(rules);
    assert_eq!(failures(&policy), Vec::<String>::new());
    policy.tests = vec![
        assertion(false, "/bin/df", None),
        assertion(true, "/bin/df", None),
        assertion(true, "/bin/ls", None),
        assertion(false, "/bin/ls", None),
        assertion(false, "/bin/ctl", Some(&["stop"])),
        assertion(true, "/bin/ctl", Some(&["status"])),
        assertion(true, "/bin/ctl", Some(&["stop"])),
    ];
    let expected = [
        "`execute /bin/df` must be allowed, and is denied",
        "`execute /bin/ls` must be denied, and is allowed",
        "`execute /bin/ctl stop` must be allowed, and is denied",
    ];
    assert_eq!(failures(&policy), expected);
    // What would be blocked counts as denied.
    policy.mode = Mode::Audit;
    assert_eq!(failures(&policy), expected);
}

#[test]
fn a_default_is_asserted_as_well() {
    let mut policy = Policy { default: Action::Deny, ..policy("allow /bin/df") };
    policy.tests = vec![assertion(true, "/bin/df", None), assertion(true, "/bin/ls", None)];
    assert_eq!(failures(&policy), ["`execute /bin/ls` must be allowed, and is denied"]);
}
