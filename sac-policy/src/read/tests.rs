// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the language means, where its edges are, how much of it there can be, and that no text is too strange for it. An
//! example of each fault is with the codes.

mod logins;
mod meaning;
mod rules;
mod size;
mod survival;
mod words;

use crate::network::PortRange;
use crate::policy::{
    Account, AccountId, AppliesTo, ArgumentPattern, ArgumentsCondition, Gravity, Limits, Logins, Mode,
    Origin, Policy, Request, StrikeAction, Strikes, Subject, Unlabelled, Who,
};
use crate::{Code, Colour, Fault, Faults, Loaded, PolicySet, Source};
use sac_abi::Action;

fn load(text: impl Into<String>) -> Result<Loaded, Faults> {
    PolicySet::from_sources(vec![Source::new("p.yaml", text)])
}

fn policy(text: &str) -> Policy {
    load(text).unwrap_or_else(|faults| panic!("{}", faults.render(Colour::Never))).set.policies()[0].clone()
}

/// The codes that a policy with these further lines gets, warnings included.
fn codes(lines: &str) -> Vec<Code> {
    let faults = match load(format!("policy: p\napplies_to: everyone\n{lines}")) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    faults.iter().map(Fault::code).collect()
}

fn check(cases: &[(&str, &[Code])]) {
    for (lines, expected) in cases {
        assert_eq!(codes(lines), *expected, "{lines}");
    }
}
