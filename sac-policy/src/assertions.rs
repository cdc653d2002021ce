// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tests` of a policy: what must be allowed under it, and what denied.
//!
//! They are about what the policy says, so `mode: audit` makes no difference: what would be blocked counts as denied.

use crate::code::Code;
use crate::compile::{Compiled, Situation, compile};
use crate::explain::{Decider, Explanation, explain};
use crate::fault::{Fault, Faults, quoted};
use crate::files::Files;
use crate::policy::{Assertion, Mode, Policy};

/// Runs the assertions of a policy: a fault for each that does not hold. `compiled` is the policy for `situation`.
#[must_use]
pub fn run_assertions(
    policy: &Policy,
    compiled: &Compiled,
    files: &impl Files,
    situation: &Situation,
) -> Faults {
    let mut faults = Faults::default();
    if policy.tests.is_empty() {
        return faults;
    }
    match policy.mode {
        Mode::Enforce => run(policy, compiled, files, situation, &mut faults),
        Mode::Audit => {
            let enforced = Policy { mode: Mode::Enforce, ..policy.clone() };
            run(&enforced, &compile(&enforced, files, situation), files, situation, &mut faults);
        }
    }
    faults
}

fn run(policy: &Policy, compiled: &Compiled, files: &impl Files, situation: &Situation, faults: &mut Faults) {
    for assertion in &policy.tests {
        let explanation = explain(policy, compiled, files, &assertion.request, situation);
        if explanation.verdict.action().blocks() == assertion.allowed {
            faults.push(failed(policy, assertion, &explanation));
        }
    }
}

fn failed(policy: &Policy, assertion: &Assertion, explanation: &Explanation) -> Fault {
    let (wanted, got) = if assertion.allowed { ("allowed", "denied") } else { ("denied", "allowed") };
    let message = format!("{} must be {wanted}, and is {got}", quoted(&explanation.request));
    let fault = Fault::new(Code::AssertionFailed, policy.place(assertion.span), message)
        .label(explanation.conclusion.clone());
    let rule = policy.rule(explanation.verdict.rule);
    match (&explanation.decider, rule) {
        (Decider::Rule(_), Some(rule)) => fault
            .related(rule.place(), format!("this rule decides: `{}`", rule.action.as_str()))
            .help("correct the rule, or the assertion"),
        (Decider::Default, _) => {
            fault.help("add a rule for it, change the default, or correct the assertion")
        }
        _ => fault.help("correct the rules, or the assertion"),
    }
}

#[cfg(test)]
mod tests;
