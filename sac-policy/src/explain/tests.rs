// SPDX-License-Identifier: MIT OR Apache-2.0
//! Explanations as people see them. That they agree with the verdict on any policy is tested with the compiler.

use super::object::interpreter;
use super::*;
use crate::compile::{Grant, compile};
use crate::files::FileKind;
use crate::files::fake::FakeFiles;
use crate::policy::fake::policy;
use crate::policy::{Mode, Policy};

fn files() -> FakeFiles {
    FakeFiles::default()
        .directory("/", 2)
        .directory("/usr", 3)
        .directory("/usr/bin", 4)
        .directory("/srv", 5)
        .directory("/srv/games", 6)
        .program("/usr/bin/df", 7)
        .program("/usr/bin/systemctl", 8)
        .program("/usr/bin/dash", 9)
        .program("/srv/games/chess", 10)
        .script("/usr/bin/backup", 11, "#! /bin/sh -e\nexit")
        .link("/bin", "/usr/bin")
        .link("/usr/bin/sh", "/usr/bin/dash")
}

fn request(text: &str) -> Request {
    let mut words = text.split_whitespace();
    let verb = words.next().unwrap();
    let path = words.next().unwrap();
    let arguments: Vec<String> = words.map(str::to_owned).collect();
    match verb {
        "execute" => Request::Execute { path: path.into(), arguments: Some(arguments) },
        "connect" => Request::Connect { address: path.parse().unwrap() },
        verb => {
            let operation = Operation::ALL.into_iter().find(|operation| operation.as_str() == verb);
            Request::File { operation: operation.unwrap(), path: path.into() }
        }
    }
}

fn situation() -> Situation {
    Situation { at: jiff::Timestamp::UNIX_EPOCH, key: sac_abi::HashKey { k0: 1, k1: 2 }, grants: Vec::new() }
}

fn explanation_in(policy: &Policy, text: &str, situation: &Situation) -> Explanation {
    let compiled = compile(policy, &files(), situation);
    explain(policy, &compiled, &files(), &request(text), situation)
}

/// An explanation, one line for each step.
fn shown(policy: &Policy, text: &str) -> String {
    let explanation = explanation_in(policy, text, &situation());
    let mut shown = format!("{}\n", explanation.request);
    for step in &explanation.steps {
        shown += &format!("{} {}: {}\n", if step.decides { '>' } else { ' ' }, step.looked_at, step.said);
    }
    shown + &explanation.conclusion
}

fn servers() -> Policy {
    policy(
        "kill /bin/df\n\
         deny name:nmap\n\
         kill tree:/srv\n\
         allow! /srv/games/chess\n\
         kill /usr/bin/systemctl args stop *\n\
         deny /usr/bin/systemctl any --force\n\
         deny delete tree:/srv\n\
         deny connect 10.0.0.0/8 22 8000-8999\n\
         audit dir:/usr/bin",
    )
}

#[test]
fn explanations_are_sentences() {
    for (name, text) in [
        ("by_file_and_path", "execute /usr/bin/df"),
        ("by_link", "execute /bin/df"),
        ("by_override", "execute /srv/games/chess"),
        ("by_tree_for_what_is_not_there", "execute /srv/games/new/nmap"),
        ("by_arguments", "execute /usr/bin/systemctl stop sshd"),
        ("by_no_arguments", "execute /usr/bin/systemctl status"),
        ("delete_in_tree", "delete /srv/games/chess"),
        ("connect_denied", "connect 10.1.2.3:8080"),
        ("connect_allowed", "connect 10.1.2.3:80"),
        ("default", "execute /usr/local/bin/x"),
    ] {
        insta::assert_snapshot!(name, shown(&servers(), text));
    }
}

#[test]
fn a_script_needs_its_interpreter() {
    let text = shown(&policy("kill /usr/bin/dash"), "execute /usr/bin/backup now");
    insta::assert_snapshot!("script", text);
    // The interpreter's arguments are its option, the script and the script's own.
    let conditional = policy("kill /usr/bin/dash args -e /usr/bin/backup now");
    let verdict = explanation_in(&conditional, "execute /usr/bin/backup now", &situation()).verdict;
    assert_eq!((verdict.action(), verdict.rule), (Action::Kill, 1));
    let of_script = policy("kill /usr/bin/backup args never");
    let explanation = explanation_in(&of_script, "execute /usr/bin/backup now", &situation());
    assert_eq!(explanation.verdict, Verdict::ARGUMENTS_OF_SCRIPT);
    assert_eq!(explanation.decider, Decider::Unknown);
}

