// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys at the top of a policy.

use super::language::{ACTIONS, AUDITS, LOGINS, MODES, POLICY, SEVERITIES, UNLABELLED};
use super::rules::{About, Effect, Section};
use super::{Draft, NAME_BYTES_MAX, PolicyDraft, Reader};
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::{
    AppliesTo, Audit, Gravity, Inherited, Limits, Logins, Mode, Policy, Subject, Unlabelled, Who,
};
use crate::yaml::{Node, Value};
use sac_abi::{Action, Operation};
use std::sync::Arc;

/// Most rule sets that one policy or rule set names.
const INHERITS_MAX: usize = 64;

/// Most environment variables that one policy can ask for.
const ENVIRONMENT_MAX: usize = 64;

impl Reader<'_> {
    pub(super) fn policy(&mut self, root: &Node) -> Option<PolicyDraft> {
        let [
            name,
            description,
            applies_to,
            priority,
            inherits,
            mode,
            logins,
            unlabelled,
            audit,
            environment,
            action,
            message,
            severity,
            programs,
            files,
            connections,
            confined_root,
            limits,
            strikes,
            tests,
        ] = self.fields(root, &POLICY, "a policy")?;
        let name_span = name.map_or(root.span, |node| node.span);
        let name = match name {
            Some(node) => self.name(node, "a policy's name"),
            None => {
                self.missing(root, "policy", "give the policy a name: `policy: NAME`");
                None
            }
        };
        let applies_to = match applies_to {
            Some(node) => self.applies_to(node),
            None => {
                let help = "say whom it is for: `applies_to: {users: [NAME]}` or `applies_to: everyone`";
                self.missing(root, "applies_to", help);
                None
            }
        };
        let action = action.and_then(|node| self.action(node)).unwrap_or(Action::Kill);
        let inherits = inherits.map(|list| self.inherits(list)).unwrap_or_default();
        let mut rules: Vec<Draft> = Vec::new();
        let (default, denies_by_default) = programs.map_or((Action::Allow, None), |node| {
            self.programs(node, action, !inherits.is_empty(), &mut rules)
        });
        if let Some(node) = files {
            self.files(node, &mut rules);
        }
        let connections_default =
            connections.map_or(Action::Allow, |node| self.connections(node, action, &mut rules));
        rules.extend(confined_root.and_then(|node| self.confined_root(node)));
        rules.iter_mut().filter(|draft| !draft.has_action).for_each(|draft| draft.rule.action = action);
        self.finish(&mut rules);
        let policy = Policy {
            name: name.unwrap_or_default(),
            description: description.and_then(|node| self.description(node)),
            applies_to: applies_to.unwrap_or_else(nobody),
            priority: priority.and_then(|node| self.priority(node)).unwrap_or(0),
            inherits,
            mode: mode
                .and_then(|node| self.word(node, &MODES, [Mode::Enforce, Mode::Audit], "a mode"))
                .unwrap_or_default(),
            logins: logins
                .and_then(|node| {
                    self.word(node, &LOGINS, [Logins::Allow, Logins::Refuse], "what `logins` can be")
                })
                .unwrap_or_default(),
            unlabelled: unlabelled
                .and_then(|node| {
                    let words = [Unlabelled::Report, Unlabelled::Deny];
                    self.word(node, &UNLABELLED, words, "what `unlabelled` can be")
                })
                .unwrap_or_default(),
            audit: audit
                .and_then(|node| self.word(node, &AUDITS, Audit::ALL, "what `audit` can be"))
                .unwrap_or_default(),
            environment: environment.map(|node| self.environment(node)).unwrap_or_default(),
            action,
            message: message.and_then(|node| self.message(node)),
            severity: severity.and_then(|node| self.severity(node)).unwrap_or_default(),
            default,
            connections_default,
            rules: Vec::new(),
            limits: limits.map_or_else(Limits::default, |node| self.limits(node)),
            strikes: strikes.and_then(|node| self.strikes(node)),
            tests: tests.map(|node| self.assertions(node)).unwrap_or_default(),
            source: Arc::clone(self.source),
            name_span,
        };
        Some(PolicyDraft { policy, rules, denies_by_default })
    }

    /// The rule that `true` stands for, with the policy's action.
    fn confined_root(&mut self, node: &Node) -> Option<Draft> {
        let operations = vec![Operation::Administer];
        let about = About { subject: Subject::Administration, span: node.span, operations, arguments: None };
        self.flag(node)?.then(|| self.draft(about, Section::Deny, Effect::default()))
    }

    pub(super) fn name(&mut self, node: &Node, what: &str) -> Option<String> {
        let name = self.text(node, what)?;
        if is_name(name) {
            return Some(name.to_owned());
        }
        let message = format!("{} cannot be {what}", quoted(name));
        let help = format!(
            "use a-z, 0-9, `_` and `-`, with a letter or digit first, at most {NAME_BYTES_MAX} characters"
        );
        self.push(self.fault(Code::InvalidPolicyName, node.span, message).help(help));
        None
    }

    /// The rule sets that are named; whether there are any such is seen when all files were read.
    pub(super) fn inherits(&mut self, list: &Node) -> Vec<Inherited> {
        let entries = self.list(list, "a list of rule sets", "write a list, also for one: `[baseline]`");
        let entries = self.at_most(entries, INHERITS_MAX, "`inherits`");
        let mut inherits: Vec<Inherited> = Vec::new();
        for entry in entries {
            let Some(name) = self.name(entry, "a rule set's name") else {
                continue;
            };
            if let Some(first) = inherits.iter().find(|first| first.name == name) {
                let fault = self
                    .fault(
                        Code::RepeatedEntry,
                        entry.span,
                        format!("rule set {} is listed twice", quoted(&name)),
                    )
                    .related(self.place(first.span), "first here")
                    .help("remove one of the two");
                self.push(fault);
                continue;
            }
            inherits.push(Inherited { name, span: entry.span });
        }
        inherits
    }

    /// The variables that are recorded.
    fn environment(&mut self, list: &Node) -> Vec<String> {
        let entries = self.list(
            list,
            "a list of environment variables",
            "write a list, also for one: `[SSH_CONNECTION]`",
        );
        let entries = self.at_most(entries, ENVIRONMENT_MAX, "`environment`");
        let mut names: Vec<String> = Vec::new();
        for entry in entries {
            let Some(name) = self.text(entry, "the name of an environment variable") else { continue };
            if is_variable(name) {
                names.push(name.to_owned());
                continue;
            }
            let message = format!("{} cannot be the name of an environment variable", quoted(name));
            let help = "use letters, digits and `_`, with no digit first; a value is not part of it";
            self.push(self.fault(Code::UnknownWord, entry.span, message).help(help));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn priority(&mut self, node: &Node) -> Option<i32> {
        let Value::Integer(priority) = node.value else {
            self.wrong_type(
                node,
                "a whole number",
                "the policy with the greater priority wins; the default is 0",
            );
            return None;
        };
        let in_range = i32::try_from(priority).ok();
        if in_range.is_none() {
            let message = format!("priority {priority} is out of range");
            let help = format!("use a number from {} to {}", i32::MIN, i32::MAX);
            self.push(self.fault(Code::PriorityOutOfRange, node.span, message).help(help));
        }
        in_range
    }

    /// What happens to what is blocked.
    pub(super) fn action(&mut self, node: &Node) -> Option<Action> {
        let word = self.text(node, "`kill`, `deny` or `audit`")?;
        if word == Action::Allow.as_str() {
            let help =
                "an action is what a blocked program gets; list the programs that may run under `allow:`";
            self.push(self.fault(Code::UnknownWord, node.span, "`allow` is not an action").help(help));
            return None;
        }
        self.word(node, &ACTIONS, [Action::Kill, Action::Deny, Action::Audit], "an action")
    }

    pub(super) fn severity(&mut self, node: &Node) -> Option<Gravity> {
        self.word(node, &SEVERITIES, Gravity::ALL, "a severity")
    }
}

fn nobody() -> AppliesTo {
    let who = Who::Accounts { users: Vec::new(), groups: Vec::new() };
    AppliesTo { who, services: Vec::new(), from: Vec::new(), terminal: None, when: None }
}

/// Whether shells and programs could have a variable of this name.
fn is_variable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(plain)
        && name.bytes().all(|byte| plain(byte) || byte.is_ascii_digit())
        && name.len() <= NAME_BYTES_MAX
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(plain)
        && name.bytes().all(|byte| plain(byte) || matches!(byte, b'_' | b'-'))
        && name.len() <= NAME_BYTES_MAX
}
