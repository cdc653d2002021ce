// SPDX-License-Identifier: MIT OR Apache-2.0
//! The name service: users and groups, through the C library and whatever `/etc/nsswitch.conf` names.
//!
//! Such a call may ask a server and wait for it; neither its time nor its buffers can be bounded from outside without a
//! thread or a signal, so only the buffers are. By the time a session opens, the program that loaded the module has made
//! the same call for the same user, so the answer is usually cached.

use crate::identity::{Account, Names};
use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// First buffer for an entry, in bytes.
const ENTRY_BYTES: usize = 4096;
/// Largest buffer for an entry, in bytes: a group entry lists its members.
const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// First room for a user's groups.
const GROUPS: usize = 256;
/// Most groups that a user can be in: `NGROUPS_MAX`, `include/uapi/linux/limits.h`.
const GROUPS_MAX: usize = 65536;
/// How often a lookup that a signal interrupted is made again.
const INTERRUPTS_MAX: u32 = 8;

/// The system's own name service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameService;

impl Names for NameService {
    fn account(&self, user: &CStr) -> io::Result<Option<Account>> {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        lookup(|buffer, buffer_bytes| {
            let mut found = ptr::null_mut();
            // SAFETY: the name ends in NUL, the entry, the buffer of that length and the result are ours and outlive
            // the call. The standard library knows no users.
            let error = unsafe {
                libc::getpwnam_r(user.as_ptr(), entry.as_mut_ptr(), buffer, buffer_bytes, &raw mut found)
            };
            (error, found.is_null())
        })
        .map(|found| {
            found.map(|()| {
                // SAFETY: the lookup found the entry, so it is filled; only its numbers are read.
                let entry = unsafe { entry.assume_init() };
                Account { uid: entry.pw_uid, gid: entry.pw_gid }
            })
        })
    }

    fn group(&self, group: &CStr) -> io::Result<Option<u32>> {
        let mut entry = MaybeUninit::<libc::group>::uninit();
        lookup(|buffer, buffer_bytes| {
            let mut found = ptr::null_mut();
            // SAFETY: as in `account`.
            let error = unsafe {
                libc::getgrnam_r(group.as_ptr(), entry.as_mut_ptr(), buffer, buffer_bytes, &raw mut found)
            };
            (error, found.is_null())
        })
        .map(|found| {
            found.map(|()| {
                // SAFETY: the lookup found the entry, so it is filled; only its number is read.
                let entry = unsafe { entry.assume_init() };
                entry.gr_gid
            })
        })
    }

    fn groups_of(&self, user: &CStr, account: Account) -> io::Result<Vec<u32>> {
        let mut room = GROUPS;
        loop {
            let mut groups = vec![0_u32; room];
            let mut count = c_int::try_from(room).map_err(io::Error::other)?;
            // SAFETY: the name ends in NUL, and there is room for `count` numbers.
            let result = unsafe {
                libc::getgrouplist(user.as_ptr(), account.gid, groups.as_mut_ptr(), &raw mut count)
            };
            if result >= 0 {
                groups.truncate(usize::try_from(count).map_err(io::Error::other)?);
                return Ok(groups);
            }
            if room >= GROUPS_MAX {
                return Err(io::Error::from_raw_os_error(libc::ERANGE));
            }
            // The count it leaves is what it needs, but some sources leave it as it was.
            room = usize::try_from(count).unwrap_or(0).max(2 * room).min(GROUPS_MAX);
        }
    }
}

/// Makes a lookup with growing buffers. `Some` where `call` found an entry.
fn lookup(mut call: impl FnMut(*mut c_char, usize) -> (c_int, bool)) -> io::Result<Option<()>> {
    let mut buffer: Vec<c_char> = vec![0; ENTRY_BYTES];
    let mut interrupts = 0;
    loop {
        match call(buffer.as_mut_ptr(), buffer.len()) {
            (0, false) => return Ok(Some(())),
            // getpwnam_r(3): sources differ in how they say that there is no such entry.
            (0, true) | (libc::ENOENT | libc::ESRCH, _) => return Ok(None),
            (libc::ERANGE, _) if buffer.len() < ENTRY_BYTES_MAX => buffer.resize(4 * buffer.len(), 0),
            (libc::EINTR, _) if interrupts < INTERRUPTS_MAX => interrupts += 1,
            (error, _) => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}
