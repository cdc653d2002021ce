// SPDX-License-Identifier: MIT OR Apache-2.0
//! Of operations on files, and of connections.

use super::{ADDRESS, CONNECT, DECIDE, FILES, INQUIRY, KERNEL_FILE, Mutation, OPEN, SIFTING, without};
use crate::guest::Kernel;

pub(super) const FILE_QUESTIONS: &[Mutation] = &[
    without(
        "file_open",
        "opening files is not judged",
        OPEN,
        "enforce(try_file_open(file))",
        "{
        try_file_open(file);
        enforce(Action::Allow)
    }",
    ),
    without(
        "sieve-trees",
        "the sieve is asked also where it knows nothing of trees and names",
        OPEN,
        "scope.sifts(asked) && is_in_no_rule(file)",
        "is_in_no_rule(file)",
    ),
    without(
        "tree-itself",
        "a tree's own directory is not in it",
        DECIDE,
        "self.add_restriction(RuleValue::from_bits(bits), rules.zero());",
        "",
    ),
    without(
        "entry",
        "names in directories are not looked at, so that what is not there can be made",
        DECIDE,
        "self.add_file(rules, |inode| RuleKey::entry(operation, inode, name), directory, numbered);",
        "",
    ),
    without(
        "too-deep",
        "what lies deeper than is looked at is in no tree",
        DECIDE,
        "if search.is_at_top == 0 {",
        "if false {",
    ),
    without(
        "rename-read",
        "what may not be read can be moved away",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);",
        ".of_first(Operation::Write)
        .of_first(Operation::Delete);",
    ),
    without(
        "rename-write",
        "what may not be written can be moved away",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);",
        ".of_first(Operation::Read)
        .of_first(Operation::Delete);",
    ),
    without(
        "rename-delete",
        "what may not be deleted can be moved away",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_first(Operation::Delete);",
        ".of_first(Operation::Read)
        .of_first(Operation::Write);",
    ),
    without(
        "rename-rename",
        "what may not be renamed can be, to a free name",
        FILES,
        "AWAY.of_second(Operation::Create).of_first(Operation::Rename);",
        "AWAY.of_second(Operation::Create);",
    ),
    without(
        "rename-create",
        "something can be moved to where nothing may be created",
        FILES,
        "AWAY.of_second(Operation::Create).of_first(Operation::Rename);",
        "AWAY.of_first(Operation::Rename);",
    ),
    without(
        "rename-over",
        "something can be moved over what may not be written or deleted",
        FILES,
        "AWAY.of_second(Operation::Write).of_second(Operation::Delete).of_first(Operation::Rename);",
        "AWAY.of_first(Operation::Rename);",
    ),
    without(
        "link-read",
        "what may not be read can get another name",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);",
        ".of_first(Operation::Write)
        .of_second(Operation::Create);",
    ),
    without(
        "link-write",
        "what may not be written can get another name",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);",
        ".of_first(Operation::Read)
        .of_second(Operation::Create);",
    ),
    without(
        "link-create",
        "something can get a name where nothing may be created",
        FILES,
        ".of_first(Operation::Read)
        .of_first(Operation::Write)
        .of_second(Operation::Create);",
        ".of_first(Operation::Read)
        .of_first(Operation::Write);",
    ),
    without(
        "hidden",
        "a file that an overlay of one's own opens is taken for what its path says",
        INQUIRY,
        "if question & HIDDEN != 0 {",
        "if false {",
    )
    .on(Kernel::V6_1),
];

pub(super) const SIEVE: &[Mutation] = &[
    without(
        "sieve-file",
        "the sieve is asked about the directory alone",
        SIFTING,
        "!Grain::of_inode(file).is_held(&word) && !Grain::of_inode(directory).is_held(&word)",
        "{
        let _file = file;
        !Grain::of_inode(directory).is_held(&word)
    }",
    ),
    without(
        "sieve-directory",
        "the sieve is asked about the file alone",
        SIFTING,
        "!Grain::of_inode(file).is_held(&word) && !Grain::of_inode(directory).is_held(&word)",
        "{
        let _directory = directory;
        !Grain::of_inode(file).is_held(&word)
    }",
    ),
    without(
        "sieve-hidden",
        "the sieve is asked about a file by what its path says",
        OPEN,
        "dentry.is_of(inode) && falls_through",
        "falls_through",
    )
    .on(Kernel::V6_1),
];

pub(super) const FILE_HOOKS: &[Mutation] = &[
    hook!("inode_create", "creating files is not judged", FILES),
    hook!("inode_mkdir", "making directories is not judged", FILES),
    hook!("inode_mknod", "making pipes, sockets and devices is not judged", FILES),
    hook!("inode_symlink", "making symbolic links is not judged", FILES),
    hook!("inode_link", "making hard links is not judged", FILES),
    hook!("inode_unlink", "removing files is not judged", FILES),
    hook!("inode_rmdir", "removing directories is not judged", FILES),
    hook!("inode_rename", "renaming is not judged", FILES),
    hook!("inode_setattr_of_two", "changing size, owner and mode is not judged", FILES).on(Kernel::V6_1),
    hook!("inode_setattr_of_three", "changing size, owner and mode is not judged", FILES).on(Kernel::V6_12),
    hook!("inode_setxattr", "setting extended attributes is not judged", FILES),
    hook!("inode_removexattr", "removing extended attributes is not judged", FILES),
    hook!("inode_set_acl", "setting lists of permissions is not judged", FILES).on(Kernel::V6_12),
    hook!("inode_remove_acl", "removing lists of permissions is not judged", FILES).on(Kernel::V6_12),
    without(
        "emptied-when-opened",
        "a file can be emptied by opening it; the kernel also takes that for a change of its size",
        KERNEL_FILE,
        "if mode & FMODE_WRITE != 0 || flags & O_TRUNC != 0 {",
        "if mode & FMODE_WRITE != 0 {",
    )
    .also(KERNEL_FILE, "const ATTRIBUTES: u32 = 1 | 2 | 4 | 8;", "const ATTRIBUTES: u32 = 1 | 2 | 4;"),
];

pub(super) const CONNECTIONS: &[Mutation] = &[
    hook!("socket_connect", "connecting is not judged", CONNECT),
    hook!("socket_sendmsg", "sending to an address is not judged", CONNECT),
    without(
        "no-family",
        "an address of no family is not taken for one of the socket's",
        CONNECT,
        "let family = if given.family == AF_UNSPEC { or_else } else { given.family };",
        "let family = given.family;",
    ),
    without(
        "unspecified-v4",
        "0.0.0.0 is not taken for the machine itself",
        ADDRESS,
        "let address = if address == 0 { LOOPBACK } else { address };",
        "",
    ),
    without(
        "unspecified-v6",
        "the unspecified IPv6 address is not taken for the machine itself",
        ADDRESS,
        "let low = if high == 0 && low == 0 { 1 } else { low };",
        "",
    ),
    without(
        "mapped-v4",
        "an IPv4 address in an IPv6 one is not taken for the former",
        ADDRESS,
        "if high == 0 && low >> 32 == 0xffff {",
        "if false {",
    ),
];
