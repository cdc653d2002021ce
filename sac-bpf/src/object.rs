// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Files of the kernel as [`sac_abi::decide()`] sees them.

use crate::{
    kernel::{Dentry, File},
    maps::{Policy, PolicyRules, zero},
    text::TextBuffer,
};
use aya_ebpf::helpers::generated::bpf_loop;
use core::{ffi::c_void, mem::MaybeUninit};
use sac_abi::{
    Object, Rules, TextHash, TextLookup,
    decide::{DirectoryLookup, LEVELS_MAX, Search},
    hash::TEXT_BUFFER_BYTES,
    rule::InodeId,
};

/// A file that somebody wants to execute, or with `MAPPED` to map into a program that runs already. What is mapped goes by what it
/// is and by its name and directories: a path costs most to find out, and libraries are mapped by the dozen.
pub(crate) struct ExecutedFile<'b, const MAPPED: bool> {
    file: File,
    /// Whose scope it is in.
    owner: u32,
    /// The policy that is asked.
    policy: &'b Policy,
}

impl<'b, const MAPPED: bool> ExecutedFile<'b, MAPPED> {
    #[inline(always)]
    pub(crate) fn new(file: File, owner: u32, policy: &'b Policy) -> Self {
        Self { file, owner, policy }
    }
}

impl<const MAPPED: bool> Object for ExecutedFile<'_, MAPPED> {
    #[inline(always)]
    fn inode(&self) -> InodeId {
        self.file.inode().identity()
    }

    // Only the methods behind these ask for them.
    #[inline(always)]
    fn path(&mut self) -> TextLookup {
        TextLookup::Unreadable
    }

    #[inline(always)]
    fn name(&mut self) -> TextLookup {
        TextLookup::Unreadable
    }

    #[inline(always)]
    fn parent(&mut self) -> DirectoryLookup {
        DirectoryLookup::End
    }

    #[inline(always)]
    fn next_directory(&mut self) -> DirectoryLookup {
        DirectoryLookup::End
    }

    #[inline(always)]
    fn is_untrusted(&mut self) -> bool {
        self.file.inode().is_untrusted(self.owner)
    }

    #[inline(always)]
    fn identity(&mut self, _rules: &impl Rules, search: &mut Search) {
        look_at_identity(self.file, self.policy, search);
    }

    #[inline(always)]
    fn each_text(&mut self, _rules: &impl Rules, search: &mut Search) {
        if !MAPPED && search.wants_path() {
            let mut text = Text::NONE;
            look_at_path(self.file, &mut text);
            look_up_path(self.policy, search, &text);
        }
        if search.wants_name() {
            let mut text = Text::NONE;
            look_at_name(self.file.dentry(), &mut text);
            look_up_name(self.policy, search, &text);
        }
    }

    #[inline(always)]
    fn each_directory(&mut self, _rules: &impl Rules, search: &mut Search) {
        look_at_directories(self.file.dentry(), self.policy, search);
    }
}

/// A name in a directory, with what has it, if something has.
pub(crate) struct Entry<'b> {
    dentry: Dentry,
    name: &'b Text,
    policy: &'b Policy,
}

impl<'b> Entry<'b> {
    /// `name` is what [`look_at_name`] found for `dentry`.
    #[inline(always)]
    pub(crate) fn new(dentry: Dentry, name: &'b Text, policy: &'b Policy) -> Self {
        Self { dentry, name, policy }
    }
}

impl Object for Entry<'_> {
    #[inline(always)]
    fn inode(&self) -> InodeId {
        self.dentry.identity()
    }

    /// The hooks of operations on files cannot resolve paths; their policies have names in directories instead.
    #[inline(always)]
    fn path(&mut self) -> TextLookup {
        TextLookup::TooLong
    }

    #[inline(always)]
    fn name(&mut self) -> TextLookup {
        self.name.look_up()
    }

    /// The root of a file system is in itself here; no rule is about its name. A case more would leave a register undefined, which the
    /// verifier refuses.
    #[inline(always)]
    fn parent(&mut self) -> DirectoryLookup {
        DirectoryLookup::Known(self.dentry.parent().identity())
    }

    #[inline(always)]
    fn next_directory(&mut self) -> DirectoryLookup {
        DirectoryLookup::End
    }

    #[inline(always)]
    fn identity(&mut self, _rules: &impl Rules, search: &mut Search) {
        look_at_entry(self.dentry, self.policy, search);
    }

    #[inline(always)]
    fn each_text(&mut self, _rules: &impl Rules, search: &mut Search) {
        look_up_entry(self.dentry, self.policy, search, self.name);
    }

    #[inline(always)]
    fn each_directory(&mut self, _rules: &impl Rules, search: &mut Search) {
        look_at_directories(self.dentry, self.policy, search);
    }
}

/// The directory that something is in.
#[inline(always)]
fn parent_of(dentry: Dentry) -> DirectoryLookup {
    let parent = dentry.parent();
    if parent.is(dentry) { DirectoryLookup::End } else { DirectoryLookup::Known(parent.identity()) }
}

