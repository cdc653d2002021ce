// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is allowed in a policy and probably not meant, or not what it seems.
//!
//! The reader finds what is wrong in a file, and the compiler what is doubtful about a single path. Here a policy is looked at as
//! a whole: what gets around it, what has no effect, and whom it would lock out. These are warnings, never errors.

mod arguments;
mod carriers;
mod effect;
mod lockout;

use crate::code::Code;
use crate::fault::{Fault, Faults, quoted_path};
use crate::files::{FileKind, Files, NameKind};
use crate::policy::{Policy, Rule, Subject};
use sac_abi::{Action, Operation};

pub use lockout::{Affected, lint_lockout};

/// Looks at a policy as a whole.
#[must_use]
pub fn lint(policy: &Policy, files: &impl Files) -> Faults {
    let mut faults = Faults::default();
    names(policy, files, &mut faults);
    arguments::lint(policy, files, &mut faults);
    carriers::lint(policy, files, &mut faults);
    effect::lint(policy, files, &mut faults);
    faults.sort();
    faults
}

/// Whether a rule is about executing.
fn executes(rule: &Rule) -> bool {
    rule.operations.contains(&Operation::Execute)
}

/// Whether a rule allows.
fn allows(rule: &Rule) -> bool {
    rule.action == Action::Allow
}

/// Warns of rules for one of several names of a program.
fn names(policy: &Policy, files: &impl Files, faults: &mut Faults) {
    for rule in policy.rules.iter().filter(|rule| executes(rule)) {
        let Subject::Path(path) = &rule.subject else { continue };
        let Ok(found) = files.resolve(path) else { continue };
        if found.kind != FileKind::Regular {
            continue;
        }
        let own = found.canonical.file_name().map(|name| name.to_string_lossy().into_owned());
        let many_in_one = own.as_deref().is_some_and(carriers::is_many_in_one);
        let (verb, instead) = match rule.action {
            Action::Allow => ("allows", "install the program as a file of its own if only that is meant"),
            _ => ("is for", "leave it so if all of them are meant"),
        };
        let message = if many_in_one
            && (found.name == NameKind::SymbolicLink || path.file_name() != found.canonical.file_name())
        {
            format!(
                "{} is only a name of {}, which has many programs in it",
                quoted_path(path),
                quoted_path(&found.canonical)
            )
        } else if found.names > 1 {
            format!("{} is one of {} names of one file", quoted_path(path), found.names)
        } else {
            continue;
        };
        let help = format!("the rule {verb} the file under every name that it has; {instead}");
        faults.push(Fault::new(Code::SeveralNames, rule.place(), message).help(help));
    }
}

#[cfg(test)]
mod tests;
