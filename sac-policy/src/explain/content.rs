// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs by their content.

use super::Judge;
use super::object::Located;
use crate::compile::content;
use crate::files::Files;
use sac_abi::Operation;
use sac_abi::decide::{Verdict, decide_content};
use sac_abi::rule::Contents;

impl<F: Files> Judge<'_, F> {
    /// The verdict of a rule for the content of a program. Such rules come on top: neither an override nor a grant comes before
    /// them.
    pub(super) fn content(&mut self, located: &Located) -> Option<Verdict> {
        if !self.contents(Operation::Execute).has(Contents::CONTENTS) {
            return None;
        }
        let verdict = self.files.digest(&located.path).map(|digest| {
            let (first, second) = content(&digest);
            decide_content(self.compiled, first, second)
        });
        let rule = verdict.and_then(|verdict| self.policy.rule(verdict.rule));
        let said = match (rule, verdict) {
            (Some(rule), _) => format!("{} holds for it", self.rule_in_words(rule)),
            (None, Some(_)) => "no rule".to_owned(),
            (None, None) if located.exists => {
                "it cannot be read, or is too large to be looked at here; the kernel does look at it"
                    .to_owned()
            }
            (None, None) => "what is not there has none yet".to_owned(),
        };
        self.step("its content".to_owned(), said, rule);
        verdict.filter(|_| rule.is_some())
    }
}
