// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in the map of a policy, and what it comes to.

use super::*;
use std::net::Ipv4Addr;

#[test]
fn a_denied_program_is_held_by_inode_and_by_both_paths() {
    let files = FakeFiles::default().program("/usr/bin/df", 7).link("/bin", "/usr/bin");
    let compiled = compiled(&policy("kill /bin/df"), &files);
    for (ino, path) in [(7, "/usr/bin/df"), (7, "/home/alice/hello"), (8, "/usr/bin/df"), (8, "/bin/df")] {
        assert_eq!(verdict(&compiled, ino, path), (Action::Kill, 1), "{ino} {path}");
    }
    assert_eq!(verdict(&compiled, 8, "/home/alice/hello"), (Action::Allow, 0));
    // That /bin is a link to /usr/bin surprises nobody.
    assert_eq!(codes(&compiled), []);
}

#[test]
fn an_allowed_program_is_held_by_inode_alone() {
    let files = FakeFiles::default().program("/usr/bin/ls", 7);
    let policy = Policy { default: Action::Deny, ..policy("allow /usr/bin/ls") };
    let compiled = compiled(&policy, &files);
    assert_eq!(verdict(&compiled, 7, "/tmp/anywhere"), (Action::Allow, 1));
    assert_eq!(verdict(&compiled, 8, "/usr/bin/ls"), (Action::Deny, 0));
    assert_eq!(contents(&compiled, Operation::Execute), Contents::RULES);
}

#[test]
fn a_program_that_is_not_there_is_held_by_its_path() {
    let compiled = compiled(&policy("kill /usr/bin/df"), &FakeFiles::default());
    assert_eq!(verdict(&compiled, 7, "/usr/bin/df"), (Action::Kill, 1));
    assert_eq!(codes(&compiled), [Code::PathNotFound]);
}

#[test]
fn an_audited_policy_blocks_nothing() {
    let files = FakeFiles::default().program("/usr/bin/df", 7);
    let policy =
        Policy { mode: Mode::Audit, default: Action::Deny, ..policy("kill /usr/bin/df\nallow /usr/bin/ls") };
    let compiled = compiled(&policy, &files);
    assert_eq!(verdict(&compiled, 7, "/usr/bin/df"), (Action::Audit, 1));
    assert_eq!(verdict(&compiled, 8, "/usr/bin/du"), (Action::Audit, 0));
    for operation in Operation::ALL {
        assert!(contents(&compiled, operation).has(Contents::AUDITED));
    }
}

#[test]
fn of_two_names_of_one_file_the_stricter_rule_wins() {
    let files =
        FakeFiles::default().program("/usr/bin/df", 7).program("/usr/bin/du", 7).program("/usr/bin/dd", 7);
    let compiled = compiled(&policy("audit /usr/bin/df\ndeny /usr/bin/du\nkill /usr/bin/dd"), &files);
    assert_eq!(verdict(&compiled, 7, "/usr/bin/df"), (Action::Kill, 3));
    assert_eq!(codes(&compiled), [Code::SharedInode, Code::SharedInode]);
}

#[test]
fn an_allow_rule_that_overrides_comes_before_every_other() {
    let files = FakeFiles::default().directory("/opt", 2).program("/opt/df", 7);
    let compiled = compiled(&policy("kill tree:/opt\nkill /opt/df\nallow! /opt/df\nkill name:df"), &files);
    assert_eq!(verdict_with(&compiled, &files, 7, "/opt/df", ""), (Action::Allow, 3));
    // By its path nothing is allowed.
    assert_eq!(verdict_with(&compiled, &files, 8, "/opt/df", "").0, Action::Kill);
}

#[test]
fn the_map_has_each_key_once_and_each_operation() {
    let files = FakeFiles::default().program("/usr/bin/df", 7).link("/bin", "/usr/bin");
    let compiled = compiled(&policy("kill /bin/df\nkill /usr/bin/df"), &files);
    // The policy for each operation, one inode, two paths, and the name that both end with.
    assert_eq!(compiled.entries().len(), Operation::ALL.len() + 4);
    for (key, bits) in compiled.entries() {
        assert_eq!(compiled.get(&key), bits);
    }
}

