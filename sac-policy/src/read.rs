// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a file's tree to a policy or a rule set.
//!
//! The reader goes on after every fault with whatever is left, so what it gives back is whole only if no error was found. Each
//! part of the language has its own file here; `language` has the keys and words of all of them.

mod assertions;
mod connections;
mod fields;
mod file_rules;
pub(crate) mod language;
mod limits;
mod path;
mod policy;
mod programs;
mod rule_set;
mod rules;
mod when;
mod who;

use crate::code::Code;
use crate::fault::{Fault, Faults, Place};
use crate::policy::{Inherited, Policy, Rule};
use crate::source::{Source, Span};
use crate::yaml::{Node, Value};
use std::sync::Arc;
pub(crate) use when::duration_seconds;

pub(crate) use fields::did_you_mean;
#[cfg(test)]
pub(crate) use programs::digest;
pub(crate) use rules::{COMPARED_MAX, RULES_MAX, contradict, meetings};

/// Most conditions on the arguments of one program: for more the kernel half has no room.
pub(crate) const CONDITIONS_MAX: usize = sac_abi::decide::CONDITIONS_MAX as usize;

/// Longest name of a policy or rule set, in bytes. Names become parts of file names and of log lines.
const NAME_BYTES_MAX: usize = 63;

/// What a file holds.
pub(crate) enum Document {
    Policy(Box<PolicyDraft>),
    RuleSet(RuleSet),
}

/// A policy that has not taken over yet what it inherits.
pub(crate) struct PolicyDraft {
    /// Without rules.
    pub(crate) policy: Policy,
    /// Its own rules.
    pub(crate) rules: Vec<Draft>,
    /// Where it says that only what is allowed runs.
    pub(crate) denies_by_default: Option<Span>,
}

/// A rule set as its file has it.
pub(crate) struct RuleSet {
    /// The empty text where it has no usable one; then an error was found.
    pub(crate) name: String,
    pub(crate) name_span: Span,
    pub(crate) source: Arc<Source>,
    pub(crate) inherits: Vec<Inherited>,
    pub(crate) rules: Vec<Draft>,
}

/// A rule that has no number yet. Without an action of its own it gets that of the policy that it comes to.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) rule: Rule,
    pub(crate) has_action: bool,
}

/// Reads one file. `None` where there is nothing that resembles a policy; then at least one error was found.
///
/// A policy without a usable name has the empty one; then, too, an error was found.
pub(crate) fn read(source: &Arc<Source>, faults: &mut Faults) -> Option<Document> {
    match Node::parse(source) {
        Ok(root) => Reader { source, faults }.document(&root),
        Err(fault) => {
            faults.push(*fault);
            None
        }
    }
}

/// Every key of the language, as a path from the top of the file; those of `when`, which stands in many places, once.
#[cfg(test)]
pub(crate) fn keys() -> Vec<String> {
    use language::{Key, Shape, WHEN};
    fn below(shape: Shape, path: &str, into: &mut Vec<String>) {
        match shape {
            Shape::Mapping(mapping) if !std::ptr::eq(mapping.keys, WHEN.as_slice()) => {
                add(mapping.keys, &format!("{path}."), into);
            }
            Shape::List(entry) | Shape::FullList(entry) => below(*entry, &format!("{path}[]"), into),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| below(*shape, path, into)),
            _ => {}
        }
    }
    fn add(keys: &[Key], parent: &str, into: &mut Vec<String>) {
        for key in keys.iter().filter(|key| !matches!(key.shape, Shape::Refused)) {
            let path = format!("{parent}{}", key.name);
            if !into.contains(&path) {
                into.push(path.clone());
                below(key.shape, &path, into);
            }
        }
    }
    let mut keys = Vec::new();
    add(&language::POLICY, "", &mut keys);
    add(&language::RULE_SET, "", &mut keys);
    add(&WHEN, "when.", &mut keys);
    keys
}

/// Reads the parts of one file, and collects what is wrong with them.
struct Reader<'r> {
    source: &'r Arc<Source>,
    faults: &'r mut Faults,
}

impl Reader<'_> {
    fn document(&mut self, root: &Node) -> Option<Document> {
        if root.value == Value::Null {
            let help = "begin with `policy: NAME` and `applies_to:`, or remove the file";
            self.push(self.fault(Code::WrongType, root.span, "the file is empty").help(help));
            return None;
        }
        match (root.key("policy"), root.key("rule_set")) {
            (None, Some(_)) => self.rule_set(root).map(Document::RuleSet),
            (Some(policy), Some(rule_set)) => {
                let message = "a file is either a policy or a rule set";
                let fault = self
                    .fault(Code::ConflictingKeys, rule_set.span, message)
                    .related(self.place(policy.span), "a policy by this key")
                    .help("move one of the two to a file of its own");
                self.push(fault);
                None
            }
            _ => self.policy(root).map(|policy| Document::Policy(Box::new(policy))),
        }
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