#[test]
fn interpreters_are_read_as_the_kernel_does() {
    let of = |head: &str| interpreter(head.as_bytes());
    assert_eq!(of("#!/bin/sh"), Some(("/bin/sh".into(), None)));
    assert_eq!(of("#!\t/bin/sh -e -u \nx"), Some(("/bin/sh".into(), Some("-e -u".to_owned()))));
    assert_eq!(of("#!\n/bin/sh"), None);
    assert_eq!(of("\x7fELF"), None);
}

#[test]
fn an_audited_policy_says_what_it_would_do() {
    let audited = Policy { mode: Mode::Audit, ..policy("kill /usr/bin/df") };
    let explanation = explanation_in(&audited, "execute /usr/bin/df", &situation());
    assert_eq!(explanation.verdict.action(), Action::Audit);
    assert!(
        explanation.conclusion.ends_with("it is recorded instead of `kill`"),
        "{}",
        explanation.conclusion
    );
}

#[test]
fn what_denies_by_arguments_says_why_it_kills() {
    let explanation = explanation_in(&servers(), "execute /usr/bin/systemctl --force", &situation());
    assert_eq!(explanation.verdict.action(), Action::Kill);
    assert!(explanation.conclusion.contains("so it is killed"), "{}", explanation.conclusion);
}

#[test]
fn too_many_arguments_are_told() {
    let many = format!("execute /usr/bin/systemctl {}", "x ".repeat(65));
    let explanation = explanation_in(&servers(), &many, &situation());
    assert_eq!(explanation.verdict, Verdict::ARGUMENTS_UNREADABLE);
    let deciding = explanation.steps.iter().find(|step| step.decides).unwrap();
    assert!(deciding.said.starts_with("there are more"), "{deciding:?}");
}

#[test]
fn a_grant_comes_first() {
    let grants = vec![Grant { number: 1, path: "/usr/bin/df".into(), until_boot_s: 9 }];
    let explanation = explanation_in(&servers(), "execute /bin/df", &Situation { grants, ..situation() });
    assert_eq!((explanation.verdict, explanation.decider), (Verdict::GRANTED, Decider::Grant));
}

#[test]
fn a_message_is_the_rules_and_then_the_policys() {
    let mut policy = Policy { message: Some("ask".to_owned()), ..policy("kill /usr/bin/df") };
    policy.rules[0].message = Some("no disks".to_owned());
    policy.rules[0].severity = Some(Gravity::High);
    let explanation = explanation_in(&policy, "execute /usr/bin/df", &situation());
    assert_eq!(explanation.messages, ["no disks", "ask"]);
    assert_eq!(explanation.severity, Gravity::High);
    let other = explanation_in(&policy, "delete /usr/bin/df", &situation());
    assert_eq!(other.severity, Gravity::Medium);
    assert_eq!(other.messages, ["ask"]);
}

#[test]
fn a_link_is_deleted_and_not_what_it_leads_to() {
    let policy = policy("kill delete /usr/bin/dash\nkill delete name:sh");
    let verdict = |text| explanation_in(&policy, text, &situation()).verdict;
    assert_eq!(verdict("delete /bin/sh").rule, 2);
    assert_eq!(verdict("delete /bin/dash").rule, 1);
    // What is read through a link is the file.
    assert_eq!(verdict("read /bin/sh").rule, 0);
}

#[test]
fn renaming_is_all_that_could_be_done_at_the_new_place() {
    let rules =
        "audit rename tree:/srv\ndeny write name:chess\nkill read /srv/games/chess\nallow! delete tree:/srv";
    insta::assert_snapshot!("rename", shown(&policy(rules), "rename /srv/games/chess"));
    let verdict = |rules, text| explanation_in(&policy(rules), text, &situation()).verdict;
    // Of equal ones the first.
    let rules = "deny read tree:/srv\ndeny delete tree:/srv";
    assert_eq!(verdict(rules, "rename /srv/games/chess").rule, 2);
    assert_eq!(verdict(rules, "read /srv/games/chess").rule, 1);
    // What may be created there is another question.
    assert_eq!(verdict("deny create tree:/srv", "rename /srv/games/chess").action(), Action::Allow);
    // A link is moved and not what it leads to.
    assert_eq!(verdict("deny read /usr/bin/dash", "rename /usr/bin/sh").action(), Action::Allow);
    assert_eq!(verdict("deny read /usr/bin/sh", "rename /usr/bin/sh").action(), Action::Deny);
    insta::assert_snapshot!("rename_above", shown(&policy("deny read /srv/games/chess"), "rename /srv"));
}