#[test]
fn a_policy_has_what_its_rules_need_and_nothing_else() {
    let files = FakeFiles::default().directory("/opt", 2).program("/opt/a", 7);
    let numbered = Contents::NUMBERED_DIRECTORIES;
    for (rules, expected) in [
        ("kill /opt/a", Contents::PATHS),
        ("allow /opt/a", Contents::NONE),
        ("kill name:a", Contents::NAMES),
        ("deny untrusted", Contents::UNTRUSTED),
        ("deny execmem", Contents::EXECUTABLE_MEMORY),
        (&format!("deny sha256:{}", "0".repeat(64)), Contents::CONTENTS),
        ("kill dir:/opt", Contents::DIRECTORIES.and(numbered)),
        ("allow tree:/opt", Contents::TREES.and(numbered)),
        ("allow /opt/a args -x", Contents::ARGUMENTS),
        ("kill /opt/a args -x", Contents::ARGUMENTS.and(Contents::PATHS)),
    ] {
        let compiled = compiled(&policy(rules), &files);
        assert_eq!(contents(&compiled, Operation::Execute), expected.and(Contents::RULES), "{rules}");
        assert_eq!(contents(&compiled, Operation::Delete), Contents::NONE);
    }
    for (rules, expected) in [
        ("kill delete /opt/a", Contents::ENTRIES.and(numbered)),
        ("allow! delete /opt/b", Contents::ENTRIES.and(numbered)),
        ("kill delete name:a", Contents::NAMES),
        ("kill delete dir:/opt", Contents::DIRECTORIES.and(numbered)),
    ] {
        let compiled = compiled(&policy(rules), &files);
        assert_eq!(contents(&compiled, Operation::Delete), expected.and(Contents::RULES), "{rules}");
        assert_eq!(contents(&compiled, Operation::Execute), Contents::NONE);
    }
    let connections = compiled(&policy("deny connect 10.0.0.0/8"), &files);
    assert_eq!(contents(&connections, Operation::Connect), Contents::RULES);
}

#[test]
fn a_tree_goes_on_in_what_is_mounted_below_it() {
    let files = FakeFiles::default()
        .directory("/", 2)
        .directory("/srv", 3)
        .mount("/srv/data", 2, 2)
        .mount("/srv/data/more", 2, 3)
        .mount("/opt", 2, 4);
    let compiled = compiled(&policy("kill tree:/srv"), &files);
    let action = |path: &str, minor| {
        let file = File::at(&files, InodeId::new(8, minor, 99), Path::new(path));
        judge(&compiled, Operation::Execute, &file, &[]).action()
    };
    for (path, minor) in [("/srv/a", 1), ("/srv/data/a", 2), ("/srv/data/more/a", 3)] {
        assert_eq!(action(path, minor), Action::Kill, "{path}");
    }
    assert_eq!((action("/opt/a", 4), action("/a", 1)), (Action::Allow, Action::Allow));
}

#[test]
fn a_directory_that_is_not_there_holds_nothing() {
    let files = FakeFiles::default().program("/opt", 7);
    let compiled = compiled(&policy("kill tree:/srv\nkill dir:/opt"), &files);
    assert_eq!(codes(&compiled), [Code::PathNotFound, Code::NotDirectory]);
    assert_eq!(compiled.entries().len(), Operation::ALL.len());
}

#[test]
fn conditions_that_allow_hold_for_the_file_and_never_for_its_path() {
    let files = FakeFiles::default().program("/bin/ctl", 7);
    let policy =
        Policy { default: Action::Deny, ..policy("allow /bin/ctl args status **\nkill /bin/ctl any stop") };
    let compiled = compiled(&policy, &files);
    let of = |ino, arguments| verdict_with(&compiled, &files, ino, "/bin/ctl", arguments);
    assert_eq!(of(7, "status nginx"), (Action::Allow, 1));
    assert_eq!(of(7, "status stop"), (Action::Kill, 2));
    assert_eq!(of(7, "restart"), (Action::Kill, 0));
    // Another file there, as in a user's own mount namespace.
    assert_eq!(of(8, "status nginx"), (Action::Kill, 0));
    assert_eq!(of(8, "stop"), (Action::Kill, 2));
}

