// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests, rules and files in words.

use crate::policy::{ArgumentPattern, ArgumentsCondition, Request, Rule, Subject};
use sac_abi::Operation;
use sac_abi::rule::InodeId;

/// A request, such as `execute /usr/bin/systemctl stop sshd`.
pub(super) fn request(request: &Request) -> String {
    match request {
        Request::Execute { path, arguments } => {
            let words = arguments.iter().flatten().map(String::as_str);
            let path = path.display().to_string();
            format!("execute {}", [path.as_str()].into_iter().chain(words).collect::<Vec<_>>().join(" "))
        }
        Request::File { operation, path } => format!("{} {}", operation.as_str(), path.display()),
        Request::Connect { address } => format!("connect to {address}"),
    }
}

/// Why an operation that another one amounts to has to be allowed.
pub(super) fn part(asked: Operation, part: Operation) -> &'static str {
    match part {
        _ if part == asked => "this is what was asked about",
        Operation::Delete => "what is moved is gone from its place, so this has to be allowed, too",
        Operation::Write => "what is moved could be written at its new place, so this has to be allowed, too",
        Operation::Read => "what is moved could be read at its new place, so this has to be allowed, too",
        _ => "this has to be allowed, too",
    }
}

/// What a rule is about.
pub(super) fn subject(rule: &Rule) -> String {
    let subject = match &rule.subject {
        Subject::Path(path) => path.display().to_string(),
        Subject::Directory(path) => format!("what is directly in {}", path.display()),
        Subject::Tree(path) => format!("all below {}", path.display()),
        Subject::Name(name) => format!("whatever is called {name}"),
        Subject::Untrusted => "untrusted programs".to_owned(),
        Subject::ExecutableMemory => "executable memory that comes from no file".to_owned(),
        Subject::Content(_) => format!("programs whose SHA-256 is {}", rule.subject),
        Subject::Administration => format!("{} (`confined_root`)", rule.subject),
        Subject::Address { network, ports } if ports.is_empty() => network.to_string(),
        Subject::Address { network, ports } => {
            let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
            format!("{network}, ports {}", ports.join(", "))
        }
    };
    match &rule.arguments {
        None => subject,
        Some(condition) => format!("{subject} with {}", arguments(condition)),
    }
}

fn arguments(condition: &ArgumentsCondition) -> String {
    match condition {
        ArgumentsCondition::Any(texts) => format!("any of the arguments `{}`", texts.join("`, `")),
        ArgumentsCondition::All { patterns, more } => {
            let pattern = |pattern: &ArgumentPattern| match pattern {
                ArgumentPattern::Exactly(text) => text.clone(),
                ArgumentPattern::Anything => "*".to_owned(),
            };
            let more = more.then(|| "**".to_owned());
            let words: Vec<_> = patterns.iter().map(pattern).chain(more).collect();
            if words.is_empty() {
                "no argument".to_owned()
            } else {
                format!("the arguments `{}`", words.join(" "))
            }
        }
    }
}

/// Whether a condition holds.
pub(super) fn holds(condition: &ArgumentsCondition, arguments: &[String]) -> bool {
    match condition {
        ArgumentsCondition::Any(texts) => arguments.iter().any(|argument| texts.contains(argument)),
        ArgumentsCondition::All { patterns, more } => {
            let fits = |(pattern, argument): (&ArgumentPattern, &String)| match pattern {
                ArgumentPattern::Anything => true,
                ArgumentPattern::Exactly(text) => text == argument,
            };
            let enough = patterns.len() == arguments.len() || *more && patterns.len() < arguments.len();
            enough && patterns.iter().zip(arguments).all(fits)
        }
    }
}

/// A file's identity, such as `inode 7 on device 8:1`.
pub(super) fn inode(inode: InodeId) -> String {
    format!("inode {} on device {}:{}", inode.ino, inode.dev >> 20, inode.dev & 0xf_ffff)
}
