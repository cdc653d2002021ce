// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a policy says, in words: once for those who show it and those who compare it.

use super::plain;
use jiff::{civil::Time, tz::TimeZone};
use sac_abi::Action;
use sac_policy::{
    AppliesTo, Policy, Rule, Subject, Who,
    policy::{ArgumentPattern, ArgumentsCondition, Limits, Logins, Mode, Origin, Request, Unlabelled},
    when::When,
};
use std::time::Duration;

/// Everything that a policy says besides its rules: the name of each part and what it is.
pub(super) fn fields(policy: &Policy) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.as_deref().map_or_else(none, plain);
    let inherits: Vec<_> = policy.inherits.iter().map(|set| set.name.as_str()).collect();
    let strikes = policy.strikes.as_ref().map_or_else(none, |strikes| {
        format!("{} blocked within {}: {}", strikes.blocked, length(strikes.within), strikes.then.as_str())
    });
    vec![
        ("description", text(&policy.description)),
        ("applies to", applies_to(&policy.applies_to)),
        ("priority", policy.priority.to_string()),
        ("inherits", listed(&inherits)),
        ("mode", mode(policy.mode).to_owned()),
        ("logins", logins(policy.logins).to_owned()),
        ("unlabelled", unlabelled(policy.unlabelled).to_owned()),
        ("audit", policy.audit.as_str().to_owned()),
        ("environment", listed(&policy.environment)),
        ("action", policy.action.as_str().to_owned()),
        ("message", text(&policy.message)),
        ("severity", policy.severity.as_str().to_owned()),
        ("programs by default", policy.default.as_str().to_owned()),
        ("connections by default", policy.connections_default.as_str().to_owned()),
        ("limits", limits(&policy.limits)),
        ("strikes", strikes),
        ("tests", listed(&policy.tests.iter().map(test).collect::<Vec<_>>())),
    ]
}

/// The word that policies use.
pub(super) fn mode(mode: Mode) -> &'static str {
    if mode == Mode::Audit { "audit" } else { "enforce" }
}

/// The word that policies use.
pub(super) fn logins(logins: Logins) -> &'static str {
    if logins == Logins::Refuse { "refuse" } else { "allow" }
}

/// The word that policies use.
pub(super) fn unlabelled(unlabelled: Unlabelled) -> &'static str {
    if unlabelled == Unlabelled::Deny { "deny" } else { "report" }
}

fn none() -> String {
    "none".to_owned()
}

fn listed(words: &[impl AsRef<str>]) -> String {
    if words.is_empty() {
        return none();
    }
    words.iter().map(|word| plain(word.as_ref())).collect::<Vec<_>>().join(", ")
}

fn test(test: &sac_policy::policy::Assertion) -> String {
    let wanted = if test.allowed { "allowed" } else { "denied" };
    match &test.request {
        Request::Execute { path, arguments } => {
            let arguments = arguments.iter().flatten().map(|argument| format!(" {argument}"));
            format!("execute {}{} {wanted}", path.display(), arguments.collect::<String>())
        }
        Request::File { operation, path } => {
            format!("{} {} {wanted}", operation.as_str(), path.display())
        }
        Request::Connect { address } => format!("connect to {address} {wanted}"),
    }
}

fn applies_to(applies_to: &AppliesTo) -> String {
    let mut parts = Vec::new();
    match &applies_to.who {
        Who::Everyone { .. } => parts.push("everyone".to_owned()),
        Who::Accounts { users, groups } => {
            for (noun, accounts) in [("users", users), ("groups", groups)] {
                let ids: Vec<_> = accounts.iter().map(|account| account.id.to_string()).collect();
                parts.extend((!ids.is_empty()).then(|| format!("{noun} {}", listed(&ids))));
            }
        }
    }
    if !applies_to.services.is_empty() {
        parts.push(format!("by {}", listed(&applies_to.services)));
    }
    let origin = |origin: &Origin| match origin {
        Origin::Local => "the machine itself".to_owned(),
        Origin::Network(network) => network.to_string(),
    };
    if !applies_to.from.is_empty() {
        parts.push(format!("from {}", listed(&applies_to.from.iter().map(origin).collect::<Vec<_>>())));
    }
    parts.extend(
        applies_to
            .terminal
            .map(|has_one| if has_one { "with a terminal" } else { "without a terminal" }.to_owned()),
    );
    parts.extend(applies_to.when.as_ref().map(when));
    parts.join("; ")
}

