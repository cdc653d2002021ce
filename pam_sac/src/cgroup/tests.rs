// SPDX-License-Identifier: MIT OR Apache-2.0
//! Placement in a directory that plays cgroupfs. `tests/pam.rs` enters a real cgroup.

use super::*;
use crate::fake_loader::without_leaks;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

/// A directory with one cgroup, `/a/b`, and a membership file.
struct Stage {
    directory: tempfile::TempDir,
    membership: String,
    magic: i64,
}

impl Stage {
    /// `membership` is what the kernel will say after the move.
    fn new(membership: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("root/a/b")).unwrap();
        fs::write(directory.path().join("root/a/b/cgroup.procs"), "").unwrap();
        let file = directory.path().join("membership");
        fs::write(&file, membership).unwrap();
        let magic = filesystem::filesystem_magic(File::open(&file).unwrap().as_fd()).unwrap();
        Self { membership: file.to_str().unwrap().to_owned(), magic, directory }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Enters the cgroup `path`, counted from the mount point.
    fn enter(&self, path: &str) -> Result<(), PlaceError> {
        let mount_point = self.root().to_str().unwrap().to_owned();
        let hierarchy =
            Hierarchy { mount_point: &mount_point, magic: self.magic, membership: &self.membership };
        enter(hierarchy, format!("{mount_point}{path}").as_bytes())
    }

    fn procs(&self) -> String {
        fs::read_to_string(self.root().join("a/b/cgroup.procs")).unwrap()
    }
}

fn check(membership: &str, path: &str, wanted: &str) {
    without_leaks(|| {
        let stage = Stage::new(membership);
        let outcome = stage.enter(path).map_or_else(|error| error.to_string(), |()| "placed".to_owned());
        assert_eq!(outcome, wanted, "{path}");
    });
}

#[test]
fn the_process_is_moved_and_the_move_is_verified() {
    check("0::/a/b\n", "/a/b", "placed");
    check("12:cpu:/a/b/c\n1:name=systemd:/x\n0::/a/b\n", "/a/b", "placed");
    without_leaks(|| {
        let stage = Stage::new("0::/a/b\n");
        stage.enter("/a/b").unwrap();
        assert_eq!(stage.procs(), "0");
    });
}

#[test]
fn a_process_that_is_elsewhere_after_the_move_is_not_placed() {
    check("0::/\n", "/a/b", "the process is in \"/\" after the move");
    check("0::/a/b/c\n", "/a/b", "the process is in \"/a/b/c\" after the move");
    check("0::/a/b (deleted)\n", "/a/b", "the process is in \"/a/b (deleted)\" after the move");
    check("0::/x/a/b\n", "/a/b", "the process is in \"/x/a/b\" after the move");
    let none = "the process is in no cgroup of the unified hierarchy after the move";
    check("1:cpu:/a/b\n", "/a/b", none);
    check("10::/a/b\n", "/a/b", none);
    check("", "/a/b", none);
    without_leaks(|| {
        let stage = Stage::new("0::/a/b\n");
        fs::remove_file(&stage.membership).unwrap();
        assert!(matches!(stage.enter("/a/b"), Err(PlaceError::Unproven(_))));
    });
}

#[test]
fn what_is_no_cgroup_is_not_entered() {
    check("0::/a/b\n", "/a/x", "cannot open it: No such file or directory (os error 2)");
    check("0::/a/b\n", "/a/b/cgroup.procs", "cannot open it: Not a directory (os error 20)");
    check("0::/a\n", "/a", "cannot open its cgroup.procs: No such file or directory (os error 2)");
    without_leaks(|| {
        let stage = Stage::new("0::/a/b\n");
        std::os::unix::fs::symlink("b", stage.root().join("a/link")).unwrap();
        assert!(matches!(stage.enter("/a/link"), Err(PlaceError::NotMoved("cannot open it", _))));
        let procs = stage.root().join("a/b/cgroup.procs");
        fs::rename(&procs, stage.root().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("../../elsewhere", &procs).unwrap();
        assert!(matches!(stage.enter("/a/b"), Err(PlaceError::NotMoved("cannot open its cgroup.procs", _))));
        assert_eq!(fs::read_to_string(stage.root().join("elsewhere")).unwrap(), "");
    });
}

#[test]
fn another_filesystem_is_not_written_to() {
    without_leaks(|| {
        let mut stage = Stage::new("0::/a/b\n");
        let magic = std::mem::replace(&mut stage.magic, UNIFIED.magic);
        assert!(matches!(stage.enter("/a/b"), Err(PlaceError::Filesystem(found)) if found == magic));
        assert_eq!(stage.procs(), "");
    });
}

/// A directory, and what `/proc/self/cgroup` would show of it.
type Case = (&'static [u8], Result<&'static [u8], PathFault>);

#[test]
fn only_a_plain_path_below_the_mount_point_is_taken() {
    let cases: [Case; 15] = [
        (b"/sys/fs/cgroup/a", Ok(b"/a")),
        (b"/sys/fs/cgroup/user.slice/..x/.y/sac", Ok(b"/user.slice/..x/.y/sac")),
        (b"", Err(PathFault::Outside)),
        (b"/", Err(PathFault::Outside)),
        (b"sys/fs/cgroup/a", Err(PathFault::Outside)),
        (b"/sys/fs/cgroup", Err(PathFault::Outside)),
        (b"/sys/fs/cgroup/", Err(PathFault::Outside)),
        (b"/sys/fs/cgroupx/a", Err(PathFault::Outside)),
        (b"/tmp/sys/fs/cgroup/a", Err(PathFault::Outside)),
        (b"/sys/fs/cgroup//a", Err(PathFault::Component)),
        (b"/sys/fs/cgroup/a/", Err(PathFault::Component)),
        (b"/sys/fs/cgroup/./a", Err(PathFault::Component)),
        (b"/sys/fs/cgroup/a/..", Err(PathFault::Component)),
        (b"/sys/fs/cgroup/../../../tmp/a", Err(PathFault::Component)),
        (b"/sys/fs/cgroup/a\0b", Err(PathFault::Nul)),
    ];
    for (path, wanted) in cases {
        assert_eq!(path_in_hierarchy(UNIFIED, path), wanted, "{}", String::from_utf8_lossy(path));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_path_that_is_taken_names_itself(path in "/sys/fs/cgroup[./a\0]{0,8}") {
        if let Ok(below) = path_in_hierarchy(UNIFIED, path.as_bytes()) {
            let normal: PathBuf = Path::new(&path).components().collect();
            prop_assert_eq!(normal.as_os_str(), path.as_str());
            prop_assert!(!path.contains("/../") && !path.ends_with("/.."));
            prop_assert_eq!([UNIFIED.mount_point.as_bytes(), below].concat(), path.as_bytes());
        }
    }
}