/// Looks at what the file is. It and those below are functions of their own, so that what they keep on the stack is there only
/// meanwhile.
#[inline(never)]
fn look_at_identity(file: File, policy: &Policy, search: &mut Search) {
    search.add_inode(&PolicyRules::new(policy), file.inode().identity());
}

/// As above, for what has a name, if something has.
#[inline(never)]
fn look_at_entry(dentry: Dentry, policy: &Policy, search: &mut Search) {
    search.add_inode(&PolicyRules::new(policy), dentry.identity());
}

/// A [`TextLookup`] as it goes from one function to another.
#[repr(C)]
pub(crate) struct Text {
    /// One of the constants here.
    kind: u64,
    hash: TextHash,
}

impl Text {
    const UNREADABLE: u64 = 0;
    const KNOWN: u64 = 1;
    const TOO_LONG: u64 = 2;

    /// Nothing is known yet.
    pub(crate) const NONE: Self = Self { kind: Self::UNREADABLE, hash: TextHash::NONE };

    /// What was found out. The verifier of 6.1 loses track of which kinds there can be in memory that another function has written: it
    /// may take one for the only one and remove the code for the others. So the kind is made unknown to it.
    #[inline(always)]
    fn look_up(&self) -> TextLookup {
        match self.kind.wrapping_add(zero()) {
            Self::KNOWN => TextLookup::Known(self.hash),
            Self::TOO_LONG => TextLookup::TooLong,
            _ => TextLookup::Unreadable,
        }
    }
}

/// Looks at where the file is.
#[inline(never)]
fn look_at_path(file: File, text: &mut Text) {
    const ENAMETOOLONG: i64 = 36;
    let mut place = MaybeUninit::uninit();
    let buffer = TextBuffer::cleared(&mut place);
    // SAFETY: the length is the buffer's.
    let result = unsafe { file.path(buffer.as_mut_ptr().cast(), TEXT_BUFFER_BYTES as u32) };
    // `bpf_d_path` says when a path does not fit, so one that fills the buffer is whole.
    if result > 0 {
        text.hash = buffer.hash(result as usize);
        text.kind = Text::KNOWN;
    } else if result == -ENAMETOOLONG {
        text.kind = Text::TOO_LONG;
    }
}

/// Looks at a file's own name.
#[inline(never)]
pub(crate) fn look_at_name(dentry: Dentry, text: &mut Text) {
    let mut place = MaybeUninit::uninit();
    let buffer = TextBuffer::cleared(&mut place);
    // SAFETY: the length is the buffer's.
    let result = unsafe { dentry.name(buffer.as_mut_ptr().cast(), TEXT_BUFFER_BYTES as u32) };
    // A name has at most 255 bytes, so one that fills the buffer is whole.
    if result > 0 {
        text.hash = buffer.hash(result as usize);
        text.kind = Text::KNOWN;
    }
}

#[inline(never)]
fn look_up_path(policy: &Policy, search: &mut Search, text: &Text) {
    search.add_path(&PolicyRules::new(policy), text.look_up());
}

#[inline(never)]
fn look_up_name(policy: &Policy, search: &mut Search, text: &Text) {
    search.add_name(&PolicyRules::new(policy), text.look_up());
}

#[inline(never)]
fn look_up_entry(dentry: Dentry, policy: &Policy, search: &mut Search, name: &Text) {
    let rules = PolicyRules::new(policy);
    search.add_name(&rules, name.look_up());
    let directory = DirectoryLookup::Known(dentry.parent().identity());
    search.add_entry(&rules, directory, name.look_up());
}

/// Looks at the directories that the file is in.
#[inline(never)]
fn look_at_directories(dentry: Dentry, policy: &Policy, search: &mut Search) {
    let mut cursor = Cursor { search, at: dentry, policy };
    // SAFETY: the callback takes such a cursor, which lives until the helper returns.
    let _looked_at = unsafe { bpf_loop(LEVELS_MAX + 1, up as *mut c_void, (&raw mut cursor).cast(), 0) };
}

/// What goes from one directory to the next. The verifier follows it through memory, so it is plain.
#[repr(C)]
struct Cursor<'b> {
    search: &'b mut Search,
    at: Dentry,
    policy: &'b Policy,
}

/// Looks at the directory that the last one is in; returns 1 to stop.
///
/// # Safety
///
/// `cursor` must be a [`Cursor`] that nobody else uses.
unsafe extern "C" fn up(_index: u32, cursor: *mut c_void) -> i64 {
    // SAFETY: `look_at_directories` passes its cursor, and nobody else uses it meanwhile.
    let cursor = unsafe { &mut *cursor.cast::<Cursor<'_>>() };
    let directory = parent_of(cursor.at);
    cursor.at = cursor.at.parent();
    i64::from(!cursor.search.add_directory(&PolicyRules::new(cursor.policy), directory))
}