fn limits(limits: &Limits) -> String {
    let mut parts = Vec::new();
    parts.extend(limits.processes.map(|most| format!("{most} processes in a session")));
    parts.extend(limits.sessions.map(|most| format!("{most} sessions at a time")));
    parts.extend(limits.session_length.map(|most| format!("a session ends after {}", length(most))));
    parts.extend(limits.idle.map(|most| format!("it ends when idle for {}", length(most))));
    if limits.session_length.is_some() || limits.idle.is_some() {
        parts.push(format!("warning {} before", length(limits.warning)));
    }
    listed(&parts)
}

/// When something holds.
pub(super) fn when(when: &When) -> String {
    let mut parts = Vec::new();
    if !when.days.is_empty() {
        let days: Vec<_> = when.days.iter().map(|day| format!("{day:?}")).collect();
        parts.push(format!("on {}", days.join(", ")));
    }
    let clock = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
    parts.extend(when.hours.map(|(start, end)| format!("from {} to {}", clock(start), clock(end))));
    parts.extend(when.from.map(|day| format!("beginning {day}")));
    parts.extend(when.until.map(|day| format!("until the end of {day}")));
    format!("{} ({})", parts.join(" "), zone(&when.zone))
}

fn zone(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("the machine's time zone")
}

/// What a rule is about, with the arguments that it asks for.
pub(super) fn about(subject: &Subject, arguments: Option<&ArgumentsCondition>) -> String {
    let shown = plain(&subject.to_string());
    let shown = match subject {
        Subject::Path(_) | Subject::Address { .. } | Subject::Untrusted => shown,
        Subject::Content(_) => format!("programs whose SHA-256 is {shown}"),
        Subject::Administration => format!("{shown} (confined_root)"),
        Subject::Directory(_) => format!("what is directly in {shown}"),
        Subject::Tree(_) => format!("all below {shown}"),
        Subject::Name(_) => format!("whatever is called {shown}"),
        Subject::ExecutableMemory => format!("{shown} that comes from no file"),
    };
    match arguments {
        None => shown,
        Some(ArgumentsCondition::Any(texts)) => format!("{shown} with any argument of: {}", listed(texts)),
        Some(ArgumentsCondition::All { patterns, more }) => {
            let pattern = |pattern: &ArgumentPattern| match pattern {
                ArgumentPattern::Exactly(text) => format!("`{}`", plain(text)),
                ArgumentPattern::Anything => "any".to_owned(),
            };
            let more = more.then(|| "any more".to_owned());
            let words: Vec<_> = patterns.iter().map(pattern).chain(more).collect();
            if words.is_empty() {
                format!("{shown} without arguments")
            } else {
                format!("{shown} with the arguments {}", words.join(", "))
            }
        }
    }
}

/// What a rule does, and under which conditions.
pub(super) fn effect(rule: &Rule) -> String {
    let mut parts = vec![rule.action.as_str().to_owned()];
    if rule.overrides && rule.action == Action::Allow {
        parts.push("before rules that deny".to_owned());
    }
    parts.extend(rule.when.as_ref().map(when));
    parts.extend(rule.severity.map(|severity| format!("severity {}", severity.as_str())));
    parts.extend(rule.message.as_ref().map(|message| format!("message `{}`", plain(message))));
    parts.join(", ")
}

/// A length of time as policies write it.
pub(super) fn length(length: Duration) -> String {
    let mut rest = length.as_secs();
    let mut text = String::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if rest >= seconds {
            text += &format!("{}{unit}", rest / seconds);
            rest %= seconds;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