#[test]
fn more_conditions_than_a_group_has_are_an_error_and_denied() {
    let mut rules: String =
        (0..32).fold(String::new(), |rules, index| rules + &format!("deny /bin/a any -{index}\n"));
    let files = FakeFiles::default().program("/bin/a", 7);
    assert_eq!(codes(&compiled(&policy(&rules), &files)), []);
    rules += "deny /bin/a any -last\n";
    let compiled = compiled(&policy(&rules), &files);
    assert_eq!(codes(&compiled), [Code::TooManyConditions]);
    assert_eq!(verdict_with(&compiled, &files, 7, "/bin/a", "harmless"), (Action::Deny, 33));
    assert_eq!(verdict_with(&compiled, &files, 8, "/bin/a", "harmless"), (Action::Deny, 33));
}

#[test]
fn more_shapes_than_a_policy_has_are_an_error_and_all_is_denied() {
    let rules = |count: u32| {
        (1..=count).fold(String::new(), |rules, bits| rules + &format!("deny connect ::/{bits}\n"))
    };
    let files = FakeFiles::default();
    let fitting = compiled(&policy(&rules(64)), &files);
    assert_eq!(codes(&fitting), []);
    let elsewhere = Address::v4(1, 80);
    assert_eq!(decide_address(&fitting, elsewhere).action(), Action::Allow);
    let compiled = compiled(&policy(&rules(65)), &files);
    assert_eq!(codes(&compiled), [Code::TooManyShapes]);
    assert_eq!(decide_address(&compiled, elsewhere).action(), Action::Deny);
}

#[test]
fn a_grant_is_for_a_file_and_the_longest_of_them_holds() {
    let files = FakeFiles::default().program("/bin/df", 7);
    let grant = |number, path: &str, until_boot_s| Grant { number, path: path.into(), until_boot_s };
    let grants = vec![
        grant(1, "/bin/df", 50),
        grant(2, "/bin/df", 90),
        grant(3, "/bin/df", 70),
        grant(4, "/bin/no", 9),
    ];
    let compiled = compile(&policy("kill /bin/df"), &files, &Situation { grants, ..situation() });
    assert_eq!(verdict(&compiled, 7, "/bin/df"), (Action::Allow, Verdict::RULE_GRANT));
    assert_eq!(verdict(&compiled, 8, "/bin/df"), (Action::Kill, 1));
    let entry = RuleValue::from_bits(compiled.get(&RuleKey::grant(FakeFiles::inode(7))));
    assert_eq!((entry.number(), entry.until_boot_s()), (2, 90));
    assert_eq!(codes(&compiled), [Code::PathNotFound]);
}

#[test]
fn files_are_held_for_the_operations_that_are_named() {
    let files = FakeFiles::default().directory("/srv", 2).program("/srv/a", 7);
    let compiled = compiled(&policy("deny delete,write tree:/srv\nallow! delete /srv/a"), &files);
    let file = |ino, name: &str| File::at(&files, FakeFiles::inode(ino), Path::new(name));
    let action = |operation, ino, name| judge(&compiled, operation, &file(ino, name), &[]).action();
    assert_eq!(action(Operation::Delete, 8, "/srv/b"), Action::Deny);
    assert_eq!(action(Operation::Delete, 7, "/srv/a"), Action::Allow);
    assert_eq!(action(Operation::Write, 7, "/srv/a"), Action::Deny);
    assert_eq!(action(Operation::Read, 7, "/srv/a"), Action::Allow);
    assert_eq!(action(Operation::Execute, 7, "/srv/a"), Action::Allow);
}

#[test]
fn untrusted_programs_are_one_rule_that_comes_after_overrides_and_grants() {
    let files = FakeFiles::default()
        .directory("/", 2)
        .directory("/home", 3)
        .directory("/opt", 4)
        .program("/home/a", 7)
        .owner("/home/a", 1000, 1000)
        .program("/opt/a", 8)
        .owner("/opt/a", 1000, 1000)
        .program("/bin", 9);
    let rules = policy("audit untrusted\ndeny untrusted\nallow! tree:/opt\nallow /home/a");
    let all = compiled(&rules, &files);
    let of = |compiled: &Compiled, ino, path| verdict_with(compiled, &files, ino, path, "");
    // The strictest of several counts, as it does where they are inherited.
    assert_eq!(of(&all, 7, "/home/a"), (Action::Deny, 2));
    assert_eq!(of(&all, 8, "/opt/a"), (Action::Allow, 3));
    assert_eq!(of(&all, 9, "/bin"), (Action::Allow, 0));
    let grants = vec![Grant { number: 1, path: "/home/a".into(), until_boot_s: 9 }];
    let granted = compile(&rules, &files, &Situation { grants, ..situation() });
    assert_eq!(of(&granted, 7, "/home/a"), (Action::Allow, Verdict::RULE_GRANT));
    let audited = compiled(&Policy { mode: Mode::Audit, ..rules }, &files);
    assert_eq!(of(&audited, 7, "/home/a"), (Action::Audit, 2));
}

