// SPDX-License-Identifier: MIT OR Apache-2.0
//! What root in a session must not touch.

use super::tables::action;
use super::*;
use crate::compile::confined_root::{CLOSED, PLACES, SOCKETS};
use crate::files::FileKind;

const ROOT: &str = "kill administer confined_root";

/// A machine with all of the places: directories where something could be below, and what is above them; and all of the sockets.
fn machine() -> FakeFiles {
    let is_file = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "so" || extension == "preload")
            || [
                "/usr/sbin/sac-loader",
                "/etc/sudoers",
                "/etc/crontab",
                "/etc/anacrontab",
                "/proc/sysrq-trigger",
            ]
            .contains(&path.to_str().unwrap())
    };
    let mut files = FakeFiles::default().directory("/", 2);
    let mut next = 100..;
    for place in PLACES.into_iter().chain(SOCKETS).map(Path::new) {
        for above in place.ancestors().skip(1) {
            if files.resolve(above).is_err() {
                files = files.directory(above.to_str().unwrap(), next.next().unwrap());
            }
        }
    }
    for place in PLACES {
        let ino = next.next().unwrap();
        if is_file(Path::new(place)) {
            files = files.program(place, ino);
        } else if files.resolve(Path::new(place)).is_err() {
            files = files.directory(place, ino);
        }
    }
    SOCKETS
        .into_iter()
        .fold(files, |files, path| files.file(path, next.next().unwrap(), FileKind::Special, 0o666))
}

#[test]
fn each_place_is_held_with_all_below_it_and_with_the_way_to_it() {
    let files = machine();
    let rules = compiled(&policy(ROOT), &files);
    assert_eq!(codes(&rules), []);
    for place in PLACES {
        let found = files.resolve(Path::new(place)).unwrap();
        let of = |operation, ino, path: &str| action(&rules, &files, operation, ino, path);
        assert_eq!(of(Operation::Administer, found.inode.ino, place), (Action::Kill, 1), "{place}");
        // What is put in its place.
        assert_eq!(of(Operation::Administer, 9, place), (Action::Kill, 1), "{place}");
        let below = format!("{place}/a/b");
        if found.kind == FileKind::Directory {
            assert_eq!(of(Operation::Administer, 9, &below), (Action::Kill, 1), "{below}");
        }
        // Of users nothing else is asked, and reading is no way out.
        for operation in CLOSED.into_iter().chain([Operation::Read, Operation::Execute]) {
            assert_eq!(of(operation, found.inode.ino, place), (Action::Allow, 0), "{operation:?} {place}");
            assert_eq!(of(operation, 9, &below), (Action::Allow, 0), "{operation:?} {below}");
        }
        for above in Path::new(place).ancestors().skip(1).filter(|above| above.parent().is_some()) {
            let ino = files.resolve(above).unwrap().inode.ino;
            let above = above.to_str().unwrap();
            assert_eq!(of(Operation::Administer, ino, above), (Action::Kill, 1), "{above}");
            assert_eq!(of(Operation::Rename, ino, above), (Action::Allow, 0), "{above}");
        }
    }
    // Beside them everything goes on.
    for path in ["/etc/profile", "/usr/bin/a", "/proc/self/comm", "/run/a", "/var/lib/a"] {
        assert_eq!(action(&rules, &files, Operation::Administer, 9, path), (Action::Allow, 0), "{path}");
    }
}

#[test]
fn file_systems_that_are_mounted_below_are_held() {
    let files = machine().mount("/sys/fs/cgroup", 1, 30).mount("/sys/fs/bpf", 1, 31);
    let rules = compiled(&policy(ROOT), &files);
    for (minor, path) in [(30, "/sys/fs/cgroup/user.slice/cgroup.procs"), (31, "/sys/fs/bpf/sac")] {
        let file = File::at(&files, InodeId::new(8, minor, 9), Path::new(path));
        assert_eq!(judge(&rules, Operation::Administer, &file, &[]).action(), Action::Kill, "{path}");
    }
}

