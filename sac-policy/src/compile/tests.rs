// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiled policies: tables, and the verdict of any policy over any small file system against a slow, obvious oracle.

use super::*;
use crate::explain::{Explanation, explain};
use crate::files::fake::FakeFiles;
use crate::policy::fake::policy;
use crate::policy::{ArgumentPattern, ArgumentsCondition, Request};
use proptest::prelude::*;
use sac_abi::decide::{
    Address, Argument, Arguments, DirectoryLookup, Matching, TextLookup, decide, decide_address,
    decide_arguments,
};
use sac_abi::{Object, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

const KEY: HashKey = HashKey { k0: 3, k1: 4 };

fn situation() -> Situation {
    Situation { at: Timestamp::UNIX_EPOCH, key: KEY, grants: Vec::new() }
}

fn compiled(policy: &Policy, files: &FakeFiles) -> Compiled {
    compile(policy, files, &situation())
}

/// A file as the kernel sees it.
#[derive(Clone, Debug)]
struct File {
    inode: InodeId,
    path: PathBuf,
    directories: Vec<InodeId>,
    next: usize,
}

impl File {
    /// The file with this identity at this path; it may be anywhere, whatever stands there in `files`.
    fn at(files: &FakeFiles, inode: InodeId, path: &Path) -> Self {
        let mut directories: Vec<InodeId> = Vec::new();
        for part in path.ancestors().skip(1) {
            let Ok(found) = files.resolve(part) else { continue };
            if found.inode.dev != directories.last().map_or(inode.dev, |below| below.dev) {
                break;
            }
            directories.push(found.inode);
        }
        Self { inode, path: path.to_owned(), directories, next: 0 }
    }
}

impl Object for File {
    fn inode(&self) -> InodeId {
        self.inode
    }
    fn path(&mut self) -> TextLookup {
        text(self.path.as_os_str().as_bytes())
    }
    fn name(&mut self) -> TextLookup {
        text(self.path.file_name().unwrap().as_bytes())
    }
    fn next_directory(&mut self) -> DirectoryLookup {
        self.next += 1;
        self.directories
            .get(self.next - 1)
            .map_or(DirectoryLookup::End, |inode| DirectoryLookup::Known(*inode))
    }
}

fn text(text: &[u8]) -> TextLookup {
    TextHash::of_text(KEY, text).map_or(TextLookup::TooLong, TextLookup::Known)
}

struct Words<'w>(&'w [String]);

impl Arguments for Words<'_> {
    fn count(&self) -> u32 {
        self.0.len().try_into().unwrap()
    }
    fn each(&mut self, rules: &impl Rules, matching: &mut Matching) {
        for word in self.0 {
            let argument =
                TextHash::of_text(KEY, word.as_bytes()).map_or(Argument::Unreadable, Argument::Known);
            if !matching.add(rules, argument) {
                return;
            }
        }
    }
}

fn judge(compiled: &Compiled, operation: Operation, file: &File, arguments: &[String]) -> Verdict {
    let decision = decide(compiled, operation, &mut file.clone());
    match decision.group {
        0 => decision.verdict,
        group => decide_arguments(compiled, group, decision.verdict, &mut Words(arguments)),
    }
}

fn verdict_with(
    compiled: &Compiled,
    files: &FakeFiles,
    ino: u64,
    path: &str,
    arguments: &str,
) -> (Action, u32) {
    let file = File::at(files, FakeFiles::inode(ino), Path::new(path));
    let arguments: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
    let verdict = judge(compiled, Operation::Execute, &file, &arguments);
    let (action, rule) = (verdict.action(), verdict.rule);
    (action, rule)
}

fn verdict(compiled: &Compiled, ino: u64, path: &str) -> (Action, u32) {
    verdict_with(compiled, &FakeFiles::default(), ino, path, "")
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.warnings.iter().map(Fault::code).collect()
}

fn contents(compiled: &Compiled, operation: Operation) -> Contents {
    RuleValue::from_bits(compiled.get(&RuleKey::policy(operation))).contents()
}

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
    assert_eq!(contents(&compiled, Operation::Execute), Contents::NONE);
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
    // The policy for each operation, one inode, two paths.
    assert_eq!(compiled.entries().len(), Operation::ALL.len() + 3);
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
        ("kill dir:/opt", Contents::DIRECTORIES.and(numbered)),
        ("allow tree:/opt", Contents::TREES.and(numbered)),
        ("allow /opt/a args -x", Contents::ARGUMENTS),
        ("kill /opt/a args -x", Contents::ARGUMENTS.and(Contents::PATHS)),
    ] {
        let compiled = compiled(&policy(rules), &files);
        assert_eq!(contents(&compiled, Operation::Execute), expected, "{rules}");
        assert_eq!(contents(&compiled, Operation::Delete), Contents::NONE);
    }
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

