// SPDX-License-Identifier: MIT OR Apache-2.0
//! `files`: what may be done with files besides executing them.

use super::language::{ALLOWED_FILE, DENIED_FILE, FILES, OPERATIONS};
use super::rules::{About, Effect, Section};
use super::{Draft, Reader};
use crate::code::Code;
use crate::yaml::Node;
use sac_abi::{Action, Operation};

/// In the order of [`OPERATIONS`].
const MEANINGS: [Operation; 5] =
    [Operation::Delete, Operation::Rename, Operation::Write, Operation::Create, Operation::Read];

/// Most entries of `operations`: more than there are operations would be repetitions.
const OPERATIONS_MAX: usize = 8;

impl Reader<'_> {
    pub(super) fn files(&mut self, node: &Node, rules: &mut Vec<Draft>) {
        let Some(lists) = self.fields(node, &FILES, "`files`") else {
            return;
        };
        let first = rules.len();
        let help = "write a list, also for one: `[{path: /etc/shadow, operations: [read]}]`";
        self.sections(lists, "a list of files", help, rules, Self::file);
        let own = rules.get(first..).unwrap_or_default();
        self.lint_without_effect(own, "a file");
    }

    fn file(&mut self, node: &Node, section: Section) -> Option<Draft> {
        let (subject, operations, effect) = match section {
            Section::Deny => {
                let [path, directory, tree, name, operations, action, message, severity, when] =
                    self.entry_fields(node, &DENIED_FILE, "a denied file")?;
                let effect = Effect { action, message, severity, when, overrides: None };
                ([path, directory, tree, name], operations, effect)
            }
            Section::Allow => {
                let [path, directory, tree, name, operations, overrides, when] =
                    self.entry_fields(node, &ALLOWED_FILE, "an allowed file")?;
                let effect = Effect { overrides, when, ..Effect::default() };
                ([path, directory, tree, name], operations, effect)
            }
        };
        let operations = match operations {
            Some(list) => self.operations(list),
            None => {
                self.missing(node, "operations", "say what is meant, such as `operations: [write, delete]`");
                Vec::new()
            }
        };
        let (subject, span) = self.file_subject(node, subject, section)?;
        Some(self.draft(About { subject, span, operations, arguments: None }, section, effect))
    }

    fn operations(&mut self, list: &Node) -> Vec<Operation> {
        let entries = self.full_list(list, "a list of operations", "write a list, also for one: `[write]`");
        let entries = self.at_most(entries, OPERATIONS_MAX, "`operations`");
        let mut operations = Vec::new();
        for entry in entries {
            let Some(operation) = self.word(entry, &OPERATIONS, MEANINGS, "an operation") else {
                continue;
            };
            if !operations.contains(&operation) {
                operations.push(operation);
            }
        }
        operations
    }

    /// Where everything may be done that no rule denies, an allow rule has to come before those.
    pub(super) fn lint_without_effect(&mut self, own: &[Draft], noun: &str) {
        for draft in own.iter().filter(|draft| draft.rule.action == Action::Allow && !draft.rule.overrides) {
            let message = format!("this rule for {noun} changes nothing");
            let fault = self
                .fault(Code::RuleWithoutEffect, draft.rule.span, message)
                .label("what is not denied is allowed anyway")
                .help("write `override: true` if it comes before rules that deny, or remove it");
            self.push(fault);
        }
    }
}
