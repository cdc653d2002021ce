// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy apply` where it ends before the service is asked, or there is none.

use super::{POLICY, directory, holds, policy};

#[test]
fn what_is_faulty_is_shown_where_it_is_and_goes_nowhere() {
    let failing = POLICY.replace("allowed: [/usr/bin/ls]", "allowed: [/usr/bin/env]");
    for (text, code) in [("policy: [\n", "SAC005"), (failing.as_str(), "SAC060")] {
        let directory = directory(&[("good.yaml", POLICY), ("some.yaml", text)]);
        let (status, out, err) = policy(directory.path(), &["apply", "some.yaml", "--confirm", "60"]);
        assert_eq!((status, out.as_str()), (1, ""), "{err}");
        holds(&err, code);
        holds(&err, "some.yaml");
    }
}

#[test]
fn files_need_the_names_that_they_will_have() {
    let directory = directory(&[("some.yaml", POLICY), ("text.txt", POLICY)]);
    let (status, _, err) = policy(directory.path(), &["apply", "text.txt"]);
    assert_eq!(status, 1);
    holds(&err, "names of policies end in `.yaml`");
    let (status, _, err) = policy(directory.path(), &["apply", "none"]);
    assert_eq!(status, 1);
    holds(&err, "cannot read");
}

#[test]
fn a_time_is_a_number_of_seconds() {
    let directory = directory(&[("some.yaml", POLICY)]);
    for wrong in ["-1", "1m", "", "4294967296"] {
        let (status, _, err) =
            policy(directory.path(), &["apply", "some.yaml", &format!("--confirm={wrong}")]);
        assert_eq!(status, 2, "{wrong:?}: {err}");
    }
}
