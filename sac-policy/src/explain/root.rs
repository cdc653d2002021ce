// SPDX-License-Identifier: MIT OR Apache-2.0
//! What root in a session is kept from on top of what holds for anybody.

use super::Judge;
use super::object::Located;
use crate::compile::CLOSED;
use crate::files::Files;
use sac_abi::decide::{Verdict, decide};
use sac_abi::{Action, Operation};

impl<F: Files> Judge<'_, F> {
    /// What `confined_root` says about an operation that root does with a file, if it restricts.
    pub(super) fn of_root(&self, operation: Operation, located: &Located) -> Option<Verdict> {
        let verdict = decide(self.compiled, Operation::Administer, &mut located.clone()).verdict;
        (CLOSED.contains(&operation) && verdict.action() > Action::Allow).then_some(verdict)
    }

    /// The step that says so.
    pub(super) fn root_step(&mut self, of_root: Verdict) {
        let done = if of_root.action().blocks() { "it is denied to root" } else { "it is recorded of root" };
        let rule = self.policy.rule(of_root.rule);
        let why = match rule {
            Some(rule) => format!("{} holds for it", self.rule_in_words(rule)),
            None => "there are more directories above it than are looked at".to_owned(),
        };
        self.step("root in the session".to_owned(), format!("{done}: {why}"), rule);
    }

    /// The part of the conclusion that says so, where `for_anybody` is not as strict.
    pub(super) fn root_note(&self, for_anybody: Verdict, of_root: Verdict) -> String {
        if for_anybody.action().blocks() || of_root.action() <= for_anybody.action() {
            return String::new();
        }
        let done = if of_root.action().blocks() { "root may not" } else { "what root does is recorded" };
        let by = match self.policy.rule(of_root.rule) {
            Some(rule) => {
                let (file, line) = (rule.file().display(), rule.line());
                format!("by rule {} ({file}:{line}), `confined_root`", rule.number)
            }
            None => "as a precaution".to_owned(),
        };
        format!("; {done}: `{}` {by}", of_root.action().as_str())
    }
}
