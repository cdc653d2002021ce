// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel says about links: which LSM hooks hold cgroup programs, ours and everybody's.
//!
//! aya shows neither a link's cgroup nor a program's hook, so this asks the `bpf` system call itself.

use std::{
    collections::BTreeSet,
    ffi::CString,
    io, mem,
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

/// How many LSM hooks can hold cgroup programs at a time, machine-wide (`CGROUP_LSM_NUM`, include/linux/bpf-cgroup-defs.h).
pub(crate) const LSM_CGROUP_SLOTS: usize = 10;

const BPF_OBJ_PIN: u32 = 6;
const BPF_OBJ_GET: u32 = 7;
const BPF_PROG_GET_FD_BY_ID: u32 = 13;
const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
const BPF_LINK_GET_FD_BY_ID: u32 = 30;
const BPF_LINK_GET_NEXT_ID: u32 = 31;
const BPF_LSM_CGROUP: u32 = 43;
const BPF_LINK_TYPE_CGROUP: u32 = 3;

/// The LSM hooks that cgroup programs are attached to, as ids of the hooks in the kernel's BTF.
pub(crate) struct CgroupLsmHooks(BTreeSet<u32>);

impl CgroupLsmHooks {
    /// Asks the kernel.
    ///
    /// # Errors
    ///
    /// Where the caller may not look (`EPERM`).
    pub(crate) fn read() -> io::Result<Self> {
        let mut hooks = BTreeSet::new();
        let mut id = 0;
        while let Some(next) = next_link(id)? {
            id = next;
            // A link that goes away while we look is none that we need to know.
            let Some(link) = gone_is_none(open(BPF_LINK_GET_FD_BY_ID, id))? else { continue };
            let info: LinkInfo = info(link.as_fd())?;
            if info.kind != BPF_LINK_TYPE_CGROUP || info.attach_type != BPF_LSM_CGROUP {
                continue;
            }
            let Some(program) = gone_is_none(open(BPF_PROG_GET_FD_BY_ID, info.program_id))? else { continue };
            let program: ProgramInfo = self::info(program.as_fd())?;
            hooks.insert(program.attach_btf_id);
        }
        Ok(Self(hooks))
    }

    /// Hooks by their ids, see [`super::KernelBtf::hook_ids`].
    #[cfg(test)]
    pub(crate) fn from_ids(ids: impl IntoIterator<Item = u32>) -> Self {
        Self(ids.into_iter().collect())
    }

    /// How many hooks are taken.
    pub(crate) fn taken(&self) -> usize {
        self.0.len()
    }

    /// Whether programs are on this hook already; another one can then be attached to it in any case.
    pub(crate) fn contains(&self, hook_id: u32) -> bool {
        self.0.contains(&hook_id)
    }
}

/// `struct bpf_link_info`, as far as it is needed here.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct LinkInfo {
    kind: u32,
    id: u32,
    program_id: u32,
    reserved: u32,
    cgroup_id: u64,
    attach_type: u32,
    reserved2: u32,
}

/// `struct bpf_prog_info`, as far as it is needed here.
#[derive(Clone, Copy)]
#[repr(C)]
struct ProgramInfo {
    before: [u8; 220],
    attach_btf_object_id: u32,
    attach_btf_id: u32,
    behind: u32,
}

impl Default for ProgramInfo {
    fn default() -> Self {
        Self { before: [0; 220], attach_btf_object_id: 0, attach_btf_id: 0, behind: 0 }
    }
}

/// A type that the kernel may fill with any bytes.
///
/// # Safety
///
/// Only integers, no padding.
unsafe trait Info: Copy + Default {}

// SAFETY: integers, padding spelt out.
unsafe impl Info for LinkInfo {}
// SAFETY: as above.
unsafe impl Info for ProgramInfo {}

/// `union bpf_attr` of the commands that take or give an id.
#[repr(C)]
struct IdAttr {
    id: u32,
    next_id: u32,
    open_flags: u32,
}

