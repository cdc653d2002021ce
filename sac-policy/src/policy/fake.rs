// SPDX-License-Identifier: MIT OR Apache-2.0
//! Policies for tests of what comes behind the reader, in a notation with one rule on each line:
//!
//! ```text
//! kill /usr/bin/df
//! allow! tree:/opt                      overrides
//! kill name:nmap
//! kill /usr/bin/systemctl args stop *
//! kill /usr/bin/find any -exec -delete
//! deny delete,write tree:/srv
//! deny untrusted
//! audit execmem
//! deny sha256:abab…                    64 digits
//! kill administer confined_root
//! deny connect 10.0.0.0/8 22 8000-8999
//! ```

use super::*;
use sac_abi::Operation;

/// A policy for everyone with these rules.
pub(crate) fn policy(rules: &str) -> Policy {
    let source = Arc::new(Source::new("/etc/sac/policies/p.yaml", rules));
    let mut start = 0;
    let mut read = Vec::new();
    for line in rules.split_inclusive('\n') {
        if !line.trim().is_empty() {
            let number = u32::try_from(read.len()).unwrap() + 1;
            let indent = line.len() - line.trim_start().len();
            let span = source.span(start + indent..start + line.trim_end().len());
            read.push(rule(line.trim(), number, &source, span));
        }
        start += line.len();
    }
    Policy {
        name: "p".to_owned(),
        description: None,
        applies_to: AppliesTo {
            who: Who::Everyone { span: Span::default() },
            services: Vec::new(),
            from: Vec::new(),
            terminal: None,
            when: None,
        },
        priority: 0,
        inherits: Vec::new(),
        mode: Mode::Enforce,
        logins: Logins::Allow,
        unlabelled: Unlabelled::Report,
        audit: Audit::Full,
        environment: Vec::new(),
        action: Action::Kill,
        message: None,
        severity: Gravity::default(),
        default: Action::Allow,
        connections_default: Action::Allow,
        rules: read,
        limits: Limits::default(),
        strikes: None,
        tests: Vec::new(),
        source,
        name_span: Span::default(),
    }
}

fn rule(line: &str, number: u32, source: &Arc<Source>, span: Span) -> Rule {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let action = words.remove(0);
    let overrides = action.ends_with('!');
    let action = [Action::Allow, Action::Audit, Action::Deny, Action::Kill]
        .into_iter()
        .find(|known| known.as_str() == action.trim_end_matches('!'))
        .unwrap();
    let operations: Vec<Operation> = words[0].split(',').filter_map(operation).collect();
    let operations = if operations.is_empty() {
        vec![Operation::Execute]
    } else {
        words.remove(0);
        operations
    };
    let subject = words.remove(0);
    let subject = match subject.split_once(':') {
        _ if operations == [Operation::Connect] => Subject::Address {
            network: subject.parse().unwrap(),
            ports: words.drain(..).map(ports).collect(),
        },
        Some(("dir", path)) => Subject::Directory(path.into()),
        Some(("tree", path)) => Subject::Tree(path.into()),
        Some(("sha256", digest)) => Subject::Content(crate::read::digest(digest).unwrap()),
        Some(("name", name)) => Subject::Name(name.to_owned()),
        _ if subject == "untrusted" => Subject::Untrusted,
        _ if subject == "execmem" => Subject::ExecutableMemory,
        _ if subject == "confined_root" => Subject::Administration,
        _ => Subject::Path(subject.into()),
    };
    Rule {
        number,
        subject,
        operations,
        action,
        overrides,
        arguments: (!words.is_empty()).then(|| condition(&words)),
        message: None,
        severity: None,
        when: None,
        source: Arc::clone(source),
        span,
    }
}

fn operation(word: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| operation.as_str() == word)
}

fn ports(text: &str) -> PortRange {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    PortRange { first: first.parse().unwrap(), last: last.parse().unwrap() }
}

fn condition(words: &[&str]) -> ArgumentsCondition {
    let (kind, texts) = words.split_first().unwrap();
    if *kind == "any" {
        return ArgumentsCondition::Any(texts.iter().map(|text| (*text).to_owned()).collect());
    }
    assert_eq!(*kind, "args");
    let (more, texts) = match texts.split_last() {
        Some((&"**", texts)) => (true, texts),
        _ => (false, texts),
    };
    let pattern = |text: &&str| match *text {
        "*" => ArgumentPattern::Anything,
        text => ArgumentPattern::Exactly(text.to_owned()),
    };
    ArgumentsCondition::All { patterns: texts.iter().map(pattern).collect(), more }
}
