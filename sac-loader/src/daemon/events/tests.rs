// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a rule is named in the log.

use super::*;
use sac_policy::{PolicySet, Source};

const POLICY: &str =
    "policy: p\napplies_to: everyone\nprograms:\n  deny:\n    - /usr/bin/df\n    - /usr/bin/wget\n";

#[test]
fn a_rule_is_named_by_file_and_line() {
    let set = PolicySet::from_sources(vec![Source::new("/etc/sac/policies/p.yaml", POLICY)]).unwrap().set;
    let policy = set.get("p");
    assert_eq!(rule_name(policy, 2), "/etc/sac/policies/p.yaml:6");
    assert_eq!(rule_name(policy, 0), "/etc/sac/policies/p.yaml: default");
    assert_eq!(rule_name(policy, 9), "/etc/sac/policies/p.yaml: rule 9");
    assert_eq!(rule_name(policy, Verdict::RULE_NO_POLICY), "no policy");
    assert_eq!(rule_name(None, Verdict::RULE_UNREADABLE_PATH), "unreadable path");
    assert_eq!(rule_name(None, 3), "rule 3 of a policy that is not in force any more");
}