/// What the language says, rule by rule and without any table. The numbers are those of the rules that could have said so.
fn oracle(
    policy: &Policy,
    files: &FakeFiles,
    operation: Operation,
    file: &File,
    arguments: &[String],
) -> (Action, Vec<u32>) {
    // All directories by their paths, through mounts.
    let directory = |path: &Path| files.resolve(path).ok().map(|found| found.inode);
    let above: Vec<InodeId> = file.path.ancestors().skip(1).filter_map(directory).collect();
    // What is in a mount point's own directory is not in the directory that it is mounted in.
    let nearest = file.directories.first();
    let is = |path: &Path| files.resolve(path).is_ok_and(|found| found.inode == file.inode);
    let stands_at = |path: &Path| {
        path == file.path || files.resolve(path).is_ok_and(|found| found.canonical == file.path)
    };
    let tree = |path: &Path| {
        let root = files.resolve(path).ok().filter(|found| found.kind == crate::files::FileKind::Directory);
        root.is_some_and(|root| above.contains(&root.inode))
    };
    let names = |rule: &&Rule| {
        rule.operations.contains(&operation)
            && match &rule.subject {
                Subject::Path(path) => is(path) || denies(rule) && stands_at(path),
                Subject::Directory(path) => nearest.is_some() && directory(path).as_ref() == nearest,
                Subject::Tree(path) => tree(path),
                Subject::Name(name) => file.path.file_name().unwrap() == name.as_str(),
                Subject::Address { .. } => false,
            }
    };
    let winner = |rules: &[&Rule]| {
        let best = rules.iter().map(|rule| rank(rule)).max()?;
        let best: Vec<_> = rules.iter().filter(|rule| rank(rule) == best).collect();
        Some((best[0].action, best.iter().map(|rule| rule.number).collect::<Vec<_>>()))
    };
    let unconditional: Vec<&Rule> =
        policy.rules.iter().filter(|rule| rule.arguments.is_none()).filter(names).collect();
    let by_any = winner(&unconditional);
    let is_final = |(action, numbers): &(Action, Vec<u32>)| {
        action.blocks() || policy.rule(numbers[0]).unwrap().overrides
    };
    let all_conditional: Vec<&Rule> =
        policy.rules.iter().filter(|rule| rule.arguments.is_some()).filter(names).collect();
    let of_file: Vec<&Rule> =
        all_conditional.iter().copied().filter(|rule| is(rule.subject.path().unwrap())).collect();
    let conditional = if of_file.is_empty() { all_conditional } else { of_file };
    if conditional.is_empty() || by_any.as_ref().is_some_and(is_final) {
        return by_any.unwrap_or((policy.default, vec![0]));
    }
    let holding: Vec<&Rule> =
        conditional.into_iter().filter(|rule| holds(rule.arguments.as_ref().unwrap(), arguments)).collect();
    let by_arguments = winner(&holding);
    let (action, numbers) = match (by_any, by_arguments) {
        (Some((Action::Audit, numbers)), Some((Action::Allow, of_condition)))
            if !policy.rule(of_condition[0]).unwrap().overrides =>
        {
            (Action::Audit, numbers)
        }
        (_, Some(by_arguments)) => by_arguments,
        (Some(by_any), None) => by_any,
        (None, None) => (policy.default, vec![0]),
    };
    (if action.blocks() { Action::Kill } else { action }, numbers)
}

fn holds(condition: &ArgumentsCondition, arguments: &[String]) -> bool {
    match condition {
        ArgumentsCondition::Any(texts) => texts.iter().any(|text| arguments.contains(text)),
        ArgumentsCondition::All { patterns, more } => {
            let mut rest = arguments.iter();
            let all = patterns.iter().all(|pattern| match (pattern, rest.next()) {
                (_, None) => false,
                (ArgumentPattern::Anything, Some(_)) => true,
                (ArgumentPattern::Exactly(text), Some(argument)) => text == argument,
            });
            all && (*more || rest.next().is_none())
        }
    }
}

