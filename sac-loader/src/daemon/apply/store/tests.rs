// SPDX-License-Identifier: MIT OR Apache-2.0
//! What lies where before, during and after, also where it is interrupted.

use super::{
    super::{
        login::Marks,
        pending::{Pending, Phase},
    },
    *,
};

const A: &str = "policy: a\napplies_to: everyone\n";
const B: &str = "policy: b\napplies_to: {users: [bob]}\n";
const C: &str = "policy: c\napplies_to: {users: [carol]}\n";

struct Places {
    guard: tempfile::TempDir,
    store: Store,
}

impl Places {
    /// Policies that are there.
    fn new(files: &[(&str, &str)]) -> Self {
        let guard = tempfile::tempdir().unwrap();
        let target = guard.path().join("policies");
        fs::create_dir(&target).unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o755)).unwrap();
        for (name, text) in files {
            write_file(&target.join(name), text.as_bytes(), MODE).unwrap();
        }
        let trust = Trust::Owner { uid: fs::metadata(&target).unwrap().uid() };
        let store = Store::new(&guard.path().join("apply"), &target, trust);
        Self { guard, store }
    }

    /// What lies in the directory of policies, whatever its name.
    fn there(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.guard.path().join("policies")).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (shown(path.file_name().unwrap()), fs::read_to_string(&path).unwrap()))
            .collect();
        files.sort();
        files
    }

    fn stage(&self, new: &[(&str, &str)]) {
        let present = self.store.present().unwrap();
        self.store.stage(&sources(new), present.files()).unwrap();
    }
}

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(name, text)| Source::new(Path::new("/somewhere").join(name), *text)).collect()
}

fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn pending(phase: Phase) -> Pending {
    let [by, boot_id, digest] = ["dave", "boot", "ab"].map(str::to_owned);
    let marks = Marks { session: 7, audit_session: 3 };
    Pending { phase, by, confirm_s: Some(60), until_boot_s: 160, boot_id, digest, marks }
}

#[test]
fn a_trial_leaves_the_policies_alone() {
    let before = [("a.yaml", A), ("b.yaml", B)];
    let places = Places::new(&before);
    places.stage(&[("a.yaml", C)]);
    places.store.write(&pending(Phase::Trying)).unwrap();
    assert_eq!(places.there(), owned(&before));
    assert!(places.store.is_untouched());
    assert_eq!(places.store.read().unwrap(), Some(pending(Phase::Trying)));
    let kept = Sources::of_dir(&places.store.policies_before(), Trust::Anyone).unwrap();
    assert_eq!(Changes::between(kept.files(), &sources(&before)), Changes::default());
    places.store.clear().unwrap();
    assert_eq!(places.store.read().unwrap(), None);
    assert!(!places.store.new_policies().exists() && places.store.policies_before().exists());
    assert_eq!(places.there(), owned(&before));
}

#[test]
fn what_is_installed_is_the_new_set_and_other_files_stay() {
    let places =
        Places::new(&[("a.yaml", A), ("b.yaml", B), ("README", "?"), (".hidden.yaml", "?"), ("x.off", "?")]);
    let new = [("a.yaml", A), ("c.yaml", C)];
    places.stage(&new);
    let unchanged = fs::metadata(places.store.target.join("a.yaml")).unwrap().ino();
    let prepared = places.store.prepare().unwrap();
    places.store.commit(&prepared).unwrap();
    let all = [(".hidden.yaml", "?"), ("README", "?"), ("a.yaml", A), ("c.yaml", C), ("x.off", "?")];
    assert_eq!(places.there(), owned(&all));
    let status = |name: &str| fs::metadata(places.store.target.join(name)).unwrap();
    assert_eq!(status("a.yaml").ino(), unchanged);
    assert_eq!(status("c.yaml").mode() & 0o777, 0o644);
}

#[test]
fn modes_stay_but_for_what_lets_others_write() {
    let places = Places::new(&[("a.yaml", A)]);
    write_file(&places.store.target.join("a.yaml"), A.as_bytes(), 0o660).unwrap();
    places.store.stage(&sources(&[("a.yaml", C)]), &[]).unwrap();
    let prepared = places.store.prepare().unwrap();
    places.store.commit(&prepared).unwrap();
    assert_eq!(fs::metadata(places.store.target.join("a.yaml")).unwrap().mode() & 0o777, 0o640);
}

/// Threat: the machine loses its power while the new policies take their places.
#[test]
fn an_installation_that_was_interrupted_anywhere_is_done_again() {
    let new = [("a.yaml", C), ("c.yaml", A)];
    for done in 0..=4 {
        let places = Places::new(&[("a.yaml", A), ("b.yaml", B)]);
        places.stage(&new);
        if done > 0 {
            let mut prepared = places.store.prepare().unwrap();
            let renames = prepared.written.len().min(done - 1);
            let removals = (done - 1).saturating_sub(prepared.written.len());
            prepared.written.truncate(renames);
            prepared.removed.truncate(removals);
            places.store.commit(&prepared).unwrap();
        }
        let again = places.store.prepare().unwrap();
        places.store.commit(&again).unwrap();
        assert_eq!(places.there(), owned(&new), "after {done} steps");
    }
}

#[test]
fn what_cannot_be_prepared_has_changed_nothing() {
    let before = [("a.yaml", A)];
    let places = Places::new(&before);
    places.stage(&[("b.yaml", B), ("c.yaml", C)]);
    // Stands in for a disk that is full: root's writes do not fail for permissions.
    fs::create_dir(places.store.beside(OsStr::new("c.yaml"))).unwrap();
    assert!(places.store.prepare().is_err());
    fs::remove_dir(places.store.beside(OsStr::new("c.yaml"))).unwrap();
    assert_eq!(places.there(), owned(&before));
}

#[test]
fn nothing_is_staged_for_a_directory_that_is_not_there() {
    let places = Places::new(&[("a.yaml", A)]);
    fs::remove_dir_all(&places.store.target).unwrap();
    let error = places.store.stage(&sources(&[("a.yaml", C)]), &[]).unwrap_err();
    assert!(error.to_string().contains("policies"), "{error}");
    assert!(!places.store.new_policies().exists());
}

#[test]
fn whoever_edits_the_policies_meanwhile_is_noticed() {
    let edits: [&dyn Fn(&Path); 3] = [
        &|target| fs::write(target.join("a.yaml"), C).unwrap(),
        &|target| fs::remove_file(target.join("b.yaml")).unwrap(),
        &|target| fs::write(target.join("new.yaml"), C).unwrap(),
    ];
    for edit in edits {
        let places = Places::new(&[("a.yaml", A), ("b.yaml", B)]);
        places.stage(&[("a.yaml", A)]);
        assert!(places.store.is_untouched());
        edit(&places.store.target);
        assert!(!places.store.is_untouched());
    }
}

#[test]
fn changes_are_told_by_name() {
    let old = sources(&[("a.yaml", A), ("b.yaml", B)]);
    let new = sources(&[("a.yaml", C), ("c.yaml", A)]);
    let [added, changed, removed] = ["c.yaml", "a.yaml", "b.yaml"].map(|name| vec![name.to_owned()]);
    assert_eq!(Changes::between(&old, &new), Changes { added, changed, removed });
    assert!(Changes::between(&old, &old).is_empty());
}

#[test]
fn a_record_that_is_none_is_an_error() {
    let places = Places::new(&[]);
    places.stage(&[("a.yaml", A)]);
    fs::write(places.store.record(), "{}").unwrap();
    assert!(places.store.read().is_err());
}
