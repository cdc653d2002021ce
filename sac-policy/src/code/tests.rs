// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each code has an example here, which triggers it and fixes how it looks.

use super::*;
use crate::files::FileKind;
use crate::files::fake::FakeFiles;
use crate::policy::{Assertion, Policy, Request, fake};
use crate::source::SOURCE_BYTES_MAX;
use crate::{
    Affected, Colour, Fault, Faults, PolicySet, Situation, Source, Trust, compile, lint, lint_lockout,
    run_assertions,
};
use sac_abi::Action;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Where the policies of an example seem to be.
const DIRECTORY: &str = "/etc/sac/policies";

fn found(loaded: Result<crate::Loaded, Faults>) -> Faults {
    match loaded {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    }
}

/// What is found in policies that are in memory.
fn texts(texts: &[&str]) -> Faults {
    let names = ["first.yaml", "second.yaml"];
    let sources =
        names.iter().zip(texts).map(|(name, text)| Source::new(format!("{DIRECTORY}/{name}"), *text));
    found(PolicySet::from_sources(sources.collect()))
}

/// What is found in a policy that is whole but for these lines.
fn lines(lines: &str) -> Faults {
    texts(&[&format!("policy: developers\napplies_to:\n  groups: [developers]\n{lines}")])
}

/// What is found when the paths of a policy are looked up.
fn compiled(lines: &str, files: FakeFiles) -> Faults {
    let text = format!("policy: developers\napplies_to:\n  groups: [developers]\n{lines}");
    let loaded = PolicySet::from_sources(vec![Source::new(format!("{DIRECTORY}/first.yaml"), text)]).unwrap();
    compile(&loaded.set.policies()[0], &files, &situation()).warnings
}

fn situation() -> Situation {
    Situation { at: jiff::Timestamp::UNIX_EPOCH, key: sac_abi::HashKey::default(), grants: Vec::new() }
}

/// What is found in a directory with an empty policy of this name and mode, and what it looks like.
fn directory(file: Option<(&str, u32)>) -> (Faults, String) {
    let directory = tempfile::tempdir().unwrap();
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(directory.path(), 0o755);
    if let Some((name, mode)) = file {
        let path = directory.path().join(name);
        fs::write(&path, "policy: p\napplies_to: everyone\n").unwrap();
        set_mode(&path, mode);
    }
    let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(directory.path()).unwrap());
    let faults = found(PolicySet::load_dir_of(directory.path(), Trust::Owner { uid }));
    let rendered = faults.render(Colour::Never).replace(directory.path().to_str().unwrap(), DIRECTORY);
    (faults, rendered)
}

/// What is found when a policy with these rules is looked at as a whole.
fn linted(rules: &str, files: &FakeFiles) -> Faults {
    lint(&fake::policy(rules), files)
}

