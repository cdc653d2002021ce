// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict of any policy over any small file system, against a slow and obvious oracle.

use super::*;
use crate::explain::{Explanation, explain};
use crate::policy::{ArgumentPattern, ArgumentsCondition, Request};
use proptest::prelude::*;
use sac_abi::sieve::{Grain, NameStart, falls_through};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

/// The rules as if those for root said all that they stand for, as far as it is in any of these file systems, and as if
/// exceptions from them were for what root does as well.
fn in_full(policy: &Policy) -> Vec<Rule> {
    use Operation::{Administer, Create, Delete, Rename, Write};
    let is_confined = policy.rules.iter().any(|rule| rule.subject == Subject::Administration);
    let mut rules = Vec::new();
    for rule in &policy.rules {
        if rule.subject != Subject::Administration {
            let mut rule = rule.clone();
            let of_root =
                [Delete, Rename, Write, Create].iter().any(|closed| rule.operations.contains(closed));
            if rule.overrides && rule.action == Action::Allow && of_root && is_confined {
                rule.operations.push(Administer);
            }
            rules.push(rule);
            continue;
        }
        let places = ["/etc/sudoers", "/etc/sudoers.d"].map(PathBuf::from);
        for subject in places.into_iter().flat_map(|path| [Subject::Path(path.clone()), Subject::Tree(path)])
        {
            rules.push(Rule { subject, operations: vec![Administer], ..rule.clone() });
        }
    }
    rules
}

