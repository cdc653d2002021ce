// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiled policies: tables, and the verdict of any policy over any small file system against a slow, obvious oracle.

use super::*;
use crate::files::fake::FakeFiles;
use crate::{PolicySet, Source};
use proptest::prelude::*;
use sac_abi::{Executable, PathLookup, Verdict, decide};

struct File<'f>(InodeId, &'f Path);

impl Executable for File<'_> {
    fn inode(&self) -> InodeId {
        self.0
    }
    fn path(&mut self) -> PathLookup {
        PathHash::of_path(self.1.as_os_str().as_bytes()).map_or(PathLookup::TooLong, PathLookup::Known)
    }
}

fn policy(programs: &str) -> Policy {
    let text = format!("policy: p\napplies_to: everyone\n{programs}");
    let loaded = PolicySet::from_sources(vec![Source::new("p.yaml", text)]);
    loaded.unwrap_or_else(|faults| panic!("{}", faults.render(crate::Colour::Never))).set.policies()[0]
        .clone()
}

fn verdict(compiled: &Compiled, ino: u64, path: &str) -> (Action, u32) {
    let Verdict { action, rule } = decide(compiled, &mut File(FakeFiles::inode(ino), Path::new(path)));
    (action, rule)
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.warnings.iter().map(Fault::code).collect()
}

#[test]
fn a_denied_program_is_held_by_inode_and_by_both_paths() {
    let files = FakeFiles::default().program("/usr/bin/df", 7).link("/bin", "/usr/bin");
    let compiled = compile(&policy("programs: {deny: [/bin/df]}"), &files);
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
    let compiled = compile(&policy("action: deny\nprograms: {default: deny, allow: [/usr/bin/ls]}"), &files);
    assert_eq!(verdict(&compiled, 7, "/tmp/anywhere"), (Action::Allow, 1));
    assert_eq!(verdict(&compiled, 8, "/usr/bin/ls"), (Action::Deny, 0));
    assert!(!compiled.get(&RuleKey::POLICY).unwrap().has_path_rules());
}

#[test]
fn a_program_that_is_not_there_is_held_by_its_path() {
    let compiled = compile(&policy("programs: {deny: [/usr/bin/df]}"), &FakeFiles::default());
    assert_eq!(verdict(&compiled, 7, "/usr/bin/df"), (Action::Kill, 1));
    assert_eq!(codes(&compiled), [Code::PathNotFound]);
}

#[test]
fn an_audited_default_lets_programs_run() {
    let compiled = compile(&policy("action: audit\nprograms: {default: deny}"), &FakeFiles::default());
    assert_eq!(verdict(&compiled, 7, "/usr/bin/df"), (Action::Audit, 0));
}

#[test]
fn of_two_names_of_one_file_the_stricter_rule_wins() {
    let files =
        FakeFiles::default().program("/usr/bin/df", 7).program("/usr/bin/du", 7).program("/usr/bin/dd", 7);
    let text = "programs:\n  deny:\n    - {path: /usr/bin/df, action: audit}\n    - {path: /usr/bin/du, action: deny}\n    - /usr/bin/dd";
    let compiled = compile(&policy(text), &files);
    assert_eq!(verdict(&compiled, 7, "/usr/bin/df"), (Action::Kill, 3));
    assert_eq!(codes(&compiled), [Code::SharedInode, Code::SharedInode]);
}

#[test]
fn the_map_has_each_key_once() {
    let files = FakeFiles::default().program("/usr/bin/df", 7).link("/bin", "/usr/bin");
    let compiled = compile(&policy("programs: {deny: [/bin/df, /usr/bin/df]}"), &files);
    // The policy, one inode, two paths.
    assert_eq!(compiled.entries().len(), 4);
}

/// What the language says, rule by rule and without any table: of all rules that hold for a file, the strictest; where
/// none does, the default. The numbers are those of the rules that could have said so.
fn oracle(policy: &Policy, files: &FakeFiles, inode: InodeId, path: &Path) -> (Action, Vec<u32>) {
    let holds = |rule: &&Rule| {
        let resolved = files.resolve(&rule.path).ok();
        let by_inode = resolved.as_ref().is_some_and(|resolved| resolved.inode == inode);
        let by_path = rule.path == path || resolved.is_some_and(|resolved| resolved.canonical == path);
        by_inode || (rule.action != Action::Allow && by_path)
    };
    let holding: Vec<&Rule> = policy.rules.iter().filter(holds).collect();
    let Some(action) = holding.iter().map(|rule| rule.action).max() else {
        return (policy.default, vec![0]);
    };
    (action, holding.iter().filter(|rule| rule.action == action).map(|rule| rule.number).collect())
}

/// Few names, so that rules, files and links meet.
const PATHS: [&str; 8] =
    ["/bin/a", "/bin/b", "/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/opt/a", "/opt/d/e", "/home/x"];

fn any_files() -> impl Strategy<Value = FakeFiles> {
    let programs = prop::collection::vec((prop::sample::select(&PATHS[..]), 1_u64..5), 0..6);
    let link_names = prop::sample::select(&["/bin", "/usr/bin/a", "/opt/d", "/home/x", "/bin/b"][..]);
    let link_targets = prop::sample::select(&["/usr/bin", "/usr/bin/b", "/opt", "/bin/a", "/bin"][..]);
    let links = prop::collection::vec((link_names, link_targets), 0..4);
    (programs, links).prop_map(|(programs, links)| {
        let files =
            programs.iter().fold(FakeFiles::default(), |files, (path, ino)| files.program(path, *ino));
        links.iter().fold(files, |files, (name, target)| files.link(name, target))
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let action = || prop::sample::select(&["kill", "deny", "audit"][..]);
    let rules = prop::sample::subsequence(&PATHS[..], 0..=PATHS.len()).prop_shuffle();
    let rules = rules.prop_flat_map(move |paths| {
        paths
            .into_iter()
            .map(|path| (Just(path), prop::option::of(action()), any::<bool>()))
            .collect::<Vec<_>>()
    });
    (action(), prop::sample::select(&["allow", "deny"][..]), rules).prop_map(|(action, default, rules)| {
        let (mut deny, mut allow) = (String::new(), String::new());
        for (path, own, allowed) in rules {
            match (allowed, own) {
                (true, _) => allow += &format!("    - {path}\n"),
                (false, None) => deny += &format!("    - {path}\n"),
                (false, Some(own)) => deny += &format!("    - {{path: {path}, action: {own}}}\n"),
            }
        }
        policy(&format!(
            "action: {action}\nprograms:\n  default: {default}\n  allow:\n{allow}  deny:\n{deny}"
        ))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_compiled_policy_decides_as_it_reads(files in any_files(), policy in any_policy()) {
        let compiled = compile(&policy, &files);
        let there = files.programs().map(|(path, inode)| (path.to_owned(), inode));
        // The same names with a file that no rule ever saw, as after an upgrade or in a user's own mount namespace.
        let replaced = PATHS.iter().map(|path| (Path::new(path).to_owned(), FakeFiles::inode(99)));
        // The same files under a name that no rule has.
        let renamed = files.programs().map(|(_, inode)| (Path::new("/tmp/hello").to_owned(), inode));
        for (path, inode) in there.chain(replaced).chain(renamed) {
            let verdict = decide(&compiled, &mut File(inode, &path));
            let (action, rules) = oracle(&policy, &files, inode, &path);
            prop_assert_eq!(verdict.action, action, "{} {:?}", path.display(), inode);
            prop_assert!(rules.contains(&verdict.rule), "rule {} is none of {:?}", verdict.rule, rules);
        }
    }
}