fn example(code: Code) -> (Faults, String) {
    let df = || FakeFiles::default().program("/usr/bin/df", 7);
    let faults = match code {
        Code::NoPolicyFile => return directory(None),
        Code::UntrustedFile => return directory(Some(("first.yaml", 0o664))),
        Code::IgnoredFile => return directory(Some(("first.yml", 0o644))),
        Code::UnreadableFile => found(PolicySet::load_dir(Path::new("/nonexistent/policies"))),
        Code::LimitExceeded => texts(&[&"#".repeat(SOURCE_BYTES_MAX + 1)]),
        Code::InvalidYaml => lines("programs:\n  deny: [/usr/bin/df\n  allow: []\n"),
        Code::UnsupportedYaml => lines("programs:\n  deny: &list\n    - /usr/bin/df\n"),
        Code::UnknownKey => lines("program:\n  deny: [/usr/bin/df]\n"),
        Code::DuplicateKey => lines("programs:\n  deny: [/usr/bin/df]\n  deny: [/usr/bin/wget]\n"),
        Code::MissingKey => texts(&["policy: developers\n"]),
        Code::WrongType => lines("programs:\n  deny: /usr/bin/df\n"),
        Code::UnknownWord => lines("action: allow\n"),
        Code::InvalidPolicyName => texts(&["policy: Our developers\napplies_to: everyone\n"]),
        Code::DuplicatePolicyName => texts(&[
            "policy: developers\napplies_to:\n  users: [alice]\n",
            "# Bob's.\npolicy: developers\napplies_to:\n  users: [bob]\n",
        ]),
        Code::AppliesToNobody => texts(&["policy: developers\napplies_to:\n  users: []\n"]),
        Code::InvalidAccount => {
            texts(&["policy: developers\napplies_to:\n  users: [alice, '%developers']\n"])
        }
        Code::RootConfined => texts(&["policy: admins\napplies_to:\n  users: [alice, root]\n"]),
        Code::SecondEveryone => {
            texts(&["policy: one\napplies_to: everyone\n", "policy: two\napplies_to: everyone\n"])
        }
        Code::PriorityOutOfRange => lines("priority: 5000000000\n"),
        Code::RelativePath => lines("programs:\n  deny:\n    - df\n"),
        Code::PathNotNormal => lines("programs:\n  deny:\n    - /usr/bin/../sbin/fdisk\n"),
        Code::PathControlCharacter => lines("programs:\n  deny:\n    - \"/usr/bin/df\\n\"\n"),
        Code::PathTooLong => {
            lines(&format!("programs:\n  deny:\n    - /opt/{}\n", "long/".repeat(60) + "df"))
        }
        Code::Contradiction => {
            lines("programs:\n  deny:\n    - /usr/bin/df\n    - /usr/bin/du\n  allow:\n    - /usr/bin/df\n")
        }
        Code::InvalidText => lines("message: \"Stop\\e[2J\"\n"),
        Code::ConflictingKeys => lines("programs:\n  deny:\n    - path: /usr/bin/df\n      tree: /opt\n"),
        Code::SaysNothing => texts(&["policy: developers\napplies_to:\n  users: [alice]\n  from: []\n"]),
        Code::NumberOutOfRange => lines("limits:\n  sessions: 0\n"),
        Code::InvalidTime => lines("limits:\n  idle: 30 minutes\n"),
        Code::UnknownTimeZone => lines(
            "programs:\n  deny:\n    - path: /usr/bin/df\n      when: {days: [sun], timezone: Mars/Olympus}\n",
        ),
        Code::InvalidAddress => lines("connections:\n  deny:\n    - 10.1.2.3/8\n"),
        Code::InvalidService => {
            texts(&["policy: developers\napplies_to:\n  users: [alice]\n  services: [/etc/pam.d/sshd]\n"])
        }
        Code::InvalidFileName => lines("programs:\n  deny:\n    - name: bin/nmap\n"),
        Code::NameProvesNothing => {
            lines("programs:\n  default: deny\n  allow:\n    - /usr/bin/bash\n    - name: ls\n")
        }
        Code::InvalidDigest => lines("programs:\n  deny:\n    - sha256: d41d8cd98f00b204e9800998ecf8427e\n"),
        Code::InvalidArguments => {
            lines("programs:\n  deny:\n    - path: /usr/bin/systemctl\n      args: [\"**\", nginx]\n")
        }
        Code::DuplicateRuleSetName => found(PolicySet::from_sources(vec![
            Source::new(format!("{DIRECTORY}/first.yaml"), "rule_set: baseline\n"),
            Source::new(format!("{DIRECTORY}/second.yaml"), "rule_set: baseline\n"),
            Source::new(
                format!("{DIRECTORY}/third.yaml"),
                "policy: p\napplies_to: everyone\ninherits: [baseline]\n",
            ),
        ])),
        Code::UnknownRuleSet => {
            texts(&["policy: p\napplies_to: everyone\ninherits: [baselin]\n", "rule_set: baseline\n"])
        }
        Code::RuleSetCycle => texts(&[
            "policy: p\napplies_to: everyone\ninherits: [baseline]\n",
            "rule_set: baseline\ninherits: [baseline]\n",
        ]),
        Code::InheritedContradiction => texts(&[
            "policy: p\napplies_to: everyone\ninherits: [baseline]\nprograms:\n  deny:\n    - /usr/bin/df\n",
            "rule_set: baseline\nprograms:\n  allow:\n    - /usr/bin/df\n",
        ]),
        Code::UnusedRuleSet => texts(&["policy: p\napplies_to: everyone\n", "rule_set: baseline\n"]),
        Code::PatternInArgument => {
            lines("programs:\n  deny:\n    - path: /usr/bin/find\n      args_any: [\"-exec*\"]\n")
        }
        Code::PathNotFound => compiled("programs: {deny: [/usr/bin/dff]}\n", df()),
        Code::NotRegularFile => compiled(
            "programs: {deny: [/usr/bin]}\n",
            FakeFiles::default().file("/usr/bin", 2, FileKind::Directory, 0o755),
        ),
        Code::NotExecutable => compiled(
            "programs: {deny: [/etc/passwd]}\n",
            FakeFiles::default().file("/etc/passwd", 3, FileKind::Regular, 0o644),
        ),
        Code::SymbolicLink => {
            compiled("programs: {deny: [/usr/bin/disks]}\n", df().link("/usr/bin/disks", "/usr/bin/df"))
        }
        Code::EmptyAllowList => lines("programs:\n  default: deny\n"),
        Code::RuleWithoutEffect => lines("programs:\n  allow:\n    - /usr/bin/ls\n"),
        Code::SharedInode => compiled(
            "programs:\n  deny:\n    - /usr/bin/df\n    - path: /usr/local/bin/df\n      action: audit\n",
            df().program("/usr/local/bin/df", 7),
        ),
        Code::EqualPriority => texts(&[
            "policy: developers\napplies_to:\n  users: [alice]\n",
            "policy: contractors\napplies_to:\n  users: [bob, alice]\n",
        ]),
        Code::RepeatedEntry => lines("programs:\n  deny:\n    - /usr/bin/df\n    - /usr/bin/df\n"),
        Code::PathUnreachable => {
            compiled("programs: {deny: [/usr/bin/df]}\n", df().link("/usr/bin/df", "/usr/bin/df"))
        }
        Code::ResolvedPathTooLong => {
            let long = format!("/{}", "long/".repeat(60) + "df");
            let files = FakeFiles::default().program(&long, 7).link("/opt", &long[..long.len() - 3]);
            compiled("programs: {deny: [/opt/df]}\n", files)
        }
        Code::AssertionFailed => {
            let mut policy = fake::policy("kill /usr/bin/df\n");
            let request = Request::Execute { path: "/usr/bin/df".into(), arguments: None };
            policy.tests = vec![Assertion { request, allowed: true, span: policy.rules[0].span }];
            run_assertions(&policy, &compile(&policy, &df(), &situation()), &df(), &situation())
        }
        Code::TooManyShapes => {
            let rules =
                (1..=65).fold(String::new(), |rules, bits| rules + &format!("deny connect ::/{bits}\n"));
            compile(&fake::policy(&rules), &df(), &situation()).warnings
        }
        Code::TooManyConditions => {
            let rules = (1..=33)
                .fold(String::new(), |rules, text| rules + &format!("kill /usr/bin/df any -{text}\n"));
            compile(&fake::policy(&rules), &df(), &situation()).warnings
        }
        Code::NotDirectory => compile(&fake::policy("kill tree:/usr/bin/df"), &df(), &situation()).warnings,
        Code::SeveralNames => linted("kill /usr/bin/df", &df().program("/usr/local/bin/df", 7)),
        Code::CarriedProgram => {
            let policy = fake::policy("allow /usr/bin/python3");
            lint(&Policy { default: Action::Deny, ..policy }, &df())
        }
        Code::DenyListCarriers => linted("kill /usr/bin/df", &df().program("/usr/bin/perl", 8)),
        Code::ArgumentsInOtherWords => linted("kill /usr/bin/find any --delete", &df()),
        Code::ArgumentsOfScript => {
            linted("kill /usr/bin/backup args now", &df().script("/usr/bin/backup", 8, "#!/bin/sh\n"))
        }
        Code::ArgumentsKill => linted("deny /usr/bin/df any disks", &df()),
        Code::NeverDecides => linted("kill /usr/bin/df\nallow! /usr/bin/df", &df()),
        Code::LockOut => {
            let person = Affected { name: "alice", shell: Path::new("/usr/bin/df"), administers: false };
            lint_lockout(&fake::policy("kill /usr/bin/df"), person, &df(), &situation())
        }
        Code::OverrideByArguments => linted("allow! /usr/bin/df args /srv", &df()),
    };
    let rendered = faults.render(Colour::Never);
    (faults, rendered)
}

#[test]
fn each_code_has_an_example() {
    for &code in Code::ALL {
        let (faults, rendered) = example(code);
        let codes: Vec<_> = faults.iter().map(Fault::code).collect();
        assert!(codes.contains(&code), "the example of {code:?} gives {codes:?}\n{rendered}");
        insta::assert_snapshot!(code.as_str(), rendered);
    }
}

#[test]
fn each_fault_says_what_to_do() {
    for &code in Code::ALL {
        for fault in example(code).0.iter() {
            assert!(!fault.help_text().is_empty(), "{fault:?}");
            for text in [fault.message(), fault.help_text()] {
                assert!(!text.ends_with('.'), "{text}");
            }
        }
    }
}

#[test]
fn codes_are_distinct_and_tell_their_severity() {
    let texts: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    for code in Code::ALL {
        let number: u32 = code.as_str().strip_prefix("SAC").unwrap().parse().unwrap();
        let severity = if number < 100 { Severity::Error } else { Severity::Warning };
        assert_eq!(code.severity(), severity, "{code:?}");
    }
}