#[test]
fn acts_and_sockets_are_under_the_same_rule() {
    let files = machine();
    let rules = compiled(&policy(ROOT), &files);
    let socket = |compiled: &Compiled, path: &str| {
        // The kernel knows a generation where the host may know none.
        let inode = files.resolve(Path::new(path)).unwrap().inode;
        let verdict = decide_socket(compiled, InodeId { generation: Some(5), ..inode });
        (verdict.action(), verdict.rule)
    };
    assert_eq!(decide_administration(&rules), Verdict::new(Action::Kill, 1));
    for path in SOCKETS {
        assert_eq!(socket(&rules, path), (Action::Kill, 1), "{path}");
    }
    assert!(contents(&rules, Operation::Administer).has(Contents::RULES));
    // Nothing is asked of those who are not root.
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Administer) {
        assert_eq!(contents(&rules, operation), Contents::NONE, "{operation:?}");
    }
    let audited = compiled(&Policy { mode: Mode::Audit, ..policy(ROOT) }, &files);
    assert_eq!(decide_administration(&audited).action(), Action::Audit);
    assert_eq!(socket(&audited, SOCKETS[0]).0, Action::Audit);
    // Without the rule nothing of it is asked.
    let without = compiled(&policy("kill write tree:/etc/sac"), &files);
    assert_eq!(decide_administration(&without), Verdict::new(Action::Allow, 0));
    assert_eq!(socket(&without, SOCKETS[0]), (Action::Allow, 0));
    assert_eq!(contents(&without, Operation::Administer), Contents::NONE);
}

#[test]
fn sudo_can_ask_for_its_own_session() {
    let files = machine().file("/run/sac/pam.sock", 9, FileKind::Special, 0o600);
    let rules = compiled(&policy(ROOT), &files);
    assert_eq!(decide_socket(&rules, FakeFiles::inode(9)).action(), Action::Allow);
    assert!(sockets_of_services().all(|path| !path.starts_with("/run/sac")));
    assert_eq!(sockets_of_services().count(), SOCKETS.len() - 1);
}

#[test]
fn a_machine_without_any_of_it_is_not_complained_about() {
    let files = FakeFiles::default().directory("/", 2).directory("/etc", 3);
    let rules = compiled(&policy(ROOT), &files);
    assert_eq!(codes(&rules), []);
    // What is not there cannot be put there.
    assert_eq!(action(&rules, &files, Operation::Administer, 9, "/etc/ld.so.preload"), (Action::Kill, 1));
    assert_eq!(action(&rules, &files, Operation::Administer, 9, "/etc/cron.d"), (Action::Kill, 1));
}

#[test]
fn an_exception_is_a_rule_that_overrides() {
    let files = machine();
    let of_root = |rule: &str, path| {
        let rules = compiled(&policy(&format!("{ROOT}\n{rule}")), &files);
        action(&rules, &files, Operation::Administer, 9, path)
    };
    for rule in ["create tree:/etc/cron.d", "delete,read dir:/etc/cron.d", "write /etc/cron.d/backup"] {
        let of_rule = |path| of_root(&format!("allow! {rule}"), path);
        assert_eq!(of_rule("/etc/cron.d/backup"), (Action::Allow, 2), "{rule}");
        assert_eq!(of_rule("/etc/cron.daily/backup"), (Action::Kill, 1), "{rule}");
    }
    for rule in ["allow! read tree:/etc/cron.d", "allow write tree:/etc/cron.d", "allow! tree:/etc/cron.d"] {
        assert_eq!(of_root(rule, "/etc/cron.d/backup"), (Action::Kill, 1), "{rule}");
    }
    // Who may write a socket may connect to it.
    let rules = compiled(&policy(&format!("{ROOT}\nallow! write /run/docker.sock")), &files);
    let socket = |path| decide_socket(&rules, files.resolve(Path::new(path)).unwrap().inode);
    assert_eq!(socket("/run/docker.sock"), Verdict::new(Action::Allow, 2));
    assert_eq!(socket("/run/podman/podman.sock").action(), Action::Kill);
    // Who is not confined needs none.
    let without = compiled(&policy("allow! write tree:/etc/cron.d"), &files);
    assert_eq!(contents(&without, Operation::Administer), Contents::NONE);
}

#[test]
fn the_documentation_names_each_place_and_socket() {
    let documentation = include_str!("../../../../docs/policy.md");
    // Modules are in many directories, and those of systemd are listed without the one that they are in.
    let shown = |path: &&str| {
        if path.ends_with("/pam_sac.so") { "pam_sac.so" } else { path.trim_start_matches("/run/systemd/") }
            .to_owned()
    };
    for shown in PLACES.iter().map(shown).chain(SOCKETS.iter().map(|path| (*path).to_owned())) {
        assert!(documentation.contains(&format!("`{shown}`")), "{shown}");
    }
}