/// What the language says, rule by rule and without any table. The numbers are those of the rules that could have said so.
fn oracle(
    policy: &Policy,
    files: &FakeFiles,
    operation: Operation,
    file: &File,
    arguments: &[String],
) -> (Action, Vec<u32>) {
    let rules = in_full(policy);
    // All directories by their paths, through mounts.
    let directory = |path: &Path| files.resolve(path).ok().map(|found| found.inode);
    let above: Vec<InodeId> = file.path.ancestors().skip(1).filter_map(directory).collect();
    // What is in a mount point's own directory is not in the directory that it is mounted in.
    let nearest = file.directories.first();
    let is = |path: &Path| files.resolve(path).is_ok_and(|found| found.inode == file.inode);
    let stands_at = |path: &Path| {
        path == file.path || files.resolve(path).is_ok_and(|found| found.canonical == file.path)
    };
    let is_directory = |path: &Path| {
        files.resolve(path).ok().filter(|found| found.kind == crate::files::FileKind::Directory)
    };
    let reaches = |path: &Path| is_directory(path).is_some_and(|root| above.contains(&root.inode));
    // A tree is in itself, and what is mounted there is the tree itself. There it restricts and does not allow, but an override
    // comes before what would restrict.
    let is_own = |path: &Path| {
        is_directory(path).is_some_and(|root| root.inode == file.inode) || nearest.is_none() && reaches(path)
    };
    let own_trees = rules.iter().filter(|rule| {
        matches!(&rule.subject, Subject::Tree(path) if rule.operations.contains(&operation) && is_own(path))
    });
    let own_rank = own_trees.map(rank).max();
    let tree = |rule: &Rule, path: &Path| {
        nearest.is_some() && reaches(path) || denies(rule) && is_own(path) && Some(rank(rule)) == own_rank
    };
    // The same name in the same directory, through links at any part of the path.
    let entry = |path: &Path| {
        let named = |path: &Path| {
            nearest.is_some()
                && path.parent().and_then(directory).as_ref() == nearest
                && path.file_name() == file.path.file_name()
        };
        named(path) || files.resolve(path).is_ok_and(|found| named(&found.canonical))
    };
    // Directories above what a rule for files denies.
    let is_on_way = |rule: &Rule| {
        let canonical = |path: &Path| is_directory(path).map(|found| found.canonical);
        let ends: Vec<_> = match &rule.subject {
            Subject::Path(path) => {
                let target = files.resolve(path).ok().map(|found| found.canonical);
                let written = path.parent().and_then(canonical);
                written
                    .into_iter()
                    .chain(target.as_deref().and_then(Path::parent).and_then(canonical))
                    .collect()
            }
            Subject::Directory(path) | Subject::Tree(path) => canonical(path).into_iter().collect(),
            _ => Vec::new(),
        };
        let mut way = ends.iter().flat_map(|end| end.ancestors()).filter(|part| *part != Path::new("/"));
        way.any(|part| directory(part) == Some(file.inode))
    };
    let names = |rule: &&Rule| {
        let executes = rule.operations.contains(&Operation::Execute);
        let named = || match &rule.subject {
            Subject::Path(path) if executes => is(path) || denies(rule) && stands_at(path),
            Subject::Path(path) => is(path) || entry(path),
            Subject::Directory(path) => nearest.is_some() && directory(path).as_ref() == nearest,
            Subject::Tree(path) => tree(rule, path),
            Subject::Name(name) => file.path.file_name().unwrap() == name.as_str(),
            Subject::Untrusted => file.untrusted,
            _ => false,
        };
        let keeps_way = match rule.operations[..] {
            [Operation::Administer] => Operation::Administer,
            _ => Operation::Rename,
        };
        rule.operations.contains(&operation) && named()
            || operation == keeps_way && denies(rule) && !executes && is_on_way(rule)
    };
    let winner = |rules: &[&Rule]| {
        let best = rules.iter().map(|rule| rank(rule)).max()?;
        let best: Vec<_> = rules.iter().filter(|rule| rank(rule) == best).collect();
        Some((best[0].action, best.iter().map(|rule| rule.number).collect::<Vec<_>>()))
    };
    let unconditional: Vec<&Rule> =
        rules.iter().filter(|rule| rule.arguments.is_none()).filter(names).collect();
    let by_any = winner(&unconditional);
    let is_final = |(action, numbers): &(Action, Vec<u32>)| {
        action.blocks() || policy.rule(numbers[0]).unwrap().overrides
    };
    let all_conditional: Vec<&Rule> =
        rules.iter().filter(|rule| rule.arguments.is_some()).filter(names).collect();
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
const PATHS: [&str; 11] = [
    "/bin/a",
    "/bin/b",
    "/usr/bin/a",
    "/usr/bin/b",
    "/opt/a",
    "/opt/d/e",
    "/opt/m/x",
    "/opt/m/n/x",
    "/home/x",
    "/etc/sudoers",
    "/etc/sudoers.d/x",
];

const DIRECTORIES: [&str; 10] =
    ["/", "/bin", "/usr", "/usr/bin", "/opt", "/opt/d", "/opt/m", "/home", "/etc", "/etc/sudoers.d"];

/// The number of a file that is in no rule.
const UNSEEN: u64 = 99;

const FILE_OPERATIONS: [Operation; 6] = [
    Operation::Delete,
    Operation::Rename,
    Operation::Write,
    Operation::Create,
    Operation::Read,
    Operation::Administer,
];

const WORDS: [&str; 3] = ["-x", "stop", "a"];

fn any_files() -> impl Strategy<Value = FakeFiles> {
    let owners = prop::sample::select(&[0, 0, 1000][..]);
    let programs = prop::collection::vec((prop::sample::select(&PATHS[..]), 1_u64..5, owners), 0..8);
    let link_names = prop::sample::select(
        &["/bin", "/usr/bin/a", "/opt/d", "/home/x", "/bin/b", "/etc/sudoers", "/etc/sudoers.d"][..],
    );
    let link_targets = prop::sample::select(&["/usr/bin", "/usr/bin/b", "/opt", "/bin/a", "/opt/m"][..]);
    let links = prop::collection::vec((link_names, link_targets), 0..4);
    (programs, links).prop_map(|(programs, links)| {
        let files = (10..)
            .zip(DIRECTORIES)
            .fold(FakeFiles::default(), |files, (ino, path)| files.directory(path, ino));
        let files = files.mount("/opt/m", 10, 2).mount("/opt/m/n", 10, 3);
        let files = programs.iter().fold(files, |files, (path, ino, owner)| {
            let digest = u8::try_from(*ino).unwrap();
            files.program(path, *ino).owner(path, *owner, *owner).with_digest(path, digest)
        });
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
        1 => directory().prop_map(str::to_owned),
        3 => (path, conditions).prop_map(|(path, condition)| format!("{path} {condition}")),
        1 => directory().prop_map(|path| format!("dir:{path}")),
        2 => directory().prop_map(|path| format!("tree:{path}")),
        1 => prop::sample::select(&["a", "x"][..]).prop_map(|name| format!("name:{name}")),
        1 => prop::sample::select(&["untrusted", "execmem", "confined_root"][..]).prop_map(str::to_owned),
        1 => (1..4).prop_map(|first| format!("sha256:{first:02}{}", "0".repeat(62))),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let action = || prop::sample::select(&["kill", "deny", "audit", "allow", "allow", "allow!"][..]);
    let operations = prop::sample::select(
        &["execute", "execute", "execute", "delete", "delete,write", "rename", "read,create", "read"][..],
    );
    let rule = (action(), operations, any_subject());
    let default = prop::sample::select(&[Action::Allow, Action::Audit, Action::Deny, Action::Kill][..]);
    (prop::collection::vec(rule, 0..8), default).prop_map(|(rules, default)| {
        let mut text = String::new();
        for (action, operations, subject) in rules {
            // The language has no allow rules by name or origin, and arguments and origins only of programs.
            let of_origin = !subject.contains(['/', ':']);
            let of_content = subject.starts_with("sha256:");
            let never_allows = subject.starts_with("name:") || of_origin || of_content;
            let action = if never_allows && action.starts_with("allow") { "deny" } else { action };
            let operations = match subject.as_str() {
                "confined_root" => "administer",
                _ if subject.contains(' ') || of_origin || of_content => "execute",
                _ => operations,
            };
            writeln!(text, "{action} {operations} {subject}").unwrap();
        }
        Policy { default, ..policy(&text) }
    })
}

/// The explanation of a request for a path that is its own: of the file that is there, or of one that no rule ever saw where
/// there is none.
fn explained(
    policy: &Policy,
    compiled: &Compiled,
    files: &FakeFiles,
    operation: Operation,
    file: &File,
    arguments: &[String],
) -> Option<Explanation> {
    let is_it = match files.resolve(&file.path) {
        Ok(found) => found.canonical == file.path && found.inode == file.inode,
        Err(_nowhere) => file.inode.ino == UNSEEN,
    };
    if !is_it {
        return None;
    }
    let path = file.path.clone();
    let request = match operation {
        Operation::Execute => Request::Execute { path, arguments: Some(arguments.to_vec()) },
        operation => Request::File { operation, path },
    };
    Some(explain(policy, compiled, files, &request, &situation()))
}

/// Whether the kernel half looks for no rule about this, as a loader has it that has published this policy alone.
fn is_passed_over(compiled: &Compiled, operation: Operation, file: &File) -> bool {
    let contents = RuleValue::from_bits(compiled.get(&RuleKey::policy(operation))).contents();
    if !contents.is_sifted(operation) {
        return false;
    }
    let mut words = HashMap::new();
    for (index, bits) in compiled.entries().filter_map(|(key, _)| Some(key.sifted()?.place())) {
        *words.entry(index).or_insert(0) |= bits;
    }
    let word = |index| words.get(&index).copied().unwrap_or(0);
    match operation {
        Operation::Execute => {
            let name = NameStart::of(file.path.file_name().unwrap().as_bytes());
            !Grain::of_inode(file.inode.ino).is_held(word) && !Grain::of_name(name).is_held(word)
        }
        Operation::Read | Operation::Write => {
            let directory = file.directories.first().copied().unwrap_or(file.inode);
            falls_through(word, file.inode.ino, directory.ino)
        }
        _ => false,
    }
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
        let strictest = |subject: Subject| {
            let about_it = policy.rules.iter().filter(|rule| rule.subject == subject);
            about_it.map(|rule| rule.action).max().unwrap_or(Action::Allow)
        };
        prop_assert_eq!(decide_executable_memory(&compiled).action(), strictest(Subject::ExecutableMemory));
        prop_assert_eq!(decide_administration(&compiled).action(), strictest(Subject::Administration));
        let by_content = |digest: [u8; 32]| {
            let half = |from: usize| u64::from_ne_bytes(*digest[from..].first_chunk().unwrap());
            decide_content(&compiled, half(0), half(8))
        };
        for digest in (1..5).map(|first| core::array::from_fn(|at| if at == 0 { first } else { 0 })) {
            prop_assert_eq!(by_content(digest).action(), strictest(Subject::Content(digest)));
        }
        let is_own = |path: &Path| files.resolve(path).is_ok_and(|found| found.canonical == path);
        let there = files.programs().filter(|(path, _)| is_own(path)).map(|(path, inode)| (path.to_owned(), inode));
        // The same names with a file that no rule ever saw, as after an upgrade or in a user's own mount namespace.
        let replaced = PATHS.iter().map(Path::new).filter(|path| is_own(path.parent().unwrap())).map(|path| {
            let directory = files.resolve(path.parent().unwrap()).unwrap().inode;
            (path.to_owned(), InodeId { ino: UNSEEN, ..directory })
        });
        // The same files under a name that no rule has.
        let root = files.resolve(Path::new("/")).unwrap().inode.dev;
        let renamed = files.programs().filter(|(_, inode)| inode.dev == root);
        let renamed = renamed.map(|(_, inode)| (Path::new("/tmp/hello").to_owned(), inode));
        // Directories, which are not executed.
        let directories: BTreeSet<PathBuf> =
            DIRECTORIES.iter().filter_map(|path| Some(files.resolve(Path::new(path)).ok()?.canonical)).collect();
        let directories = directories.into_iter().filter(|path| path.file_name().is_some()).filter_map(|path| {
            let found = files.resolve(&path).ok()?;
            (found.kind == crate::files::FileKind::Directory).then_some((path, found.inode))
        });
        let programs: Vec<_> = there.chain(replaced).chain(renamed).map(|(path, inode)| (path, inode, true)).collect();
        let objects = directories.map(|(path, inode)| (path, inode, false)).chain(programs);
        for (path, inode, is_program) in objects {
            let file = File::at(&files, inode, &path);
            let of = |operation| {
                let policy = match operation {
                    Operation::Execute => policy.clone(),
                    _ => Policy { default: Action::Allow, ..policy.clone() },
                };
                (judge(&compiled, operation, &file, &words), oracle(&policy, &files, operation, &file, &words))
            };
            for operation in FILE_OPERATIONS.into_iter().chain(is_program.then_some(Operation::Execute)) {
                let (verdict, (action, rules)) = of(operation);
                prop_assert_eq!(verdict.action(), action, "{} {:?} {:?}", path.display(), inode, operation);
                prop_assert!(rules.contains(&verdict.rule), "rule {} is none of {:?}", verdict.rule, rules);
                if is_passed_over(&compiled, operation, &file) {
                    let unnamed = decide_unnamed(&compiled, operation).verdict;
                    prop_assert_eq!(verdict, unnamed, "{} {:?}", path.display(), operation);
                }
                if let Some(explanation) = explained(&policy, &compiled, &files, operation, &file, &words) {
                    let mut all: Vec<Verdict> = operation.implied().iter().map(|part| of(*part).0).collect();
                    if operation == Operation::Execute {
                        all.extend(files.digest(&path).map(by_content));
                    }
                    // Stable: of equal ones the first.
                    all.sort_by_key(|verdict| std::cmp::Reverse(verdict.action()));
                    let verdict = all[0];
                    prop_assert_eq!(explanation.verdict, verdict);
                    let deciding: Vec<_> = explanation.steps.iter().filter(|step| step.decides).collect();
                    prop_assert_eq!(deciding.len(), 1, "{:#?}", explanation);
                    prop_assert_eq!(deciding[0].rule.as_ref().map_or(0, |rule| rule.number), verdict.rule);
                    let of_root = explanation.steps.iter().find(|step| step.looked_at == "root in the session");
                    let of_root = of_root.map(|step| step.rule.as_ref().unwrap().number);
                    let (wanted, _) = of(Operation::Administer);
                    let is_closed = CLOSED.contains(&operation) && wanted.action() > Action::Allow;
                    prop_assert_eq!(of_root, is_closed.then_some(wanted.rule));
                }
            }
        }
    }

    #[test]
    fn connections_are_decided_as_they_read(
        rules in prop::collection::vec((
            prop::sample::select(&["kill", "deny", "audit", "allow", "allow!"][..]),
            prop::sample::select(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1", "127.0.0.0/8", "::1"][..]),
            prop::collection::vec(prop::sample::select(&["22", "20-30", "443", "1000-65535", "0-21", "1-65535"][..]), 0..3),
        ), 0..8),
        address in prop::sample::select(&["10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "2001:db8::1", "2001:db8::2", "::1", "::ffff:10.1.2.3", "0.0.0.0", "::", "::ffff:0.0.0.0"][..]),
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
        // The kernel takes the unspecified address for the machine itself.
        let leads_to: IpAddr = match address.to_string().as_str() {
            "0.0.0.0" | "::ffff:0.0.0.0" => "127.0.0.1".parse().unwrap(),
            "::" => "::1".parse().unwrap(),
            _ => address,
        };
        let holding: Vec<&Rule> = policy.rules.iter().filter(|rule| match &rule.subject {
            Subject::Address { network, ports } => network.contains(leads_to)
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