#[test]
fn who_could_have_written_a_program_is_told() {
    let policy = policy("deny untrusted\nallow! /srv/games/chess");
    let shown = |files: FakeFiles, text| {
        let compiled = compile(&policy, &files, &situation());
        let explanation = explain(&policy, &compiled, &files, &request(text), &situation());
        let steps = explanation.steps.iter().filter(|step| step.looked_at.starts_with("who"));
        let said: Vec<_> = steps.map(|step| step.said.clone()).collect();
        (explanation.verdict.rule, said.join("\n"))
    };
    let with_mode = |mode| files().file("/usr/bin/df", 7, FileKind::Regular, mode);
    let df = "execute /usr/bin/df";
    let holds = "so it is untrusted; rule 1 (/etc/sac/policies/p.yaml:1), `deny` for untrusted programs, holds for it";
    for (files, why) in [
        (files().owner("/usr/bin/df", 1000, 0), "it is owned by the user 1000"),
        (with_mode(0o757), "everybody may write it"),
        (with_mode(0o775).owner("/usr/bin/df", 0, 50), "the group 50 may write it"),
    ] {
        assert_eq!(shown(files, df), (1, format!("{why}, {holds}")));
    }
    for files in [files(), files().owner("/usr/bin/df", 999, 50), with_mode(0o775)] {
        assert_eq!(shown(files, df), (0, "administrators, as far as its owner and mode tell".to_owned()));
    }
    let chess = "execute /srv/games/chess";
    assert_eq!(shown(files().owner("/srv/games/chess", 1000, 0), chess).0, 2);
    let (rule, said) = shown(files(), "execute /srv/games/go");
    assert_eq!((rule, said.starts_with("what is not there has no owner yet")), (0, true));
    // What is done with files is another matter.
    assert_eq!(shown(files().owner("/usr/bin/df", 1000, 0), "write /usr/bin/df"), (0, String::new()));
}

#[test]
fn what_root_must_not_touch_is_told_by_its_key() {
    let files = files()
        .directory("/etc", 12)
        .directory("/etc/sac", 13)
        .directory("/etc/sac/policies", 14)
        .program("/etc/crontab", 15);
    let policy = policy("kill administer confined_root");
    let compiled = compile(&policy, &files, &situation());
    let explanation = |text| explain(&policy, &compiled, &files, &request(text), &situation());
    let is_for_root = |step: &&Step| step.looked_at == "root in the session";
    for text in ["write /etc/sac/policies/x", "rename /etc/sac", "write /etc/crontab", "create /etc/sudoers"]
    {
        let explanation = explanation(text);
        // The verdict is the one for anybody.
        assert_eq!((explanation.verdict.action(), &explanation.decider), (Action::Allow, &Decider::Default));
        assert_eq!(
            explanation.conclusion,
            "`allow` by default: no rule holds for this; root may not: `kill` by rule 1 (/etc/sac/policies/p.yaml:1), `confined_root`"
        );
        let step = explanation.steps.last().filter(is_for_root).unwrap();
        assert_eq!((step.rule.as_ref().unwrap().number, step.decides), (1, false), "{text}");
        assert_eq!(
            step.said,
            "it is denied to root: rule 1 (/etc/sac/policies/p.yaml:1), `kill` for what root could free itself of the policy with (`confined_root`), holds for it"
        );
    }
    for text in ["read /etc/sac/policies/x", "write /etc/passwd", "execute /etc/crontab"] {
        let explanation = explanation(text);
        assert!(!explanation.steps.iter().any(|step| is_for_root(&step)), "{text}");
        assert!(!explanation.conclusion.contains("root"), "{text}");
    }
    // What is asked by that name is explained as everything is.
    let administer = explanation("administer /etc/sac/policies/x");
    assert_eq!((administer.verdict.action(), administer.verdict.rule), (Action::Kill, 1));
    let deciding = administer.steps.iter().find(|step| step.decides).unwrap();
    assert!(deciding.said.ends_with("with (`confined_root`), holds for it"), "{}", deciding.said);
}

#[test]
fn what_is_recorded_of_root_and_what_is_denied_to_all_is_told() {
    let files = files().directory("/etc", 12).directory("/etc/sac", 13).program("/etc/crontab", 15);
    let explained = |policy: &Policy| {
        let compiled = compile(policy, &files, &situation());
        let explanation = explain(policy, &compiled, &files, &request("write /etc/crontab"), &situation());
        (explanation.conclusion, explanation.steps.last().unwrap().said.clone())
    };
    let confined = policy("kill administer confined_root");
    let (conclusion, said) = explained(&Policy { mode: Mode::Audit, ..confined });
    let recorded =
        "; what root does is recorded: `audit` by rule 1 (/etc/sac/policies/p.yaml:1), `confined_root`";
    assert!(conclusion.ends_with(recorded), "{conclusion}");
    assert!(said.starts_with("it is recorded of root: rule 1"), "{said}");
    // Root is no exception from what is denied to all, so there is nothing to add.
    let (conclusion, said) = explained(&policy("deny write /etc/crontab\nkill administer confined_root"));
    assert!(conclusion.ends_with("it is the rule that denies this"), "{conclusion}");
    assert!(said.starts_with("it is denied to root: rule 2"), "{said}");
    let (conclusion, said) = explained(&policy("allow! write /etc/crontab\nkill administer confined_root"));
    assert!(!conclusion.contains("root") && !said.contains("root"), "{conclusion} {said}");
}