#[test]
fn executable_memory_is_one_rule_and_the_default_does_not_count() {
    let files = FakeFiles::default();
    let of = |rules: &str| {
        let policy = Policy { default: Action::Deny, ..policy(rules) };
        let verdict = decide_executable_memory(&compiled(&policy, &files));
        (verdict.action(), verdict.rule)
    };
    assert_eq!(of("audit execmem\ndeny execmem"), (Action::Deny, 2));
    assert_eq!(of("kill untrusted"), (Action::Allow, 0));
}

#[test]
fn content_comes_on_top_of_all_other_rules() {
    let files = FakeFiles::default().program("/bin/a", 7).with_digest("/bin/a", 0xab);
    let digest = |first: &str| format!("sha256:{first}{}", "0".repeat(62));
    let rules = format!("audit {0}\ndeny {0}\nkill {1}\nallow! /bin/a", digest("ab"), digest("cd"));
    let rules = compiled(&policy(&rules), &files);
    let of = |first: u8| {
        let verdict = decide_content(&rules, u64::from_ne_bytes([first, 0, 0, 0, 0, 0, 0, 0]), 0);
        (verdict.action(), verdict.rule)
    };
    assert_eq!((of(0xab), of(0xcd), of(0xef)), ((Action::Deny, 2), (Action::Kill, 3), (Action::Allow, 0)));
    // The bytes in the memory are the digest's, and those of the second half are in the second number.
    let whole: [u8; 32] = core::array::from_fn(|at| u8::try_from(at).unwrap());
    let (first, second) = content(&whole);
    assert_eq!([first.to_ne_bytes(), second.to_ne_bytes()].as_flattened(), &whole[..16]);
}

/// What is done with the file with this number at this path.
pub(super) fn action(
    compiled: &Compiled,
    files: &FakeFiles,
    operation: Operation,
    ino: u64,
    path: &str,
) -> (Action, u32) {
    let file = File::at(files, FakeFiles::inode(ino), Path::new(path));
    let verdict = judge(compiled, operation, &file, &[]);
    (verdict.action(), verdict.rule)
}

#[test]
fn a_file_is_held_by_inode_and_by_its_name_in_its_directory() {
    use Operation::{Create, Delete, Write};
    let files = FakeFiles::default()
        .directory("/", 2)
        .directory("/etc", 3)
        .directory("/data", 4)
        .program("/data/real", 7)
        .link("/etc/config", "/data/real")
        .link("/conf", "/etc");
    let rules = compiled(&policy("deny delete,write,create /conf/config"), &files);
    assert_eq!(codes(&rules), [Code::SymbolicLink]);
    let of = |operation, ino, path| action(&rules, &files, operation, ino, path);
    // The link itself, which has a number that nobody asked for; what it leads to, under any name; and what replaces it.
    assert_eq!(of(Delete, 70, "/etc/config"), (Action::Deny, 1));
    assert_eq!(of(Write, 7, "/data/real"), (Action::Deny, 1));
    assert_eq!(of(Write, 7, "/data/other"), (Action::Deny, 1));
    assert_eq!(of(Write, 99, "/data/real"), (Action::Deny, 1));
    assert_eq!(of(Create, 99, "/etc/config"), (Action::Deny, 1));
    // The same name elsewhere.
    assert_eq!(of(Write, 99, "/data/config"), (Action::Allow, 0));
    assert_eq!(of(Operation::Read, 7, "/data/real"), (Action::Allow, 0));
    // No path is asked for, because it cannot be.
    assert!(!contents(&rules, Write).has(Contents::PATHS));
}

