// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fuzz targets reach: a login whose loader answers with anything. cargo-fuzz alone builds this, see `fuzz/pam_sac`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a fuzz target fails by panicking")]

use crate::args::{FailMode, Options};
use crate::cause::Cause;
use crate::cgroup::Hierarchy;
use crate::fake_loader::{Listener, descriptors, own_uid};
use crate::identity::{Account, Names};
use crate::open::{self, Login, Machine};
use crate::sys::filesystem;
use crate::text;
use pam::constants::PamResultCode;
use sac_abi::pam::OpenReply;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread;

/// The one cgroup that a session can be entered by.
const CGROUP: &str = "/a/b";

/// A directory that plays cgroupfs, with a cgroup inside and something outside that is to be left alone, and a loader's socket.
#[derive(Debug)]
pub struct Stage {
    directory: tempfile::TempDir,
    magic: i64,
}

impl Default for Stage {
    fn default() -> Self {
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        for cgroup in ["root/a/b", "root/a/c", "outside"] {
            let cgroup = directory.path().join(cgroup);
            fs::create_dir_all(&cgroup).unwrap();
            fs::write(cgroup.join("cgroup.procs"), "").unwrap();
        }
        let membership = directory.path().join("membership");
        fs::write(&membership, format!("0::{CGROUP}\n")).unwrap();
        let magic = filesystem::filesystem_magic(File::open(&membership).unwrap().as_fd()).unwrap();
        Self { directory, magic }
    }
}

impl Stage {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A packet that names the cgroup whose path below the mount point ends with `path`.
    #[must_use]
    pub fn names_cgroup(&self, path: &[u8]) -> Vec<u8> {
        let cgroup = [self.path("root").as_os_str().as_encoded_bytes(), path].concat();
        let reply = OpenReply::Enter { session: crate::fake_loader::SESSION, cgroup: &cgroup };
        let mut frame = [0; sac_abi::pam::FRAME_BYTES_MAX];
        reply.encode(&mut frame).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// Opens a session with a loader that answers with `packet`, and looks at what comes of it.
    pub fn open(&self, packet: &[u8]) {
        let before = descriptors();
        let cause = self.ask(packet);
        assert_eq!(
            descriptors(),
            before,
            "a descriptor was left open, or one too many was closed: {cause:?}"
        );
        for mode in [FailMode::Closed, FailMode::Open] {
            let line = text::line(&cause.line(b"alice", mode));
            assert!(line.len() <= text::LINE_BYTES_MAX);
            assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line:?}");
        }
        assert!(fs::read(self.path("outside/cgroup.procs")).unwrap().is_empty(), "{cause:?}");
        if cause.verdict(FailMode::Closed).code == PamResultCode::PAM_SUCCESS {
            self.is_meant(packet, &cause);
        }
    }

    fn ask(&self, packet: &[u8]) -> Cause {
        let socket = self.path("sock");
        let listener = Listener::bind(&socket, 1);
        let [mount_point, membership] = ["root", "membership"].map(|name| self.path(name));
        let hierarchy = Hierarchy {
            mount_point: mount_point.to_str().unwrap(),
            magic: self.magic,
            membership: membership.to_str().unwrap(),
        };
        let machine = Machine { names: &Ordinary, hierarchy, loader_uid: own_uid() };
        let options = Options { socket: socket.clone(), ..Options::default() };
        let login = Login { user: c"alice".into(), service: b"sshd".to_vec(), ..Login::default() };
        let cause = thread::scope(|scope| {
            let loader = scope.spawn(|| {
                let connection = listener.accept();
                connection.receive();
                // One that is longer than the socket takes is not sent, which is an answer as well.
                connection.try_send(packet);
            });
            let cause = open::open(&machine, &options, &login, &mut Vec::new());
            loader.join().unwrap();
            cause
        });
        fs::remove_file(socket).unwrap();
        cause
    }

    /// A login goes on where the loader has said so, and nowhere else.
    fn is_meant(&self, packet: &[u8], cause: &Cause) {
        match OpenReply::decode(packet) {
            Ok(OpenReply::Enter { cgroup, .. }) => {
                let wanted = [self.path("root").as_os_str().as_encoded_bytes(), CGROUP.as_bytes()].concat();
                assert_eq!(cgroup, wanted, "{cause:?}");
                assert_eq!(fs::read(self.path("root/a/b/cgroup.procs")).unwrap(), b"0");
            }
            Ok(OpenReply::Nested { .. } | OpenReply::Covered | OpenReply::Exempt) => {}
            refused => panic!("{cause:?} comes of {refused:?}"),
        }
    }
}

/// A name service that knows one ordinary user.
struct Ordinary;

impl Names for Ordinary {
    fn account(&self, _user: &CStr) -> io::Result<Option<Account>> {
        Ok(Some(Account { uid: 1000, gid: 1000 }))
    }

    fn group(&self, _group: &CStr) -> io::Result<Option<u32>> {
        Ok(None)
    }

    fn groups_of(&self, _user: &CStr, account: Account) -> io::Result<Vec<u32>> {
        Ok(vec![account.gid])
    }
}
