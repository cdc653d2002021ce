// SPDX-License-Identifier: MIT OR Apache-2.0
//! What rules of all kinds have in common: lists of them, what a rule says besides its subject, and rules that meet.

use super::language::{DEFAULTS, Key};
use super::{Draft, Reader};
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::{ArgumentsCondition, Rule, Subject};
use crate::source::Span;
use crate::yaml::{Node, Value};
use sac_abi::hash::TEXT_BYTES_MAX;
use sac_abi::{Action, Operation};
use std::collections::HashMap;
use std::sync::Arc;

/// Most rules in one policy, those that it inherits included.
pub(crate) const RULES_MAX: usize = 100_000;

/// Most rules for one subject and operation that are compared with each other.
pub(crate) const COMPARED_MAX: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Deny,
    Allow,
}

/// What a rule is about.
pub(super) struct About {
    pub(super) subject: Subject,
    pub(super) span: Span,
    pub(super) operations: Vec<Operation>,
    pub(super) arguments: Option<ArgumentsCondition>,
}

/// The keys that say what a rule does.
#[derive(Clone, Copy, Default)]
pub(super) struct Effect<'n> {
    pub(super) action: Option<&'n Node>,
    pub(super) message: Option<&'n Node>,
    pub(super) severity: Option<&'n Node>,
    pub(super) when: Option<&'n Node>,
    pub(super) overrides: Option<&'n Node>,
}