/// `union bpf_attr` of `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct InfoAttr {
    fd: u32,
    info_bytes: u32,
    info: *mut libc::c_void,
}

/// `union bpf_attr` of `BPF_OBJ_GET` and `BPF_OBJ_PIN`.
#[repr(C)]
struct PinAttr {
    path: *const libc::c_char,
    fd: u32,
    file_flags: u32,
}

/// The id of the link that follows `id`; `None` behind the last one.
fn next_link(id: u32) -> io::Result<Option<u32>> {
    let mut attr = IdAttr { id, next_id: 0, open_flags: 0 };
    // SAFETY: the command takes these attributes.
    let result = unsafe { bpf(BPF_LINK_GET_NEXT_ID, &mut attr) };
    Ok(gone_is_none(result)?.map(|_zero| attr.next_id))
}

fn open(command: u32, id: u32) -> io::Result<OwnedFd> {
    let mut attr = IdAttr { id, next_id: 0, open_flags: 0 };
    // SAFETY: both commands that come here take these attributes.
    let fd = unsafe { bpf(command, &mut attr) }?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn gone_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn info<T: Info>(of: BorrowedFd<'_>) -> io::Result<T> {
    let mut info = T::default();
    let mut attr = InfoAttr {
        fd: u32::try_from(of.as_raw_fd()).map_err(io::Error::other)?,
        info_bytes: u32::try_from(mem::size_of::<T>()).map_err(io::Error::other)?,
        info: (&raw mut info).cast(),
    };
    // SAFETY: the command takes these attributes; the kernel fills at most as many bytes of `info` as it has, and any
    // bytes are a valid `T`.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr) }?;
    Ok(info)
}

/// # Safety
///
/// `A` must be what the kernel expects with `command`, and what it points to must be as large as it says.
unsafe fn bpf<A>(command: u32, attr: &mut A) -> io::Result<i32> {
    // SAFETY: by the contract of this function; the kernel takes attributes of any length that it knows.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, mem::size_of::<A>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(result).map_err(io::Error::other) }
}

/// What attaches a program to a cgroup.
pub(super) struct CgroupLink {
    /// The cgroup's id; 0 when it has gone.
    pub(super) cgroup_id: u64,
    /// The kernel's number of the program.
    pub(super) program_id: u32,
}

/// What is pinned at `pin`, which is a link to a cgroup.
///
/// # Errors
///
/// Where there is no pin of a link.
pub(super) fn pinned_link(pin: &Path) -> io::Result<CgroupLink> {
    let link = pinned(pin)?;
    let LinkInfo { cgroup_id, program_id, .. } = info(link.as_fd())?;
    Ok(CgroupLink { cgroup_id, program_id })
}

/// What is pinned at `pin`, whatever it is.
///
/// # Errors
///
/// Where nothing is.
fn pinned(pin: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(pin.as_os_str().as_bytes())?;
    let mut attr = PinAttr { path: path.as_ptr(), fd: 0, file_flags: 0 };
    // SAFETY: the command takes these attributes, and the path lives until it returns.
    let fd = unsafe { bpf(BPF_OBJ_GET, &mut attr) }?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Pins what is pinned at `pin` at `another` as well.
///
/// # Errors
///
/// Where nothing is pinned at the one, or something stands at the other.
pub(super) fn pin_at(pin: &Path, another: &Path) -> io::Result<()> {
    let object = pinned(pin)?;
    let fd = u32::try_from(object.as_raw_fd()).map_err(io::Error::other)?;
    let path = CString::new(another.as_os_str().as_bytes())?;
    let mut attr = PinAttr { path: path.as_ptr(), fd, file_flags: 0 };
    // SAFETY: the command takes these attributes, and the path lives until it returns.
    unsafe { bpf(BPF_OBJ_PIN, &mut attr) }.map(drop)
}
