// SPDX-License-Identifier: MIT OR Apache-2.0
//! How large a policy can be.

use super::*;
use crate::source::SOURCE_BYTES_MAX;
use std::fmt::Write;

/// A policy with so many rules, each with everything that can be said about a program.
fn detailed(rules: usize) -> String {
    let mut text = "policy: p\napplies_to: everyone\nprograms:\n  deny:\n".to_owned();
    for number in 0..rules {
        write!(
            text,
            "    - path: /opt/company/applications/application-{number}/bin/administration-tool\n      \
             args: [--configuration, /etc/company/applications/{number}.conf, start, \"*\", \"**\"]\n      \
             action: deny\n      \
             message: Application {number} is administered by its own team; ask team-{number}@example.org for it\n      \
             severity: high\n      \
             when: {{days: [mon-fri], hours: 09:00-18:00, from: 2026-01-01, until: 2036-12-31, timezone: Europe/Berlin}}\n"
        )
        .unwrap();
    }
    text
}

#[test]
fn ten_thousand_detailed_rules_are_one_policy() {
    let text = detailed(10_000);
    assert!(text.len() > 3 << 20 && text.len() < SOURCE_BYTES_MAX, "{}", text.len());
    let policy = policy(&text);
    assert_eq!(policy.rules.len(), 10_000);
    let last = &policy.rules[9_999];
    assert!(last.message.is_some() && last.when.is_some() && last.arguments.is_some());
    // What was said about the last one is found at the end of so long a file, too.
    assert_eq!(last.line(), 4 + 6 * 9_999 + 1);
    let files = crate::files::fake::FakeFiles::default();
    let situation = crate::Situation {
        at: "2026-11-25T12:00:00Z".parse().unwrap(),
        key: sac_abi::HashKey { k0: 1, k1: 2 },
        grants: Vec::new(),
    };
    let compiled = crate::compile(&policy, &files, &situation);
    assert!(compiled.entries().len() > 10_000);
    assert!(compiled.next_change.is_some());
}

#[test]
fn a_file_of_more_bytes_is_refused() {
    let text = detailed(20_000);
    assert!(text.len() < SOURCE_BYTES_MAX, "{}", text.len());
    let comment = "#".repeat(SOURCE_BYTES_MAX + 1 - text.len());
    let faults = load(text + &comment).unwrap_err();
    assert_eq!(faults.iter().map(Fault::code).collect::<Vec<_>>(), [Code::LimitExceeded]);
}
