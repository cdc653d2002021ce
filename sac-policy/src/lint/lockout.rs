// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether somebody whom a policy is to hold for could still log in and do their work.

use crate::code::Code;
use crate::compile::{Situation, compile};
use crate::explain::explain;
use crate::fault::{Fault, Faults, quoted, quoted_path};
use crate::files::Files;
use crate::policy::{Logins, Policy, Request};
use sac_abi::Operation;
use std::path::Path;

/// What an administrator needs to take a policy back, in the order of preference: one of the first, and the last.
const BECOME_ROOT: [&str; 3] = ["/usr/bin/sudo", "/usr/bin/su", "/usr/bin/doas"];
const LOADER: &str = "/usr/sbin/sac-loader";
const POLICIES: &str = "/etc/sac/policies";

/// Somebody whom the policy is to hold for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affected<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their login shell.
    pub shell: &'a Path,
    /// Whether it is they who apply policies.
    pub administers: bool,
}

/// Warns where `policy`, which is the one that [`crate::PolicySet::choose`] gives for a login of `person`, would keep them from
/// logging in or, if they administer, from taking it back.
#[must_use]
pub fn lint_lockout(
    policy: &Policy,
    person: Affected<'_>,
    files: &impl Files,
    situation: &Situation,
) -> Faults {
    let mut faults = Faults::default();
    let name = quoted(person.name);
    if policy.logins == Logins::Refuse {
        let message = format!("{name} could not log in any more");
        let help = "let the policy apply to others, or give one that lets them log in a greater `priority`";
        faults.push(Fault::new(Code::LockOut, policy.place(policy.name_span), message).help(help));
        return faults;
    }
    let compiled = compile(policy, files, situation);
    let execute = |path: &Path| Request::Execute { path: path.to_owned(), arguments: None };
    // Whether it is blocked.
    let mut check = |request: Request, message: String| {
        let explanation = explain(policy, &compiled, files, &request, situation);
        if !explanation.verdict.action().blocks() {
            return false;
        }
        let place = match policy.rule(explanation.verdict.rule) {
            Some(rule) => rule.place(),
            None => policy.place(policy.name_span),
        };
        let help = "allow it, or let the policy apply to others";
        faults.push(Fault::new(Code::LockOut, place, message).label(explanation.conclusion).help(help));
        true
    };
    let could_not_run =
        |path: &Path, what: &str| format!("{name} could not run {}, {what}", quoted_path(path));
    check(execute(person.shell), could_not_run(person.shell, "their login shell"));
    if person.administers {
        let mut there = BECOME_ROOT.iter().map(Path::new).filter(|path| files.resolve(path).is_ok());
        // One way is enough; it is the first that people use.
        if let Some(first) = there.next() {
            check(execute(first), could_not_run(first, "with which they become root"));
        }
        let (loader, policies) = (Path::new(LOADER), Path::new(POLICIES));
        if files.resolve(loader).is_ok() {
            check(execute(loader), could_not_run(loader, "with which they change policies"));
        }
        if files.resolve(policies).is_ok() {
            let message = format!("{name} could not change the policies in {}", quoted_path(policies));
            // As root they are asked both.
            let _is_blocked = [Operation::Write, Operation::Administer].into_iter().any(|operation| {
                check(Request::File { operation, path: policies.to_owned() }, message.clone())
            });
        }
    }
    faults
}
