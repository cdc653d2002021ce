// SPDX-License-Identifier: MIT OR Apache-2.0
//! `confined_root`: what root in a session must not touch, so that the policy still holds after `sudo`.
//!
//! What has no path, such as bpf(2) or loading modules, is one entry, which the kernel half asks for. Here are the files and the
//! sockets. `docs/policy.md` says the same for people, and what stays open.
//!
//! The files are closed to privileged processes alone: users have to write below some of the places, such as in their own
//! cgroups and crontabs. So the files are held under [`Operation::Administer`], which
//! the kernel half asks in addition for each of [`CLOSED`] that a privileged process does.

use super::{Compiler, denies};
use crate::files::Files;
use crate::policy::{Rule, Subject};
use sac_abi::{Operation, RuleKey};
use std::borrow::Cow;
use std::path::Path;

/// What privileged processes may not do with [`PLACES`]. Reading is no way out.
pub(crate) const CLOSED: [Operation; 4] =
    [Operation::Delete, Operation::Rename, Operation::Write, Operation::Create];

/// What [`PLACES`] are held under.
const OPERATIONS: [Operation; 1] = [Operation::Administer];

/// Files, and directories with all that is below them. Each is held as a file is that a policy names: by what it is and by its
/// name in its directory, whether it is there or not.
pub(crate) const PLACES: [&str; 38] = [
    // SAC itself.
    "/etc/sac",
    "/run/sac",
    "/var/lib/sac",
    "/var/log/sac",
    "/usr/sbin/sac-loader",
    // Its PAM module, wherever libpam looks for modules on the distributions that we know.
    "/usr/lib/x86_64-linux-gnu/security/pam_sac.so",
    "/usr/lib/aarch64-linux-gnu/security/pam_sac.so",
    "/lib/x86_64-linux-gnu/security/pam_sac.so",
    "/lib/aarch64-linux-gnu/security/pam_sac.so",
    "/usr/lib64/security/pam_sac.so",
    "/lib64/security/pam_sac.so",
    "/usr/lib/security/pam_sac.so",
    // How people log in and become root.
    "/etc/pam.d",
    "/etc/ssh",
    "/root/.ssh",
    "/etc/sudoers",
    "/etc/sudoers.d",
    // The kernel's switches. With /sys come the file systems below it: cgroups, pinned BPF objects, tracing.
    "/sys",
    "/proc/sys",
    "/proc/sysrq-trigger",
    // Loaded into each program, also into those outside of the session.
    "/etc/ld.so.preload",
    // What systemd, cron and at start outside of the session.
    "/etc/systemd",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator",
    "/run/systemd/generator.early",
    "/run/systemd/generator.late",
    "/usr/lib/systemd",
    "/usr/local/lib/systemd",
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/anacrontab",
    "/var/spool/cron",
    "/var/spool/at",
];

/// Sockets of services that do for root what it asks. Not `/run/sac/pam.sock`, which the PAM stack of sudo in the session needs.
pub(crate) const SOCKETS: [&str; 13] = [
    "/run/sac/control.sock",
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
    "/run/udev/control",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/libvirt/libvirt-sock",
    "/run/snapd.socket",
    "/run/incus/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/lib/lxd/unix.socket",
];

/// The sockets that are other ones when their services start again: they are held by what they are alone, so a policy with
/// `confined_root` has to be compiled again then.
pub fn sockets_of_services() -> impl Iterator<Item = &'static Path> {
    // SAC binds its own before it compiles anything.
    SOCKETS.iter().map(Path::new).filter(|path| !path.starts_with("/run/sac"))
}

/// Whether a rule is that for root.
pub(super) fn confines_root(rule: &Rule) -> bool {
    rule.subject == Subject::Administration
}

impl<'p, F: Files> Compiler<'p, F> {
    /// The operations that a rule is held for. One that is an exception for any of [`CLOSED`] is one from `confined_root` as well.
    pub(super) fn held_for(&self, rule: &'p Rule) -> Cow<'p, [Operation]> {
        let is_exception = self.confines_root && rule.overrides && !denies(rule);
        if is_exception && rule.operations.iter().any(|operation| CLOSED.contains(operation)) {
            rule.operations.iter().copied().chain(OPERATIONS).collect()
        } else {
            Cow::Borrowed(&rule.operations)
        }
    }

    /// The rule for root in a session. It is not doubtful that a machine lacks some of the places, so nothing is told of those.
    pub(super) fn administration(&mut self, rule: &'p Rule) {
        self.hold(RuleKey::administration(), rule);
        for path in PLACES.map(Path::new) {
            let resolved = self.files.resolve(path).ok();
            self.hold_file(rule, &OPERATIONS, path, resolved.as_ref());
            if let Some(resolved) = resolved {
                self.hold_tree(rule, &OPERATIONS, &resolved);
            }
        }
        for socket in SOCKETS.map(Path::new) {
            if let Ok(found) = self.files.resolve(socket) {
                let inode = found.inode.of_any_generation();
                self.hold(RuleKey::inode(Operation::Administer, inode), rule);
            }
        }
    }
}
