// SPDX-License-Identifier: MIT OR Apache-2.0
//! When changes are acted on, and where they are looked for.

use super::*;
use sac_policy::Source;
use std::fs;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn changes_are_acted_on_when_they_have_come_to_rest() {
    let start = Instant::now();
    let mut debounce = Debounce::new(ms(300), ms(2000), ms(0));
    assert_eq!(debounce.due(), None);
    debounce.touch(start);
    debounce.touch(start + ms(200));
    assert!(!debounce.take(start + ms(499)));
    assert!(debounce.take(start + ms(500)));
    assert!(!debounce.take(start + ms(5000)), "done is done");
}

#[test]
fn changes_without_rest_are_acted_on_all_the_same() {
    let start = Instant::now();
    let mut debounce = Debounce::new(ms(300), ms(2000), ms(0));
    (0..20).for_each(|step| debounce.touch(start + ms(100 * step)));
    assert_eq!(debounce.due(), Some(start + ms(2000)));
}

#[test]
fn there_is_a_pause_between_two_times() {
    let start = Instant::now();
    let mut debounce = Debounce::new(ms(300), ms(1000), ms(1000));
    debounce.touch(start);
    assert!(debounce.take(start + ms(300)));
    debounce.touch(start + ms(310));
    assert_eq!(debounce.due(), Some(start + ms(1300)));
}

#[test]
fn only_policies_and_account_files_count() {
    assert!(is_policy(b"a.yaml") && !is_policy(b".a.yaml") && !is_policy(b"a.yaml.swp"));
    assert!(is_account_file(b"group") && !is_account_file(b"shadow"));
}

#[test]
fn directories_of_programs_of_links_and_of_what_is_not_there_yet_are_watched() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for name in ["bin", "alternatives", "jdk", "tree"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("jdk/java"), "").unwrap();
    std::os::unix::fs::symlink(at("jdk/java"), at("alternatives/java")).unwrap();
    std::os::unix::fs::symlink("../alternatives/java", at("bin/java")).unwrap();
    let text = format!(
        "policy: p\napplies_to: everyone\nprograms:\n  deny:\n    - {r}/bin/java\n    - {r}/missing/x/y\n    - tree: {r}/tree\n",
        r = root.path().display()
    );
    let set = PolicySet::from_sources(vec![Source::new("p.yaml", text)]).unwrap().set;
    let (found, left_out) = directories_of(&set);
    let found: BTreeSet<PathBuf> = found.iter().map(|path| path.canonicalize().unwrap()).collect();
    let expected = [at("bin"), at("alternatives"), at("jdk"), at("tree"), root.path().to_owned()];
    let expected: BTreeSet<PathBuf> = expected.iter().map(|path| path.canonicalize().unwrap()).collect();
    assert_eq!((found, left_out), (expected, 0));
}

#[test]
fn services_that_root_in_a_session_may_not_ask_are_watched() {
    let directories = |key: &str| {
        let text = format!("policy: p\napplies_to: everyone\n{key}");
        directories_of(&PolicySet::from_sources(vec![Source::new("p.yaml", text)]).unwrap().set).0
    };
    assert_eq!(directories(""), BTreeSet::new());
    let found = directories("confined_root: true\n");
    let expected = ["/run", "/run/dbus", "/var/lib/lxd"].map(|path| existing(Path::new(path)));
    assert!(expected.iter().all(|directory| found.contains(directory)), "{found:?}");
    // What is SAC's own would tell of each session.
    assert!(!found.contains(Path::new("/run/sac")));
}

#[test]
fn a_file_that_is_replaced_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let watched = Directories::new().unwrap();
    let number = watched.add(directory.path()).unwrap();
    assert_eq!(watched.add(directory.path()).unwrap(), number);
    assert!(!watched.happened(is_policy).unwrap());
    fs::write(directory.path().join("other"), "").unwrap();
    assert!(!watched.happened(is_policy).unwrap());
    fs::rename(directory.path().join("other"), directory.path().join("p.yaml")).unwrap();
    assert!(watched.happened(is_policy).unwrap());
    fs::remove_dir_all(directory.path()).unwrap();
    assert!(watched.happened(|_| false).unwrap(), "the directory itself went");
}
