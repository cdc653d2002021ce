// SPDX-License-Identifier: MIT OR Apache-2.0
//! `programs`: which programs a policy allows and denies.

use super::{Reader, path};
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::Rule;
use crate::source::Span;
use crate::yaml::{Node, Value};
use sac_abi::Action;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;

/// Most rules in one policy.
pub(super) const RULES_MAX: usize = 100_000;

pub(super) const PROGRAMS_KEYS: [&str; 3] = ["default", "deny", "allow"];
pub(super) const DENY_KEYS: [&str; 2] = ["path", "action"];
pub(super) const ALLOW_KEYS: [&str; 1] = ["path"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Deny,
    Allow,
}

/// A rule that has no number yet, because the sections can stand in either order.
struct Entered {
    path: String,
    span: Span,
    action: Action,
}

impl Reader<'_> {
    /// The default of a policy and its rules. `action` is what a blocked program gets unless its rule says otherwise.
    pub(super) fn programs(&mut self, node: &Node, action: Action) -> (Action, Vec<Rule>) {
        let Some([default_node, deny, allow]) = self.fields(node, PROGRAMS_KEYS, "`programs`") else {
            return (Action::Allow, Vec::new());
        };
        let default = match default_node {
            Some(node) => self.default(node, action),
            None => Some(Action::Allow),
        };
        let mut entered = Vec::new();
        for (list, section, action) in [(deny, Section::Deny, action), (allow, Section::Allow, Action::Allow)]
        {
            if let Some(list) = list {
                self.section(list, section, action, &mut entered);
            }
        }
        entered.sort_by_key(|rule| rule.span.start);
        self.lint_names(&entered);
        if let Some(default) = default {
            self.lint_allow_list(default, default_node, allow);
        }
        (default.unwrap_or(Action::Allow), numbered(entered))
    }

    fn default(&mut self, node: &Node, action: Action) -> Option<Action> {
        match self.text(node, "`allow` or `deny`")? {
            "allow" => Some(Action::Allow),
            "deny" => Some(action),
            word => {
                let message = format!("{} cannot be the default", quoted(word));
                let help = "use `allow` (all runs but what is denied) or `deny` (only what is allowed runs)";
                self.push(self.fault(Code::UnknownWord, node.span, message).help(help));
                None
            }
        }
    }

    fn section(&mut self, list: &Node, section: Section, action: Action, entered: &mut Vec<Entered>) {
        let entries = self.list(list, "a list of programs", "write a list, also for one: `[/usr/bin/df]`");
        for entry in entries {
            if entered.len() == RULES_MAX {
                let message = format!("the policy has more than {RULES_MAX} rules");
                let fault =
                    self.fault(Code::LimitExceeded, entry.span, message).label("the first one too many");
                self.push(
                    fault.help("list fewer programs; `default: deny` with an allow list is often shorter"),
                );
                break;
            }
            entered.extend(self.entry(entry, section, action));
        }
    }

    /// One entry: a path, or a mapping with a path.
    fn entry(&mut self, node: &Node, section: Section, action: Action) -> Option<Entered> {
        let (path_node, action) = if let Value::Mapping(_) = node.value {
            let (path, own) = match section {
                Section::Deny => {
                    let [path, own] = self.fields(node, DENY_KEYS, "a denied program")?;
                    (path, own)
                }
                Section::Allow => {
                    let [path] = self.fields(node, ALLOW_KEYS, "an allowed program")?;
                    (path, None)
                }
            };
            if path.is_none() {
                self.missing(node, "path", "say which program: `path: /usr/bin/df`");
            }
            let own = own.and_then(|node| self.action(node));
            (path?, own.unwrap_or(action))
        } else {
            (node, action)
        };
        let path = self.text(path_node, "the path of a program")?;
        if let Err(fault) = path::check(path) {
            self.push(self.fault(fault.code, path_node.span, fault.message).help(fault.help));
            return None;
        }
        Some(Entered { path: path.to_owned(), span: path_node.span, action })
    }

    /// One path under both lists has no meaning; twice under one of them it is probably a mistake.
    fn lint_names(&mut self, entered: &[Entered]) {
        let mut first_of = HashMap::new();
        for rule in entered {
            let first: &Entered = match first_of.entry(rule.path.as_str()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(rule);
                    continue;
                }
                Entry::Occupied(occupied) => occupied.get(),
            };
            let path = quoted(&rule.path);
            let allows = |rule: &Entered| rule.action == Action::Allow;
            let fault = if allows(first) != allows(rule) {
                self.fault(Code::Contradiction, rule.span, format!("{path} is both allowed and denied"))
                    .help("remove one of the two")
            } else {
                let stricter = first.action.max(rule.action).as_str();
                self.fault(Code::RepeatedEntry, rule.span, format!("{path} is listed twice"))
                    .help(format!("remove one of the two; until then `{stricter}` holds"))
            };
            self.push(fault.related(self.place(first.span), "first here"));
        }
    }

    fn lint_allow_list(&mut self, default: Action, default_node: Option<&Node>, allow: Option<&Node>) {
        let empty = match allow.map(|list| &list.value) {
            None | Some(Value::Null) => true,
            Some(Value::List(entries)) => entries.is_empty(),
            // Of the wrong type, which was reported.
            Some(_) => return,
        };
        let Some(node) = allow.or(default_node) else {
            return;
        };
        let fault = match (default, empty) {
            (Action::Allow, true) if allow.is_some() => self
                .fault(Code::EmptyAllowList, node.span, "the allow list has no entry")
                .help("remove the key `allow`, or list programs under it"),
            (Action::Allow, false) => self
                .fault(Code::RuleWithoutEffect, node.span, "the allow list changes nothing")
                .label("what is not denied runs anyway")
                .help("write `default: deny` if nothing else may run, or remove the list"),
            (_, true) if default != Action::Allow => self
                .fault(Code::EmptyAllowList, node.span, "nothing is allowed, not even the login shell")
                .help("list under `allow` what may run, or write `default: allow`"),
            _ => return,
        };
        self.push(fault);
    }
}

fn numbered(entered: Vec<Entered>) -> Vec<Rule> {
    (1..)
        .zip(entered)
        .map(|(number, Entered { path, span, action })| Rule {
            number,
            path: PathBuf::from(path),
            action,
            span,
        })
        .collect()
}
