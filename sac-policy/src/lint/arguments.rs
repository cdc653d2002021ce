// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules with conditions on arguments that do not do what they seem to.

use super::{allows, executes};
use crate::code::Code;
use crate::fault::{Fault, Faults, quoted, quoted_path};
use crate::files::Files;
use crate::policy::{ArgumentPattern, ArgumentsCondition, Policy, Rule};
use sac_abi::Action;
use std::path::Path;

pub(super) fn lint(policy: &Policy, files: &impl Files, faults: &mut Faults) {
    for rule in policy.rules.iter().filter(|rule| executes(rule)) {
        let (Some(condition), Some(path)) = (&rule.arguments, rule.subject.path()) else { continue };
        if let Some(interpreter) = interpreter(files, path) {
            let message = format!("{} is a script, whose arguments cannot be looked at", quoted_path(path));
            let help = format!(
                "it is blocked whatever its arguments are; allow or deny it without `args`, or write a rule for {} with the script as its first argument",
                quoted(interpreter)
            );
            faults.push(Fault::new(Code::ArgumentsOfScript, rule.place(), message).help(help));
            continue;
        }
        if allows(rule) {
            overriding(rule, faults);
        } else {
            other_words(rule, condition, faults);
        }
        if rule.action == Action::Deny {
            let message = format!("the rule for {} with arguments kills", quoted_path(path));
            let help = "arguments are known only when the program that called has gone, so nobody is left to get an error; write `action: kill`";
            faults.push(Fault::new(Code::ArgumentsKill, rule.place(), message).help(help));
        }
    }
}

/// An override by arguments comes too late for rules that deny the program whatever its arguments are.
fn overriding(rule: &Rule, faults: &mut Faults) {
    if rule.overrides {
        let message = "this comes only before other rules with arguments for the same program";
        let help = "a rule that denies the program under any arguments blocks it before they are looked at; give that one arguments, too";
        faults.push(Fault::new(Code::OverrideByArguments, rule.place(), message).help(help));
    }
}

/// Options have many spellings, and most programs take them in any order.
fn other_words(rule: &Rule, condition: &ArgumentsCondition, faults: &mut Faults) {
    let help =
        "write an allow rule with `args` for what may be done, with `default: deny`, or deny the program";
    let message = match condition {
        ArgumentsCondition::Any(texts) => {
            let Some(option) = texts.iter().find(|text| text.starts_with('-')) else { return };
            let other = if option.starts_with("--") {
                "shortened, or with `=` and a value behind it"
            } else {
                "joined with another option, or in its long form"
            };
            format!("{} can also be written {other}", quoted(option))
        }
        ArgumentsCondition::All { patterns, .. } => {
            let Some(text) = patterns.iter().find_map(|pattern| match pattern {
                ArgumentPattern::Exactly(text) => Some(text),
                ArgumentPattern::Anything => None,
            }) else {
                return;
            };
            format!("with an option before it, {} stands at another place", quoted(text))
        }
    };
    faults.push(Fault::new(Code::ArgumentsInOtherWords, rule.place(), message).help(help));
}

/// The first line of a script behind `#!`.
fn interpreter(files: &impl Files, path: &Path) -> Option<String> {
    let head = files.head(path)?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line.trim_ascii()).into_owned())
}