#[test]
fn content_is_told_and_comes_on_top() {
    let files = files()
        .with_digest("/usr/bin/df", 0xab)
        .with_digest("/srv/games/chess", 0xab)
        .with_digest("/usr/bin/dash", 0xcd)
        .with_digest("/usr/bin/backup", 0xef);
    let digest = |first: &str| format!("sha256:{first}{}", "0".repeat(62));
    let rules = format!("deny {}\nallow! /srv/games/chess\nkill {}", digest("ab"), digest("cd"));
    let policy = policy(&rules);
    let with_grant = Situation {
        grants: vec![Grant { number: 1, path: "/usr/bin/df".into(), until_boot_s: 9 }],
        ..situation()
    };
    let explanation = |situation: &Situation, text| {
        let compiled = compile(&policy, &files, situation);
        explain(&policy, &compiled, &files, &request(text), situation)
    };
    for (situation, text) in [
        (&situation(), "execute /usr/bin/df"),
        (&with_grant, "execute /usr/bin/df"),
        (&situation(), "execute /srv/games/chess"),
    ] {
        let explanation = explanation(situation, text);
        assert_eq!((explanation.verdict.action(), explanation.verdict.rule), (Action::Deny, 1), "{text}");
        assert!(explanation.conclusion.contains("no grant comes before it"), "{}", explanation.conclusion);
        let deciding: Vec<_> = explanation.steps.iter().filter(|step| step.decides).collect();
        assert_eq!(deciding.len(), 1, "{:#?}", explanation.steps);
        assert_eq!(deciding[0].looked_at, "its content");
        assert!(
            deciding[0].said.contains("`deny` for programs whose SHA-256 is ab00"),
            "{}",
            deciding[0].said
        );
    }
    // A script's interpreter is a program as well.
    assert_eq!(explanation(&situation(), "execute /usr/bin/backup").verdict.rule, 3);
    // What decides where no content does.
    let other = explanation(&situation(), "execute /usr/bin/systemctl");
    let deciding = other.steps.iter().find(|step| step.decides).unwrap();
    assert_eq!((other.decider, deciding.looked_at.as_str()), (Decider::Default, "the policy's default"));
    assert!(other.steps.iter().any(|step| step.said.starts_with("it cannot be read")), "{:#?}", other.steps);
    let missing = explanation(&situation(), "execute /usr/bin/no");
    assert!(missing.steps.iter().any(|step| step.said == "what is not there has none yet"));
}

#[test]
fn unspecified_addresses_are_the_machine_itself() {
    let policy = policy("kill connect 127.0.0.0/8\ndeny connect ::1");
    insta::assert_snapshot!("connect_unspecified", shown(&policy, "connect 0.0.0.0:80"));
    let rule = |text| explanation_in(&policy, text, &situation()).verdict.rule;
    assert_eq!((rule("connect [::]:80"), rule("connect [::ffff:0.0.0.0]:80")), (2, 1));
}

#[test]
fn a_name_in_a_directory_is_told() {
    let policy = policy("deny create /srv/games/go\nkill delete tree:/srv/games");
    insta::assert_snapshot!("create", shown(&policy, "create /srv/games/go"));
    insta::assert_snapshot!("delete_tree", shown(&policy, "delete /srv/games"));
    insta::assert_snapshot!("delete_link", shown(&policy, "delete /usr/bin/sh"));
}

#[test]
fn directories_end_at_the_root_of_a_file_system() {
    let files = files().mount("/srv/games", 2, 5).file("/srv/games/a", 3, FileKind::Regular, 0o644);
    let located =
        object::Located::of(&files, Operation::Read, Path::new("/srv/games/a"), sac_abi::HashKey::default());
    let paths: Vec<_> = located.directories.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(paths, ["/srv/games"]);
    let missing = object::Located::of(
        &files,
        Operation::Read,
        Path::new("/srv/games/no/a"),
        sac_abi::HashKey::default(),
    );
    let paths: Vec<_> = missing.directories.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(paths, ["/srv/games/no", "/srv/games"]);
}
