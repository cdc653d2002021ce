// SPDX-License-Identifier: MIT OR Apache-2.0
//! `programs`: which programs a policy allows and denies.

use super::language::{
    ALLOWED_PROGRAM, ANY_ARGUMENT, ANY_ARGUMENTS, DENIED_PROGRAM, FATES, PROGRAMS, SHARED_PROGRAMS,
};
use super::rules::{About, Effect, Section};
use super::{Draft, Reader};
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::{ArgumentPattern, ArgumentsCondition, Rule, Subject};
use crate::source::Span;
use crate::yaml::{Node, Value};
use sac_abi::decide::ARGUMENT_BYTES_MAX;
use sac_abi::{Action, Operation};

/// Most arguments in one condition: more the kernel half does not look at.
const ARGUMENTS_MAX: usize = sac_abi::decide::ARGUMENTS_MAX as usize;

/// What becomes of code that comes from somewhere.
#[derive(Clone, Copy)]
enum Fate {
    Allow,
    Audit,
    /// It gets the policy's action.
    Deny,
}

const LIST_HELP: &str = "write a list, also for one: `[/usr/bin/df]`";

impl Reader<'_> {
    /// Reads the rules; gives the default and, where that is not to allow, its place. `inherits`: whether there are
    /// rules that are not in this file.
    pub(super) fn programs(
        &mut self,
        node: &Node,
        action: Action,
        inherits: bool,
        rules: &mut Vec<Draft>,
    ) -> (Action, Option<Span>) {
        let Some([default_node, deny, allow, untrusted, execmem]) =
            self.fields(node, &PROGRAMS, "`programs`")
        else {
            return (Action::Allow, None);
        };
        let default = match default_node {
            Some(node) => self.default(node, action),
            None => Some(Action::Allow),
        };
        let first = rules.len();
        self.sections([deny, allow], "a list of programs", LIST_HELP, rules, Self::program);
        let own = rules.get(first..).unwrap_or_default();
        match default {
            Some(Action::Allow) => self.lint_allow_list(allow, own),
            Some(_) if !inherits => self.lint_empty(default_node, allow),
            _ => {}
        }
        self.provenance(untrusted, execmem, rules);
        let denies = default.is_some_and(|default| default != Action::Allow);
        (default.unwrap_or(Action::Allow), default_node.filter(|_| denies).map(|node| node.span))
    }

    pub(super) fn shared_programs(&mut self, node: &Node, rules: &mut Vec<Draft>) {
        if let Some([deny, allow, untrusted, execmem]) =
            self.fields(node, &SHARED_PROGRAMS, "`programs` of a rule set")
        {
            self.sections([deny, allow], "a list of programs", LIST_HELP, rules, Self::program);
            self.provenance(untrusted, execmem, rules);
        }
    }

    /// `untrusted` and `execmem`: rules that are about where code comes from. To allow is to say nothing, so that what is
    /// inherited stays.
    fn provenance(&mut self, untrusted: Option<&Node>, execmem: Option<&Node>, rules: &mut Vec<Draft>) {
        let kinds = [
            (untrusted, Subject::Untrusted, "what `untrusted` can be"),
            (execmem, Subject::ExecutableMemory, "what `execmem` can be"),
        ];
        for (node, subject, what) in kinds {
            let Some(node) = node else { continue };
            let Some(fate) = self.word(node, &FATES, [Fate::Allow, Fate::Audit, Fate::Deny], what) else {
                continue;
            };
            let operations = vec![Operation::Execute];
            let about = About { subject, span: node.span, operations, arguments: None };
            let draft = self.draft(about, Section::Deny, Effect::default());
            match fate {
                Fate::Allow => {}
                Fate::Audit => {
                    rules
                        .push(Draft { rule: Rule { action: Action::Audit, ..draft.rule }, has_action: true });
                }
                Fate::Deny => rules.push(draft),
            }
        }
    }

    /// One entry: a path, or a mapping.
    fn program(&mut self, node: &Node, section: Section) -> Option<Draft> {
        let operations = vec![Operation::Execute];
        if !matches!(node.value, Value::Mapping(_)) {
            let subject = Subject::Path(self.path(node, "the path of a program")?);
            let about = About { subject, span: node.span, operations, arguments: None };
            return Some(self.draft(about, section, Effect::default()));
        }
        let (subject, sha256, args, args_any, effect) = match section {
            Section::Deny => {
                let [path, directory, tree, name, sha256, args, args_any, action, message, severity, when] =
                    self.fields(node, &DENIED_PROGRAM, "a denied program")?;
                let effect = Effect { action, message, severity, when, overrides: None };
                ([path, directory, tree, name], sha256, args, args_any, effect)
            }
            Section::Allow => {
                let [path, directory, tree, name, args, args_any, overrides, when] =
                    self.fields(node, &ALLOWED_PROGRAM, "an allowed program")?;
                let effect = Effect { overrides, when, ..Effect::default() };
                ([path, directory, tree, name], None, args, args_any, effect)
            }
        };
        if let (Some(first), Some(second)) = (args, args_any) {
            self.conflict(second, first, "a rule has one condition on arguments", "write two rules");
        }
        let conditional = args.or(args_any);
        let arguments = match (args, args_any) {
            (Some(list), _) => self.all_arguments(list),
            (None, Some(list)) => self.any_argument(list),
            (None, None) => None,
        };
        let found = match sha256 {
            Some(digest) => self.content(digest, subject),
            None => self.file_subject(node, subject, section),
        };
        if let (Some(condition), Some((subject, span))) = (conditional, &found)
            && !matches!(subject, Subject::Path(_))
        {
            let fault = self
                .fault(Code::ConflictingKeys, condition.span, "a condition on arguments needs one program")
                .related(self.place(*span), "this can be several")
                .help("name the program by `path`, or remove the condition");
            self.push(fault);
        }
        let draft = found.map(|(subject, span)| {
            self.draft(About { subject, span, operations, arguments }, section, effect)
        })?;
        // A rule whose condition could not be read would hold for everything.
        (conditional.is_none() || draft.rule.arguments.is_some()).then_some(draft)
    }

    /// A program by its content; none of the `other` ways to name one can stand beside it.
    fn content(&mut self, node: &Node, other: [Option<&Node>; 4]) -> Option<(Subject, Span)> {
        if let Some(other) = other.into_iter().flatten().next() {
            self.conflict(other, node, "a rule is about one thing", "write two rules");
        }
        let text = self.text(node, "the SHA-256 of a program")?;
        let Some(content) = digest(text) else {
            let message = format!("{} cannot be the SHA-256 of a file", quoted(text));
            let help = "write its 64 hexadecimal digits, as `sha256sum FILE` prints them";
            self.push(self.fault(Code::InvalidDigest, node.span, message).help(help));
            return None;
        };
        Some((Subject::Content(content), node.span))
    }

    fn all_arguments(&mut self, list: &Node) -> Option<ArgumentsCondition> {
        self.lint_patterns(list, &[ANY_ARGUMENT, ANY_ARGUMENTS]);
        let texts = self.argument_texts(list, "`args`");
        let (more, texts) = match texts.split_last() {
            Some((last, rest)) if last == ANY_ARGUMENTS => (true, rest),
            _ => (false, texts.as_slice()),
        };
        if texts.iter().any(|text| text == ANY_ARGUMENTS) {
            let fault = self
                .fault(Code::InvalidArguments, list.span, "`**` is not the last argument")
                .help("put it at the end, or use `*` for one argument");
            self.push(fault);
            return None;
        }
        let pattern = |text: &String| match text.as_str() {
            ANY_ARGUMENT => ArgumentPattern::Anything,
            _ => ArgumentPattern::Exactly(text.clone()),
        };
        Some(ArgumentsCondition::All { patterns: texts.iter().map(pattern).collect(), more })
    }

    fn any_argument(&mut self, list: &Node) -> Option<ArgumentsCondition> {
        self.lint_patterns(list, &[]);
        let texts = self.argument_texts(list, "`args_any`");
        if texts.is_empty() && matches!(list.value, Value::List(_) | Value::Null) {
            self.says_nothing(list, "`args_any` has no entry".to_owned());
            return None;
        }
        Some(ArgumentsCondition::Any(texts))
    }

    /// Looks for arguments that were meant as patterns; `signs` are those that are.
    fn lint_patterns(&mut self, list: &Node, signs: &[&str]) {
        let Value::List(entries) = &list.value else { return };
        for entry in entries.iter().take(ARGUMENTS_MAX) {
            if let Value::Text(text) = &entry.value
                && text.contains('*')
                && !signs.contains(&text.as_str())
            {
                let fault = self
                    .fault(Code::PatternInArgument, entry.span, format!("{} is not a pattern", quoted(text)))
                    .label("only this very text")
                    .help("`*` has a meaning only in `args`, as a whole argument; list the arguments that are meant");
                self.push(fault);
            }
        }
    }

    /// Arguments that can be compared.
    pub(super) fn argument_texts(&mut self, list: &Node, what: &str) -> Vec<String> {
        let entries = self.list(list, "a list of arguments", "write a list, also for one: `[status]`");
        if let Some(excess) = entries.get(ARGUMENTS_MAX) {
            let message = format!("{what} has more than {ARGUMENTS_MAX} arguments");
            let help = "no more are looked at; a program that is given more is blocked";
            self.push(self.fault(Code::InvalidArguments, excess.span, message).help(help));
        }
        entries.iter().take(ARGUMENTS_MAX).filter_map(|entry| self.argument(entry)).collect()
    }

    fn argument(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "an argument")?;
        let message = if text.len() > ARGUMENT_BYTES_MAX {
            format!("{} has {} bytes", quoted(text), text.len())
        } else if text.contains('\0') {
            format!("{} has a zero byte", quoted(text))
        } else {
            return Some(text.to_owned());
        };
        let help =
            format!("an argument that is compared has at most {ARGUMENT_BYTES_MAX} bytes, none of them zero");
        self.push(self.fault(Code::InvalidArguments, node.span, message).help(help));
        None
    }

    /// Looks at the allow list of a policy in which everything may run.
    fn lint_allow_list(&mut self, allow: Option<&Node>, own: &[Draft]) {
        let Some(list) = allow else { return };
        if is_empty(list) {
            let fault = self.fault(Code::EmptyAllowList, list.span, "the allow list has no entry");
            self.push(fault.help("remove the key `allow`, or list programs under it"));
            return;
        }
        let mut allowed = own.iter().filter(|draft| draft.rule.action == Action::Allow);
        if allowed.clone().any(|draft| draft.rule.overrides) {
            let spans: Vec<_> =
                allowed.filter(|draft| !draft.rule.overrides).map(|draft| draft.rule.span).collect();
            for span in spans {
                let fault = self
                    .fault(Code::RuleWithoutEffect, span, "this allow rule changes nothing")
                    .label("what is not denied runs anyway")
                    .help("write `override: true` if it comes before rules that deny, or remove it");
                self.push(fault);
            }
        } else if allowed.next().is_some() {
            let fault = self
                .fault(Code::RuleWithoutEffect, list.span, "the allow list changes nothing")
                .label("what is not denied runs anyway")
                .help("write `default: deny` if nothing else may run, or remove the list");
            self.push(fault);
        }
    }

    /// Looks at the allow list of a policy in which only what is allowed runs.
    fn lint_empty(&mut self, default: Option<&Node>, allow: Option<&Node>) {
        if allow.is_none_or(is_empty)
            && let Some(node) = allow.or(default)
        {
            let fault = self
                .fault(Code::EmptyAllowList, node.span, "nothing is allowed, not even the login shell")
                .help("list under `allow` what may run, or write `default: allow`");
            self.push(fault);
        }
    }
}

/// A SHA-256 from its hexadecimal digits.
pub(crate) fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(digest)
}

fn is_empty(list: &Node) -> bool {
    match &list.value {
        Value::Null => true,
        Value::List(entries) => entries.is_empty(),
        // Of the wrong type, which was reported.
        _ => false,
    }
}