impl Reader<'_> {
    /// Reads `deny` and `allow`; `entry` reads one entry of them.
    pub(super) fn sections(
        &mut self,
        [deny, allow]: [Option<&Node>; 2],
        what: &str,
        help: &str,
        rules: &mut Vec<Draft>,
        entry: fn(&mut Self, &Node, Section) -> Option<Draft>,
    ) {
        for (list, section) in [(deny, Section::Deny), (allow, Section::Allow)] {
            let Some(list) = list else { continue };
            for node in self.list(list, what, help) {
                if rules.len() == RULES_MAX {
                    let message = format!("the policy has more than {RULES_MAX} rules");
                    let fault =
                        self.fault(Code::LimitExceeded, node.span, message).label("the first one too many");
                    self.push(
                        fault
                            .help("list fewer programs; `default: deny` with an allow list is often shorter"),
                    );
                    break;
                }
                rules.extend(entry(self, node, section));
            }
        }
    }

    /// A rule, from what it is about and what it does.
    pub(super) fn draft(&mut self, about: About, section: Section, effect: Effect<'_>) -> Draft {
        let action = effect.action.and_then(|node| self.action(node));
        let (action, has_action) = match section {
            Section::Allow => (Action::Allow, true),
            Section::Deny => (action.unwrap_or(Action::Kill), action.is_some()),
        };
        let rule = Rule {
            number: 0,
            subject: about.subject,
            operations: about.operations,
            action,
            overrides: effect.overrides.and_then(|node| self.flag(node)).unwrap_or(false),
            arguments: about.arguments,
            message: effect.message.and_then(|node| self.message(node)),
            severity: effect.severity.and_then(|node| self.severity(node)),
            when: effect.when.and_then(|node| self.when(node)),
            source: Arc::clone(self.source),
            span: about.span,
        };
        Draft { rule, has_action }
    }

    /// The subject of a rule about files: exactly one of these keys. `name` is known also where it cannot stand.
    pub(super) fn file_subject(
        &mut self,
        node: &Node,
        [path, directory, tree, name]: [Option<&Node>; 4],
        section: Section,
    ) -> Option<(Subject, Span)> {
        if let Some(name) = name.filter(|_| section == Section::Allow) {
            let fault = self
                .fault(Code::NameProvesNothing, name.span, "a name alone cannot allow anything")
                .label("anybody can give a file this name")
                .help("name the file by `path`, or its `directory` or `tree`");
            self.push(fault);
            return None;
        }
        let mut given = [path, directory, tree, name].into_iter().flatten();
        let Some(first) = given.next() else {
            self.missing(
                node,
                "path",
                "say which: `path: /usr/bin/df`, or use `directory`, `tree` or `name`",
            );
            return None;
        };
        if let Some(second) = given.next() {
            self.conflict(second, first, "a rule is about one thing", "write two rules");
        }
        let subject = if name.is_some_and(|name| std::ptr::eq(name, first)) {
            Subject::Name(self.file_name(first)?)
        } else {
            let path = self.path(first, "a path")?;
            if directory.is_some_and(|directory| std::ptr::eq(directory, first)) {
                Subject::Directory(path)
            } else if tree.is_some_and(|tree| std::ptr::eq(tree, first)) {
                Subject::Tree(path)
            } else {
                Subject::Path(path)
            }
        };
        Some((subject, first.span))
    }

    fn file_name(&mut self, node: &Node) -> Option<String> {
        let name = self.text(node, "a file's name")?;
        let sound = !matches!(name, "" | "." | "..")
            && name.len() <= TEXT_BYTES_MAX
            && !name.contains(|c: char| c == '/' || c.is_control());
        if !sound {
            let message = format!("{} cannot be a file's name", quoted(name));
            let help =
                "write the last part of a path alone, with at most 255 bytes; for a whole path use `path`";
            self.push(self.fault(Code::InvalidFileName, node.span, message).help(help));
        }
        sound.then(|| name.to_owned())
    }

    /// `default`: what is done where no rule says anything. `action` is what a policy does with what it blocks.
    pub(super) fn default(&mut self, node: &Node, action: Action) -> Option<Action> {
        self.word(node, &DEFAULTS, [Action::Allow, action], "what `default` can be")
    }

    /// The entry of a list where a mapping is needed.
    pub(super) fn entry_fields<'n, const N: usize>(
        &mut self,
        node: &'n Node,
        table: &'static [Key; N],
        what: &str,
    ) -> Option<[Option<&'n Node>; N]> {
        if matches!(node.value, Value::Mapping(_)) {
            return self.fields(node, table, what);
        }
        let help = format!("write it as a mapping: `{{tree: /srv/records, {}: [delete]}}`", "operations");
        self.wrong_type(node, "a mapping", help);
        None
    }

    /// Puts the rules of a file into the order of the file, and looks which of them meet.
    pub(super) fn finish(&mut self, rules: &mut [Draft]) {
        rules.sort_by_key(|draft| draft.rule.span.start);
        let mut met: HashMap<Meeting<'_>, Vec<&Draft>> = HashMap::new();
        for draft in &*rules {
            let mut reported = false;
            for meeting in meetings(&draft.rule) {
                let others = met.entry(meeting).or_default();
                if !reported && let Some(fault) = others.iter().find_map(|first| self.meet(first, draft)) {
                    self.push(fault);
                    reported = true;
                }
                if others.len() < COMPARED_MAX {
                    others.push(draft);
                }
            }
        }
    }

    /// One thing under both lists has no meaning; twice under one of them it is probably a mistake.
    fn meet(&self, first: &Draft, second: &Draft) -> Option<crate::Fault> {
        let (one, other) = (&first.rule, &second.rule);
        let subject = quoted(other.subject.to_string());
        let fault = if contradict(one, other) {
            let message = format!("{subject} is both allowed and denied");
            self.fault(Code::Contradiction, other.span, message).help("remove one of the two")
        } else if is_allowed(one) == is_allowed(other)
            && one.when == other.when
            && one.overrides == other.overrides
        {
            let message = format!("{subject} is listed twice");
            let fault = self.fault(Code::RepeatedEntry, other.span, message);
            let stricter = one.action.max(other.action).as_str();
            fault.help(format!("remove one of the two; until then `{stricter}` holds"))
        } else {
            return None;
        };
        Some(fault.related(self.place(one.span), "first here"))
    }
}

/// What two rules have to share to be about the same thing.
pub(crate) type Meeting<'r> = (&'r Subject, Operation, Option<&'r ArgumentsCondition>);

/// Each thing that a rule is about.
pub(crate) fn meetings(rule: &Rule) -> impl Iterator<Item = Meeting<'_>> {
    rule.operations.iter().map(|operation| (&rule.subject, *operation, rule.arguments.as_ref()))
}

fn is_allowed(rule: &Rule) -> bool {
    rule.action == Action::Allow
}

/// Whether one of two rules about the same thing denies it whenever the other one would allow it, and that other one does not
/// claim to come first.
pub(crate) fn contradict(one: &Rule, other: &Rule) -> bool {
    let (allowing, denying) = match (is_allowed(one), is_allowed(other)) {
        (true, false) => (one, other),
        (false, true) => (other, one),
        _ => return false,
    };
    !allowing.overrides && (denying.when.is_none() || denying.when == allowing.when)
}
