// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions on arguments.

use super::Judge;
use crate::files::Files;
use sac_abi::decide::{
    ARGUMENTS_MAX, Argument, Arguments, CONDITIONS_MAX, Matching, Verdict, decide_arguments,
};
use sac_abi::{HashKey, Operation, RuleKey, RuleValue, Rules, TextHash};

/// Arguments as the verdict sees them.
struct Given<'g> {
    arguments: &'g [String],
    key: HashKey,
}

impl Arguments for Given<'_> {
    fn count(&self) -> u32 {
        u32::try_from(self.arguments.len()).unwrap_or(u32::MAX)
    }

    fn each(&mut self, rules: &impl Rules, matching: &mut Matching) {
        for argument in self.arguments.iter().take(usize::try_from(ARGUMENTS_MAX).unwrap_or(usize::MAX)) {
            let hash = TextHash::of_text(self.key, argument.as_bytes());
            if !matching.add(rules, hash.map_or(Argument::Unreadable, Argument::Known)) {
                return;
            }
        }
    }
}

impl<F: Files> Judge<'_, F> {
    /// The verdict on a program whose file has conditions.
    pub(super) fn arguments(
        &mut self,
        group: u32,
        otherwise: Verdict,
        arguments: Option<&[String]>,
    ) -> Verdict {
        let mut given = Given { arguments: arguments.unwrap_or_default(), key: self.situation.key };
        let verdict = decide_arguments(self.compiled, group, otherwise, &mut given);
        let shown = match arguments {
            None => "its arguments; none were given, so it is taken to have none".to_owned(),
            Some([]) => "its arguments; it has none".to_owned(),
            Some(arguments) => format!("its arguments `{}`", arguments.join(" ")),
        };
        if verdict.rule == Verdict::RULE_ARGUMENTS_UNREADABLE {
            let said = "there are more, or longer ones, than are looked at, and there are rules for them";
            self.step(shown, said.to_owned(), None);
            return verdict;
        }
        let mut none = true;
        for index in 0..CONDITIONS_MAX {
            let number = RuleValue::from_bits(self.compiled.get(&RuleKey::condition(group, index))).number();
            if let Some(rule) = self.policy.rule(number)
                && rule
                    .arguments
                    .as_ref()
                    .is_some_and(|condition| super::words::holds(condition, given.arguments))
            {
                none = false;
                let said = format!("{} holds for them", self.rule_in_words(rule));
                self.step(shown.clone(), said, Some(rule));
            }
        }
        if none {
            let said = "there are rules for this program with certain arguments, and none for these";
            self.step(shown, said.to_owned(), None);
            self.default_step(Operation::Execute, otherwise);
        }
        verdict
    }

    /// A script's arguments are its interpreter's when they could be looked at.
    pub(super) fn arguments_of_script(&mut self) -> Verdict {
        let said = "there are rules for its arguments, and it is a script, of which they cannot be told; so it is blocked";
        self.step("its arguments".to_owned(), said.to_owned(), None);
        Verdict::ARGUMENTS_OF_SCRIPT.under(self.contents(Operation::Execute))
    }
}