#[test]
fn a_file_that_is_not_there_is_held_by_its_name_and_can_be_allowed_by_it() {
    use Operation::Create;
    let files = FakeFiles::default().directory("/", 2).directory("/srv", 3);
    let rules = compiled(&policy("deny create tree:/srv\nallow! create /srv/journal"), &files);
    assert_eq!(codes(&rules), []);
    assert_eq!(action(&rules, &files, Create, 9, "/srv/journal"), (Action::Allow, 2));
    assert_eq!(action(&rules, &files, Create, 9, "/srv/other"), (Action::Deny, 1));
    // Without its directory there is no place for it.
    let nowhere = compiled(&policy("deny create /srv/no/journal\nallow! write /srv/no/journal"), &files);
    assert_eq!(codes(&nowhere), [Code::PathNotFound; 2]);
    assert_eq!(nowhere.entries().len(), Operation::ALL.len());
}

#[test]
fn what_is_above_a_denied_file_cannot_be_moved_away() {
    let files = FakeFiles::default()
        .directory("/", 2)
        .directory("/srv", 3)
        .directory("/srv/a", 4)
        .directory("/srv/a/b", 5)
        .directory("/opt", 6)
        .program("/srv/a/b/file", 7)
        .link("/opt/link", "/srv/a/b/file");
    let moved = |rules: &str, ino, path| {
        action(&compiled(&policy(rules), &files), &files, Operation::Rename, ino, path)
    };
    for rules in ["deny read /srv/a/b/file", "deny read dir:/srv/a/b", "deny create tree:/srv/a/b"] {
        for (ino, path) in [(3, "/srv"), (4, "/srv/a"), (5, "/srv/a/b")] {
            assert_eq!(moved(rules, ino, path), (Action::Deny, 1), "{rules} {path}");
        }
        assert_eq!(moved(rules, 2, "/opt"), (Action::Allow, 0), "{rules}");
        assert_eq!(moved(rules, 6, "/opt"), (Action::Allow, 0), "{rules}");
    }
    // Nobody would ask otherwise.
    let rules = compiled(&policy("deny read /srv/a/b/file"), &files);
    assert!(contents(&rules, Operation::Rename).has(Contents::RULES));
    // Both ways to what a link leads to.
    assert_eq!(moved("deny read /opt/link", 6, "/opt"), (Action::Deny, 1));
    assert_eq!(moved("deny read /opt/link", 3, "/srv"), (Action::Deny, 1));
    for rules in
        ["allow! read /srv/a/b/file", "kill /srv/a/b/file", "kill tree:/srv/a/b", "deny read name:file"]
    {
        assert_eq!(moved(rules, 4, "/srv/a"), (Action::Allow, 0), "{rules}");
    }
    assert_eq!(moved("deny read /srv/a/b/file\nallow! rename /srv/a", 4, "/srv/a"), (Action::Allow, 2));
}

#[test]
fn addresses_have_the_bits_of_their_families() {
    let rules =
        compiled(&policy("deny connect 10.1.2.3 22\nkill connect 2001:db8::1"), &FakeFiles::default());
    let v4 = Address::v4(Ipv4Addr::new(10, 1, 2, 3).to_bits(), 22);
    assert_eq!(decide_address(&rules, v4).action(), Action::Deny);
    assert_eq!(decide_address(&rules, Address::v6(0x2001_0db8 << 32, 1, 1)).action(), Action::Kill);
}

#[test]
fn a_rule_is_in_the_map_only_while_it_holds() {
    let mut policy =
        policy("kill /usr/bin/df\nkill /usr/bin/find any -delete\nkill name:nmap\nkill connect 10.0.0.0/8");
    let until = jiff::civil::date(1970, 1, 9);
    for rule in &mut policy.rules {
        rule.when = Some(crate::when::When {
            days: Vec::new(),
            hours: None,
            from: None,
            until: Some(until),
            zone: jiff::tz::TimeZone::UTC,
        });
    }
    let files = FakeFiles::default().program("/usr/bin/df", 7).program("/usr/bin/find", 8);
    let now = compiled(&policy, &files);
    assert_eq!(verdict(&now, 7, "/usr/bin/df"), (Action::Kill, 1));
    let end = Timestamp::from_second(9 * 24 * 60 * 60).unwrap();
    assert_eq!(now.next_change, Some(end));
    let then = compile(&policy, &files, &Situation { at: end, ..situation() });
    assert_eq!(then.entries().len(), Operation::ALL.len());
    assert_eq!(then.next_change, None);
}
