// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which files are read, and whose they must be.

use super::*;
use crate::code::Severity;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

struct Directory {
    guard: tempfile::TempDir,
    own_uid: u32,
}

impl Directory {
    fn new(files: &[(&str, &str)]) -> Self {
        let guard = tempfile::tempdir().unwrap();
        let own_uid = fs::metadata(guard.path()).unwrap().uid();
        let directory = Self { guard, own_uid };
        directory.chmod("", 0o755);
        for (name, text) in files {
            fs::write(directory.path(name), text).unwrap();
            directory.chmod(name, 0o644);
        }
        directory
    }

    fn path(&self, name: &str) -> PathBuf {
        self.guard.path().join(name)
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self) -> Result<Loaded, Faults> {
        PolicySet::load_dir_of(self.guard.path(), Trust::Owner { uid: self.own_uid })
    }

    fn codes(&self) -> Vec<Code> {
        self.load().unwrap_err().iter().map(Fault::code).collect()
    }
}

const A: (&str, &str) = ("a.yaml", "policy: a\napplies_to: everyone\n");

#[test]
fn only_policy_files_are_read_in_the_order_of_their_names() {
    let b = ("b.yaml", "policy: b\napplies_to: {users: [bob]}\n");
    let junk = [(".hidden.yaml", "?"), ("a.yaml.bak", "?"), ("README", "?"), ("c.yml", "?")];
    let loaded = Directory::new(&[&[b, A], &junk[..]].concat()).load().unwrap();
    let names: Vec<_> = loaded.set.policies().iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let warnings: Vec<_> = loaded.warnings.iter().map(Fault::code).collect();
    assert_eq!(warnings, [Code::IgnoredFile]);
}

#[test]
fn nobody_but_the_owner_may_be_able_to_write() {
    let directory = Directory::new(&[A]);
    assert!(directory.load().is_ok());
    for mode in [0o664, 0o646] {
        directory.chmod(A.0, mode);
        assert_eq!(directory.codes(), [Code::UntrustedFile], "{mode:o}");
    }
    directory.chmod(A.0, 0o600);
    assert!(directory.load().is_ok());
    directory.chmod("", 0o775);
    assert_eq!(directory.codes(), [Code::UntrustedFile]);
}

#[test]
fn another_owner_is_not_trusted() {
    let directory = Directory::new(&[A]);
    let trust = Trust::Owner { uid: directory.own_uid + 1 };
    let faults = PolicySet::load_dir_of(directory.guard.path(), trust).unwrap_err();
    assert_eq!(faults.count(Severity::Error), 2, "{}", faults.render(crate::Colour::Never));
    assert!(PolicySet::load_dir_of(directory.guard.path(), Trust::Anyone).is_ok());
}

#[test]
fn of_a_link_the_file_is_asked() {
    let directory = Directory::new(&[("target", A.1)]);
    symlink("target", directory.path("a.yaml")).unwrap();
    assert!(directory.load().is_ok());
    directory.chmod("target", 0o666);
    assert_eq!(directory.codes(), [Code::UntrustedFile]);
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let directory = Directory::new(&[]);
    fs::create_dir(directory.path("d.yaml")).unwrap();
    symlink("nowhere", directory.path("l.yaml")).unwrap();
    // A pipe, at which a careless reader would wait for ever.
    let pipe = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, directory.path("p.yaml"), pipe, Mode::RWXU, 0).unwrap();
    assert_eq!(directory.codes(), [Code::UnreadableFile; 3]);
}

#[test]
fn an_empty_directory_is_a_fault() {
    assert_eq!(Directory::new(&[]).codes(), [Code::NoPolicyFile]);
    let faults = PolicySet::load_dir(Path::new("/nonexistent/policies")).unwrap_err();
    assert_eq!(faults.iter().next().unwrap().code(), Code::UnreadableFile);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let large = "#".repeat(SOURCE_BYTES_MAX + 1);
    assert_eq!(Directory::new(&[("a.yaml", &large)]).codes(), [Code::LimitExceeded]);
}

#[test]
fn one_fault_hides_no_other() {
    let directory = Directory::new(&[
        ("a.yaml", "policy: a\napplies_to: {users: [0]}\nprogams: {}\n"),
        ("b.yaml", "policy: a\napplies_to: everyone\npriority: high\n"),
        ("c.yaml", "]"),
        ("d.yaml", "policy: d\napplies_to: everyone\n"),
    ]);
    directory.chmod("d.yaml", 0o666);
    use Code::*;
    let expected = [RootConfined, UnknownKey, DuplicatePolicyName, WrongType, InvalidYaml, UntrustedFile];
    assert_eq!(directory.codes(), expected);
    assert_eq!(directory.load().unwrap_err().to_string(), "6 faults in 4 files");
}

#[test]
fn sources_are_the_texts_that_are_checked() {
    let directory = Directory::new(&[A, ("b.yaml", "policy: [\n"), ("README", "?")]);
    let sources = Sources::of_dir(directory.guard.path(), Trust::Owner { uid: directory.own_uid }).unwrap();
    let texts: Vec<_> =
        sources.files().iter().map(|source| (source.path().to_owned(), source.text())).collect();
    assert_eq!(texts, [(directory.path("a.yaml"), A.1), (directory.path("b.yaml"), "policy: [\n")]);
    let faults = sources.check().unwrap_err();
    assert_eq!(faults.count(Severity::Error), directory.load().unwrap_err().count(Severity::Error));
    assert!(Sources::of_dir(&directory.path("none"), Trust::Anyone).is_err());
}
