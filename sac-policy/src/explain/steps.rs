// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps to a verdict on a file, read from the entries that it came from.

use super::object::Located;
use super::{Decider, Judge, RuleReference, Ruling, Step, words};
use crate::files::Files;
use crate::policy::{Mode, Rule, Subject};
use sac_abi::decide::{Decision, Object, TextLookup, Verdict, decide};
use sac_abi::rule::{Contents, InodeId};
use sac_abi::{Action, Operation, RuleKey, RuleValue, Rules, TextHash};
use std::path::Path;

impl<F: Files> Judge<'_, F> {
    /// Looks up a path for an operation, and says what it leads to.
    pub(super) fn locate(&mut self, operation: Operation, path: &Path) -> Located {
        let located = Located::of(self.files, operation, path, self.situation.key);
        self.appearance(path, &located);
        located
    }

    /// The verdict on a file, before its arguments if it is a program.
    pub(super) fn file(&mut self, operation: Operation, located: &Located) -> Decision {
        let decision = decide(self.compiled, operation, &mut located.clone());
        match decision.verdict.rule {
            Verdict::RULE_GRANT => {
                self.step("grants".to_owned(), "this file is granted for a while".to_owned(), None);
            }
            Verdict::RULE_TOO_DEEP => {
                let said = "there are more than are looked at, and the policy has rules for trees";
                self.step("the directories above it".to_owned(), said.to_owned(), None);
            }
            _ => self.all_keys(operation, located, decision),
        }
        decision
    }

    /// The strictest verdict on all that an operation amounts to, of equal ones the first; with it which operation that is, and
    /// the first of the steps to it.
    pub(super) fn all_of(&mut self, operation: Operation, located: &Located) -> Ruling {
        let implied = operation.implied();
        let mut strictest: Option<Ruling> = None;
        for &part in implied {
            if implied.len() > 1 {
                let said = words::part(operation, part).to_owned();
                self.step(format!("the operation `{}`", part.as_str()), said, None);
            }
            let first_step = self.steps.len();
            let verdict = self.file(part, located).verdict;
            let steps = first_step..self.steps.len();
            if strictest.as_ref().is_none_or(|other| verdict.action() > other.verdict.action()) {
                strictest = Some(Ruling { operation: part, verdict, steps });
            }
        }
        strictest.unwrap_or(Ruling { operation, verdict: Verdict::NO_POLICY, steps: 0..self.steps.len() })
    }

    /// Says what the path leads to.
    fn appearance(&mut self, path: &Path, located: &Located) {
        let shown = path.display().to_string();
        if located.is_link {
            let said = "it is a symbolic link, and it is the link that this is done to";
            self.step(shown, said.to_owned(), None);
        } else if !located.exists {
            let said = if located.path == path {
                "nothing is there; this is what would hold for a file that appeared".to_owned()
            } else {
                format!(
                    "nothing is there; a file that appeared would have the path {}",
                    located.path.display()
                )
            };
            self.step(shown, said, None);
        } else if located.path != path {
            self.step(shown, format!("it leads to {}", located.path.display()), None);
        }
    }

    /// Every entry that holds for a file.
    fn all_keys(&mut self, operation: Operation, located: &Located, decision: Decision) {
        let contents = self.contents(operation);
        let before = self.steps.len();
        if located.exists {
            let value = self.of_file(located.inode, |inode| RuleKey::inode(operation, inode));
            let looked_at = format!("the file itself, {}", words::inode(located.inode));
            let is_on_way =
                |rule: &&Rule| operation == Operation::Rename && !rule.operations.contains(&operation);
            match self.policy.rule(value.number()).filter(is_on_way) {
                // The compiler holds what a rule's path leads through.
                Some(rule) => {
                    let said = format!("{} would lead nowhere without it", self.rule_in_words(rule));
                    self.step(looked_at, said, Some(rule));
                }
                None => self.found(looked_at, value),
            }
        }
        if contents.has(Contents::UNTRUSTED) {
            self.origin(located);
        }
        let mut object = located.clone();
        if contents.has(Contents::PATHS) {
            let looked_at = format!("its path {}", located.path.display());
            self.text(looked_at, object.path(), |judge, hash| judge.value(&RuleKey::path(operation, hash)));
        }
        if contents.has(Contents::NAMES) {
            let looked_at = format!("its name {}", located.own_name().display());
            self.text(looked_at, object.name(), |judge, hash| judge.value(&RuleKey::name(operation, hash)));
        }
        if let Some((directory, inode)) = located.directories.first()
            && contents.has(Contents::ENTRIES)
        {
            let looked_at = format!("its name {} in {}", located.own_name().display(), directory.display());
            self.text(looked_at, object.name(), |judge, hash| {
                judge.of_file(*inode, |inode| RuleKey::entry(operation, inode, hash))
            });
        }
        if let Some((path, inode)) = located.directories.first()
            && contents.has(Contents::DIRECTORIES)
        {
            let value = self.of_file(*inode, |inode| RuleKey::directory(operation, inode));
            self.found(format!("the directory that it is in, {}", path.display()), value);
        }
        if contents.has(Contents::TREES) {
            self.trees(operation, located);
        }
        if self.steps.get(before..).unwrap_or_default().iter().all(|step| step.rule.is_none())
            && decision.group == 0
        {
            self.default_step(operation, decision.verdict);
        }
    }

    /// Whether an administrator put the file there.
    fn origin(&mut self, located: &Located) {
        let looked_at = "who could have written it".to_owned();
        let rule = self.policy.rule(self.value(&RuleKey::untrusted()).number());
        match (&located.untrusted, rule) {
            (Some(why), Some(rule)) => {
                let said = format!("{why}, so it is untrusted; {} holds for it", self.rule_in_words(rule));
                self.step(looked_at, said, Some(rule));
            }
            _ if !located.exists => {
                let said = "what is not there has no owner yet; one of a user's own would be untrusted";
                self.step(looked_at, said.to_owned(), None);
            }
            _ => {
                let said = "administrators, as far as its owner and mode tell";
                self.step(looked_at, said.to_owned(), None);
            }
        }
    }

    /// The trees that a file is in, as far as there are rules for them.
    fn trees(&mut self, operation: Operation, located: &Located) {
        // A tree is in itself as far as a rule for it restricts.
        let own = self.of_file(located.inode, |inode| RuleKey::tree(operation, inode));
        if located.exists && own.action_byte() > Action::Allow as u8 {
            self.found(format!("the tree {} itself", located.path.display()), own);
        }
        let mut none = true;
        for (path, inode) in &located.directories {
            let value = self.of_file(*inode, |inode| RuleKey::tree(operation, inode));
            if value.is_some() {
                none = false;
                self.found(format!("the tree {}", path.display()), value);
            }
        }
        if let (true, Some((first, _)), Some((last, _))) =
            (none, located.directories.first(), located.directories.last())
        {
            self.step(
                format!("the trees from {} up to {}", first.display(), last.display()),
                "no rule".to_owned(),
                None,
            );
        }
    }

    fn text(&mut self, looked_at: String, text: TextLookup, value: impl Fn(&Self, TextHash) -> RuleValue) {
        match text {
            TextLookup::Known(hash) => {
                let value = value(self, hash);
                self.found(looked_at, value);
            }
            TextLookup::TooLong | TextLookup::Unreadable => {
                self.step(looked_at, "it is longer than any that a rule can name".to_owned(), None);
            }
        }
    }

    fn value(&self, key: &RuleKey) -> RuleValue {
        RuleValue::from_bits(self.compiled.get(key))
    }

    /// The entry for a file or directory: that very one, or whichever has its number.
    fn of_file(&self, inode: InodeId, key: impl Fn(InodeId) -> RuleKey) -> RuleValue {
        match self.value(&key(inode)) {
            RuleValue::NONE => self.value(&key(inode.of_any_generation())),
            value => value,
        }
    }

    fn found(&mut self, looked_at: String, value: RuleValue) {
        match self.policy.rule(value.number()) {
            Some(rule) => {
                let said = format!("{} holds for it", self.rule_in_words(rule));
                self.step(looked_at, said, Some(rule));
            }
            None if value.group() != 0 => {
                let said = "there are rules for it with certain arguments, and none for it with any";
                self.step(looked_at, said.to_owned(), None);
            }
            None => self.step(looked_at, "no rule".to_owned(), None),
        }
    }

    pub(super) fn step(&mut self, looked_at: String, said: String, rule: Option<&Rule>) {
        let rule = rule.map(|rule| self.reference(rule));
        self.steps.push(Step { looked_at, said, rule, decides: false });
    }

    /// Says that the default holds, if it does.
    pub(super) fn default_step(&mut self, operation: Operation, verdict: Verdict) {
        if verdict.rule == 0 {
            let said = match operation {
                Operation::Execute | Operation::Connect => {
                    format!("`{}` for what no rule names", verdict.action().as_str())
                }
                _ => "files that no rule names can be used".to_owned(),
            };
            self.step("the policy's default".to_owned(), said, None);
        }
    }

    /// Says that there are rules which hold only at other times.
    pub(super) fn times(&mut self) {
        let at = self.situation.at;
        let not_now = |rule: &&Rule| rule.when.as_ref().is_some_and(|when| !when.holds(at));
        match self.policy.rules.iter().filter(not_now).count() {
            0 => {}
            1 => self.step("the time".to_owned(), "1 rule holds only at other times".to_owned(), None),
            count => {
                self.step("the time".to_owned(), format!("{count} rules hold only at other times"), None)
            }
        }
    }

    pub(super) fn reference(&self, rule: &Rule) -> RuleReference {
        RuleReference {
            number: rule.number,
            file: rule.file().to_owned(),
            line: rule.line(),
            action: self.policy.in_force(rule.action),
            overrides: rule.overrides,
            subject: words::subject(rule),
        }
    }

    /// A rule with its place and what it does.
    pub(super) fn rule_in_words(&self, rule: &Rule) -> String {
        let overriding = if rule.overrides { " with `override`" } else { "" };
        let (file, line) = (rule.file().display(), rule.line());
        let (action, subject) = (rule.action.as_str(), words::subject(rule));
        format!("rule {} ({file}:{line}), `{action}`{overriding} for {subject},", rule.number)
    }

    /// Why the decider is the one.
    pub(super) fn conclusion(&self, asked: Operation, ruling: &Ruling, decider: &Decider) -> String {
        let (operation, verdict) = (ruling.operation, ruling.verdict);
        let others = |wanted: fn(Action) -> bool| {
            let other = |rule: &&RuleReference| rule.number != verdict.rule && wanted(rule.action);
            self.steps.iter().filter_map(|step| step.rule.as_ref()).any(|rule| other(&rule))
        };
        let restricts = |action: Action| action > Action::Allow;
        let by_content =
            self.policy.rule(verdict.rule).is_some_and(|rule| matches!(rule.subject, Subject::Content(_)));
        let because = match decider {
            Decider::Rule(rule) if rule.overrides && verdict.action() == Action::Allow => {
                "it has `override`, so it comes before rules that deny"
            }
            Decider::Rule(_) if verdict.action() == Action::Allow => "it allows this, and no rule denies it",
            Decider::Rule(_) if by_content => {
                "it denies what has this content, and no rule that allows and no grant comes before it"
            }
            Decider::Rule(_) if others(restricts) => "of the rules that deny this, the strictest counts",
            Decider::Rule(_) if others(|action| action == Action::Allow) => {
                "a rule that denies comes before one that allows"
            }
            Decider::Rule(_) => "it is the rule that denies this",
            Decider::Default => "no rule holds for this",
            Decider::Grant => "a grant comes before all rules",
            Decider::Unknown => "where it cannot be told whether a rule holds, nothing is allowed",
        };
        let by = match decider {
            Decider::Rule(rule) => {
                format!("by rule {} ({}:{})", rule.number, rule.file.display(), rule.line)
            }
            Decider::Default => "by default".to_owned(),
            Decider::Grant => "by a grant".to_owned(),
            Decider::Unknown => "as a precaution".to_owned(),
        };
        let own = self.policy.rule(verdict.rule).map_or(self.policy_default(operation), |rule| rule.action);
        let note = match (self.policy.mode, own, verdict.action()) {
            (Mode::Audit, own, Action::Audit) if own.blocks() => {
                format!("; the policy has `mode: audit`, so it is recorded instead of `{}`", own.as_str())
            }
            (_, Action::Deny, Action::Kill) => {
                "; arguments are known only when the program that called has gone, so it is killed".to_owned()
            }
            _ => String::new(),
        };
        let part = match asked == operation {
            true => String::new(),
            false => format!(", as `{}` of what is moved", operation.as_str()),
        };
        format!("`{}` {by}: {because}{part}{note}", verdict.action().as_str())
    }

    fn policy_default(&self, operation: Operation) -> Action {
        match operation {
            Operation::Execute => self.policy.default,
            Operation::Connect => self.policy.connections_default,
            _ => Action::Allow,
        }
    }
}
