// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who may ask: root, and members of one group, who may look.
//!
//! The name service is asked for the group's number on a thread of its own, when the daemon starts and when it is told to look again,
//! so that nobody waits for a directory service. Whether a peer is a member is the kernel's to say: it keeps with each connection
//! which user and groups the peer had when it connected.

use crate::{
    control::{Permission, READERS},
    daemon::follow,
    sys,
};
use nix::unistd::Group;
use std::{
    fs::{self, Permissions},
    io,
    os::{
        fd::AsFd as _,
        unix::{
            fs::{PermissionsExt as _, chown},
            net::UnixStream,
        },
    },
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender},
    },
};

/// Whoever is at the other end of a connection, as they were when they connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) pid: i32,
    pub(super) uid: u32,
    /// What they may do; nothing for `None`.
    pub(super) may: Option<Permission>,
}

/// Who may ask.
pub(crate) struct Access {
    /// The number of [`READERS`].
    group: Mutex<Option<u32>>,
    bell: SyncSender<()>,
}

impl Access {
    /// Root alone, and what tells the thread that [follows](Self::follow) the group to look now.
    pub(crate) fn for_root() -> (Self, Receiver<()>) {
        let (bell, rung) = follow::bell();
        (Self { group: Mutex::new(None), bell }, rung)
    }

    /// Looks the group up again, soon.
    pub(crate) fn look_again(&self) {
        // A bell that has rung already has rung enough.
        let _rings_already = self.bell.try_send(());
    }

    /// Keeps the socket at `path` open to the group: looks it up now, and each time that the bell is rung.
    pub(crate) fn follow(&self, path: &Path, rung: &Receiver<()>) -> io::Result<()> {
        let mut is_first = true;
        loop {
            match Group::from_name(READERS) {
                Ok(found) => self.let_in(path, found.map(|group| group.gid.as_raw()), is_first),
                Err(error) => tracing::error!(
                    %error,
                    "cannot look up the group {READERS}; who may ask stays as it was until `sac-loader reload`"
                ),
            }
            is_first = false;
            rung.recv().map_err(io::Error::other)?;
        }
    }

    /// Lets the group in; `None` for nobody but root. The log is told what has changed.
    fn let_in(&self, path: &Path, group: Option<u32>, is_first: bool) {
        let before = {
            let mut known = self.group.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, group)
        };
        if let Err(error) = hand_over(path, group) {
            tracing::error!(%error, "cannot give the socket for commands to the group {READERS}; only root may ask");
        }
        match group {
            _ if before == group && !is_first => {}
            Some(gid) => tracing::info!(gid, "members of the group {READERS} may look at sessions"),
            None => tracing::info!("there is no group {READERS}: only root may look at sessions"),
        }
    }

    /// Who is at the other end.
    pub(super) fn peer(&self, connection: &UnixStream) -> io::Result<Peer> {
        let peer = rustix::net::sockopt::socket_peercred(connection)?;
        let (uid, gid) = (peer.uid.as_raw(), peer.gid.as_raw());
        let readers = *self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let groups = if uid == 0 { Vec::new() } else { sys::peer_groups(connection.as_fd())? };
        Ok(Peer { pid: peer.pid.as_raw_nonzero().get(), uid, may: permission(uid, gid, &groups, readers) })
    }
}

/// What somebody may do who has these numbers.
pub(super) fn permission(uid: u32, gid: u32, groups: &[u32], readers: Option<u32>) -> Option<Permission> {
    if uid == 0 {
        return Some(Permission::Change);
    }
    let readers = readers?;
    (gid == readers || groups.contains(&readers)).then_some(Permission::Look)
}

/// Opens the socket to a group, or to its owner alone. It is closed to all others before its group changes.
pub(super) fn hand_over(path: &Path, group: Option<u32>) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let Some(group) = group else { return Ok(()) };
    chown(path, None, Some(group))?;
    fs::set_permissions(path, Permissions::from_mode(0o660))
}