/// Few names, so that rules, files and links meet.
const PATHS: [&str; 9] = [
    "/bin/a",
    "/bin/b",
    "/usr/bin/a",
    "/usr/bin/b",
    "/opt/a",
    "/opt/d/e",
    "/opt/m/x",
    "/opt/m/n/x",
    "/home/x",
];
const DIRECTORIES: [&str; 8] = ["/", "/bin", "/usr", "/usr/bin", "/opt", "/opt/d", "/opt/m", "/home"];
const WORDS: [&str; 3] = ["-x", "stop", "a"];

fn any_files() -> impl Strategy<Value = FakeFiles> {
    let programs = prop::collection::vec((prop::sample::select(&PATHS[..]), 1_u64..5), 0..8);
    let link_names = prop::sample::select(&["/bin", "/usr/bin/a", "/opt/d", "/home/x", "/bin/b"][..]);
    let link_targets = prop::sample::select(&["/usr/bin", "/usr/bin/b", "/opt", "/bin/a", "/opt/m"][..]);
    let links = prop::collection::vec((link_names, link_targets), 0..4);
    (programs, links).prop_map(|(programs, links)| {
        let files = (10..)
            .zip(DIRECTORIES)
            .fold(FakeFiles::default(), |files, (ino, path)| files.directory(path, ino));
        let files = files.mount("/opt/m", 10, 2).mount("/opt/m/n", 10, 3);
        let files = programs.iter().fold(files, |files, (path, ino)| files.program(path, *ino));
        links.iter().fold(files, |files, (name, target)| files.link(name, target))
    })
}

