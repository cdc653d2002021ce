// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies and verdicts for programs. What the language has a key for is called so here, too.

use super::words;
use sac_abi::Action;
use sac_policy::{
    AppliesTo, Decider, Explanation, Policy, Rule, RuleReference, Subject, Who,
    policy::{Account, ArgumentPattern, ArgumentsCondition, Assertion, Limits, Origin, Request},
    when::When,
};
use serde_json::{Map, Value, json};
use std::{path::Path, time::Duration};

/// A whole policy, with the rules that it inherits.
pub(super) fn policy(policy: &Policy, at: jiff::Timestamp) -> Value {
    let word = |action: Action| if action == Action::Allow { "allow" } else { "deny" };
    json!({
        "name": policy.name, "file": path(policy.file()), "description": policy.description,
        "applies_to": applies_to(&policy.applies_to), "priority": policy.priority,
        "inherits": policy.inherits.iter().map(|set| &set.name).collect::<Vec<_>>(),
        "mode": words::mode(policy.mode), "logins": words::logins(policy.logins),
        "unlabelled": words::unlabelled(policy.unlabelled),
        "audit": policy.audit.as_str(),
        "environment": policy.environment,
        "action": policy.action.as_str(), "message": policy.message, "severity": policy.severity.as_str(),
        "programs_default": word(policy.default), "connections_default": word(policy.connections_default),
        "limits": limits(&policy.limits),
        "strikes": policy.strikes.as_ref().map(|strikes| json!({
            "blocked": strikes.blocked, "within": length(strikes.within), "then": strikes.then.as_str(),
        })),
        "rules": policy.rules.iter().map(|one| rule(one, at)).collect::<Vec<_>>(),
        "tests": policy.tests.iter().map(assertion).collect::<Vec<_>>(),
    })
}

/// What a policy says about a request.
pub(super) fn explanation(explained: &Explanation) -> Value {
    let (decider, rule) = match &explained.decider {
        Decider::Rule(rule) => ("rule", Some(reference(rule))),
        Decider::Default => ("default", None),
        Decider::Grant => ("grant", None),
        Decider::Unknown => ("unknown", None),
    };
    let step = |step: &sac_policy::Step| {
        json!({
            "looked_at": step.looked_at, "said": step.said, "rule": step.rule.as_ref().map(reference),
            "decides": step.decides,
        })
    };
    json!({
        "request": explained.request, "action": explained.verdict.action().as_str(),
        "decided_by": decider, "rule": rule,
        "conclusion": explained.conclusion, "messages": explained.messages,
        "severity": explained.severity.as_str(), "steps": explained.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn reference(rule: &RuleReference) -> Value {
    json!({
        "number": rule.number, "file": path(&rule.file), "line": rule.line,
        "action": rule.action.as_str(), "override": rule.overrides, "subject": rule.subject,
    })
}

/// The keys and values of one object in another.
pub(super) fn merged(mut into: Value, more: Value) -> Value {
    if let (Value::Object(into), Value::Object(more)) = (&mut into, more) {
        into.extend(more);
    }
    into
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn length(length: Duration) -> String {
    words::length(length)
}

fn applies_to(applies_to: &AppliesTo) -> Value {
    let ids =
        |accounts: &[Account]| accounts.iter().map(|account| account.id.to_string()).collect::<Vec<_>>();
    let (everyone, users, groups) = match &applies_to.who {
        Who::Everyone { .. } => (true, Vec::new(), Vec::new()),
        Who::Accounts { users, groups } => (false, ids(users), ids(groups)),
    };
    let from = applies_to.from.iter().map(|origin| match origin {
        Origin::Local => "local".to_owned(),
        Origin::Network(network) => network.to_string(),
    });
    json!({
        "everyone": everyone, "users": users, "groups": groups, "services": applies_to.services,
        "from": from.collect::<Vec<_>>(), "terminal": applies_to.terminal,
        "when": applies_to.when.as_ref().map(when),
    })
}

fn when(when: &When) -> Value {
    let day =
        |day: &jiff::civil::Weekday| format!("{day:?}").to_lowercase().chars().take(3).collect::<String>();
    let clock = |time: jiff::civil::Time| format!("{:02}:{:02}", time.hour(), time.minute());
    json!({
        "days": when.days.iter().map(day).collect::<Vec<_>>(),
        "hours": when.hours.map(|(start, end)| format!("{}-{}", clock(start), clock(end))),
        "from": when.from.map(|date| date.to_string()), "until": when.until.map(|date| date.to_string()),
        "timezone": when.zone.iana_name(),
    })
}

fn limits(limits: &Limits) -> Value {
    json!({
        "processes": limits.processes, "sessions": limits.sessions,
        "session_length": limits.session_length.map(length), "idle": limits.idle.map(length),
        "warning": length(limits.warning),
    })
}

fn rule(rule: &Rule, at: jiff::Timestamp) -> Value {
    let mut about = Map::new();
    let mut say = |key: &str, value: Value| {
        about.insert(key.to_owned(), value);
    };
    match &rule.subject {
        Subject::Path(found) => say("path", path(found).into()),
        Subject::Directory(found) => say("directory", path(found).into()),
        Subject::Tree(found) => say("tree", path(found).into()),
        Subject::Name(name) => say("name", name.as_str().into()),
        Subject::Untrusted => say("untrusted", true.into()),
        Subject::ExecutableMemory => say("execmem", true.into()),
        Subject::Content(_) => say("sha256", rule.subject.to_string().into()),
        Subject::Administration => say("confined_root", true.into()),
        Subject::Address { network, ports } => {
            say("to", network.to_string().into());
            say("ports", ports.iter().map(ToString::to_string).collect::<Vec<_>>().into());
        }
    }
    match &rule.arguments {
        None => {}
        Some(ArgumentsCondition::Any(texts)) => say("args_any", texts.clone().into()),
        Some(ArgumentsCondition::All { patterns, more }) => {
            let pattern = |pattern: &ArgumentPattern| match pattern {
                ArgumentPattern::Exactly(text) => text.clone(),
                ArgumentPattern::Anything => "*".to_owned(),
            };
            let more = more.then(|| "**".to_owned());
            say("args", patterns.iter().map(pattern).chain(more).collect::<Vec<_>>().into());
        }
    }
    let rest = json!({
        "number": rule.number, "file": path(rule.file()), "line": rule.line(),
        "operations": rule.operations.iter().map(|operation| operation.as_str()).collect::<Vec<_>>(),
        "action": rule.action.as_str(), "override": rule.overrides, "message": rule.message,
        "severity": rule.severity.map(|severity| severity.as_str()), "when": rule.when.as_ref().map(when),
        "holds_now": rule.when.as_ref().is_none_or(|when| when.holds(at)),
    });
    merged(rest, Value::Object(about))
}

fn assertion(assertion: &Assertion) -> Value {
    let request = match &assertion.request {
        Request::Execute { path: program, arguments } => json!({"exec": path(program), "args": arguments}),
        Request::File { operation, path: file } => json!({operation.as_str(): path(file)}),
        Request::Connect { address } => json!({"connect": address.to_string()}),
    };
    merged(json!({"must_be": if assertion.allowed { "allowed" } else { "denied" }}), request)
}
