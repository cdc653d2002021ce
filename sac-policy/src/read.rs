// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a file's tree to a policy.
//!
//! The reader goes on after every fault with whatever is left, so the policy that it gives back is whole only if no
//! error was found. Each part of the language has its own file here: `who` for people, `programs` for rules.

mod fields;
mod path;
mod programs;
mod who;

use crate::code::Code;
use crate::fault::{Fault, Faults, Place, quoted};
use crate::policy::{Policy, Who};
use crate::source::{Source, Span};
use crate::yaml::{Node, Value};
use sac_abi::Action;
use std::sync::Arc;

/// Longest policy name, in bytes. Names become parts of file names and of log lines.
const NAME_BYTES_MAX: usize = 63;

const POLICY_KEYS: [&str; 6] = ["policy", "description", "applies_to", "priority", "action", "programs"];

/// Reads one file. `None` where there is nothing that resembles a policy; then at least one error was found.
///
/// A policy without a usable name has the empty one; then, too, an error was found.
pub(crate) fn read(source: &Arc<Source>, faults: &mut Faults) -> Option<Policy> {
    match Node::parse(source) {
        Ok(root) => Reader { source, faults }.policy(&root),
        Err(fault) => {
            faults.push(*fault);
            None
        }
    }
}

/// Every key of the language, as a path from the top of the file.
#[cfg(test)]
pub(crate) fn keys() -> Vec<String> {
    let below =
        |parent: &str, keys: &[&str]| keys.iter().map(|key| format!("{parent}{key}")).collect::<Vec<_>>();
    [
        below("", &POLICY_KEYS),
        below("applies_to.", &who::WHO_KEYS),
        below("programs.", &programs::PROGRAMS_KEYS),
        below("programs.deny[].", &programs::DENY_KEYS),
        below("programs.allow[].", &programs::ALLOW_KEYS),
    ]
    .concat()
}

/// Reads the parts of one file, and collects what is wrong with them.
struct Reader<'r> {
    source: &'r Arc<Source>,
    faults: &'r mut Faults,
}

impl Reader<'_> {
    fn policy(&mut self, root: &Node) -> Option<Policy> {
        if root.value == Value::Null {
            let help = "begin with `policy: NAME` and `applies_to:`, or remove the file";
            self.push(self.fault(Code::WrongType, root.span, "the file is empty").help(help));
            return None;
        }
        let [name, description, applies_to, priority, action, programs] =
            self.fields(root, POLICY_KEYS, "a policy")?;
        let name_span = name.map_or(root.span, |node| node.span);
        let name = match name {
            Some(node) => self.name(node),
            None => {
                self.missing(root, "policy", "give the policy a name: `policy: NAME`");
                None
            }
        };
        let applies_to = match applies_to {
            Some(node) => self.who(node),
            None => {
                self.missing(
                    root,
                    "applies_to",
                    "say whom it is for: `applies_to: {users: [NAME]}` or `applies_to: everyone`",
                );
                None
            }
        };
        let action = action.and_then(|node| self.action(node)).unwrap_or(Action::Kill);
        let (default, rules) =
            programs.map_or((Action::Allow, Vec::new()), |node| self.programs(node, action));
        Some(Policy {
            name: name.unwrap_or_default(),
            description: description.and_then(|node| self.text(node, "a text").map(str::to_owned)),
            applies_to: applies_to.unwrap_or(Who::Accounts { users: Vec::new(), groups: Vec::new() }),
            priority: priority.and_then(|node| self.priority(node)).unwrap_or(0),
            action,
            default,
            rules,
            source: Arc::clone(self.source),
            name_span,
        })
    }

    fn name(&mut self, node: &Node) -> Option<String> {
        let name = self.text(node, "a policy's name")?;
        let first =
            name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let rest = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
        if first && rest && name.len() <= NAME_BYTES_MAX {
            return Some(name.to_owned());
        }
        let message = format!("{} cannot be a policy's name", quoted(name));
        let help = format!(
            "use a-z, 0-9, `_` and `-`, with a letter or digit first, at most {NAME_BYTES_MAX} characters"
        );
        self.push(self.fault(Code::InvalidPolicyName, node.span, message).help(help));
        None
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

    /// What happens to a blocked program.
    fn action(&mut self, node: &Node) -> Option<Action> {
        let word = self.text(node, "`kill`, `deny` or `audit`")?;
        let action =
            [Action::Kill, Action::Deny, Action::Audit].into_iter().find(|action| action.as_str() == word);
        if action.is_none() {
            let help = if word == Action::Allow.as_str() {
                "an action is what a blocked program gets; list the programs that may run under `allow:`"
            } else {
                "use `kill` (the process is killed), `deny` (it gets an error) or `audit` (it is only recorded)"
            };
            let message = format!("{} is not an action", quoted(word));
            self.push(self.fault(Code::UnknownWord, node.span, message).help(help));
        }
        action
    }

    fn place(&self, span: Span) -> Place {
        Place::at(self.source, span)
    }

    fn fault(&self, code: Code, span: Span, message: impl Into<String>) -> Fault {
        Fault::new(code, self.place(span), message)
    }

    fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }
}

#[cfg(test)]
mod tests;