fn any_subject() -> impl Strategy<Value = String> {
    let path = prop::sample::select(&PATHS[..]).prop_map(str::to_owned);
    let directory = || prop::sample::select(&DIRECTORIES[..]);
    let word = || prop::sample::select(&WORDS[..]);
    let patterns = prop::collection::vec(prop::sample::select(&["-x", "stop", "*"][..]), 0..3);
    let conditions = prop_oneof![
        (patterns, any::<bool>()).prop_map(|(patterns, more)| {
            format!("args {} {}", patterns.join(" "), if more { "**" } else { "" })
        }),
        prop::collection::vec(word(), 1..3).prop_map(|words| format!("any {}", words.join(" "))),
    ];
    prop_oneof![
        3 => path.clone(),
        3 => (path, conditions).prop_map(|(path, condition)| format!("{path} {condition}")),
        1 => directory().prop_map(|path| format!("dir:{path}")),
        2 => directory().prop_map(|path| format!("tree:{path}")),
        1 => prop::sample::select(&["a", "x"][..]).prop_map(|name| format!("name:{name}")),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let action = || prop::sample::select(&["kill", "deny", "audit", "allow", "allow", "allow!"][..]);
    let operations = prop::sample::select(&["execute", "execute", "execute", "delete", "delete,write"][..]);
    let rule = (action(), operations, any_subject());
    let default = prop::sample::select(&[Action::Allow, Action::Audit, Action::Deny, Action::Kill][..]);
    (prop::collection::vec(rule, 0..8), default).prop_map(|(rules, default)| {
        let mut text = String::new();
        for (action, operations, subject) in rules {
            // The language has no allow rules by name, and arguments only of programs.
            let action =
                if subject.starts_with("name:") && action.starts_with("allow") { "deny" } else { action };
            let operations = if subject.contains(' ') { "execute" } else { operations };
            writeln!(text, "{action} {operations} {subject}").unwrap();
        }
        Policy { default, ..policy(&text) }
    })
}

/// The explanation of a request for a path that is its own.
fn explained(
    policy: &Policy,
    compiled: &Compiled,
    files: &FakeFiles,
    operation: Operation,
    file: &File,
    arguments: &[String],
) -> Option<Explanation> {
    files
        .resolve(&file.path)
        .ok()
        .filter(|found| found.canonical == file.path && found.inode == file.inode)?;
    let path = file.path.clone();
    let request = match operation {
        Operation::Execute => Request::Execute { path, arguments: Some(arguments.to_vec()) },
        operation => Request::File { operation, path },
    };
    Some(explain(policy, compiled, files, &request, &situation()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_compiled_policy_decides_as_it_reads(
        files in any_files(),
        policy in any_policy(),
        words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..4),
    ) {
        let compiled = compile(&policy, &files, &situation());
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let is_own = |path: &Path| files.resolve(path).is_ok_and(|found| found.canonical == path);
        let there = files.programs().filter(|(path, _)| is_own(path)).map(|(path, inode)| (path.to_owned(), inode));
        // The same names with a file that no rule ever saw, as after an upgrade or in a user's own mount namespace.
        let replaced = PATHS.iter().map(Path::new).filter(|path| is_own(path.parent().unwrap())).map(|path| {
            let directory = files.resolve(path.parent().unwrap()).unwrap().inode;
            (path.to_owned(), InodeId { ino: 99, ..directory })
        });
        // The same files under a name that no rule has.
        let root = files.resolve(Path::new("/")).unwrap().inode.dev;
        let renamed = files.programs().filter(|(_, inode)| inode.dev == root);
        let renamed = renamed.map(|(_, inode)| (Path::new("/tmp/hello").to_owned(), inode));
        for (path, inode) in there.chain(replaced).chain(renamed) {
            let file = File::at(&files, inode, &path);
            for operation in [Operation::Execute, Operation::Delete, Operation::Read] {
                let policy = match operation {
                    Operation::Execute => policy.clone(),
                    _ => Policy { default: Action::Allow, ..policy.clone() },
                };
                let verdict = judge(&compiled, operation, &file, &words);
                let (action, rules) = oracle(&policy, &files, operation, &file, &words);
                prop_assert_eq!(verdict.action(), action, "{} {:?} {:?}", path.display(), inode, operation);
                prop_assert!(rules.contains(&verdict.rule), "rule {} is none of {:?}", verdict.rule, rules);
                if let Some(explanation) = explained(&policy, &compiled, &files, operation, &file, &words) {
                    prop_assert_eq!(explanation.verdict, verdict);
                    let deciding: Vec<_> = explanation.steps.iter().filter(|step| step.decides).collect();
                    prop_assert_eq!(deciding.len(), 1, "{:#?}", explanation);
                    prop_assert_eq!(deciding[0].rule.as_ref().map_or(0, |rule| rule.number), verdict.rule);
                }
            }
        }
    }

    #[test]
    fn connections_are_decided_as_they_read(
        rules in prop::collection::vec((
            prop::sample::select(&["kill", "deny", "audit", "allow", "allow!"][..]),
            prop::sample::select(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1"][..]),
            prop::collection::vec(prop::sample::select(&["22", "20-30", "443", "1000-65535", "0-21", "1-65535"][..]), 0..3),
        ), 0..8),
        address in prop::sample::select(&["10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "2001:db8::1", "2001:db8::2", "::1", "::ffff:10.1.2.3"][..]),
        port in prop::sample::select(&[1_u16, 21, 22, 23, 31, 443, 999, 1000, 65535][..]),
        default in prop::sample::select(&[Action::Allow, Action::Deny][..]),
    ) {
        let text = rules.iter().fold(String::new(), |text, (action, network, ports)| {
            text + &format!("{action} connect {network} {}\n", ports.join(" "))
        });
        let policy = Policy { connections_default: default, ..policy(&text) };
        let compiled = compile(&policy, &FakeFiles::default(), &situation());
        let address: IpAddr = address.parse().unwrap();
        let asked = match address {
            IpAddr::V4(address) => Address::v4(address.to_bits(), port),
            IpAddr::V6(address) => {
                let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap();
                Address::v6(half(address.to_bits() >> 64), half(address.to_bits()), port)
            }
        };
        let verdict = decide_address(&compiled, asked);
        let holding: Vec<&Rule> = policy.rules.iter().filter(|rule| match &rule.subject {
            Subject::Address { network, ports } => network.contains(address)
                && (ports.is_empty() || ports.iter().any(|range| range.first <= port && port <= range.last)),
            _ => false,
        }).collect();
        let best = holding.iter().map(|rule| rank(rule)).max();
        let expected: BTreeSet<u32> = holding.iter().filter(|rule| Some(rank(rule)) == best).map(|rule| rule.number).collect();
        prop_assert_eq!(verdict.action(), best.map_or(default, |(_, action)| action));
        prop_assert!(expected.contains(&verdict.rule) || expected.is_empty() && verdict.rule == 0);
        let request = Request::Connect { address: (address, port).into() };
        let explanation = explain(&policy, &compiled, &FakeFiles::default(), &request, &situation());
        prop_assert_eq!(explanation.verdict, verdict);
        prop_assert_eq!(explanation.steps.iter().filter(|step| step.decides).count(), 1);
    }
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
