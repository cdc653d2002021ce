// SPDX-License-Identifier: MIT OR Apache-2.0
//! The techniques. Each is a shell snippet that runs in an empty directory of its own, with these in its environment:
//! `KIT` (what `own.py` has made, and the other programs of this directory), `JOB` (a command line that runs df outside of the
//! session and says when it is done), `SESSION` (the process that ends with the session), `KEPT` and `SECRET` (directories below
//! the trees that the policy is about), `PORT` (of `server.py`), `SELF` (ssh to this machine). What another process does for it
//! makes a file `pending` first, and `late` where it is done after the session.

mod copies;
mod elsewhere;
mod interpreters;
mod memory;
mod names;
mod operations;

use super::{Stop::Nothing, Technique, by};
use copies::{COPIES, DESCRIPTORS, RACES};
use elsewhere::{NAMESPACES, OUTSIDE};
use interpreters::{INTERPRETERS, SCRIPTS};
use memory::{LIBRARIES, MAPPINGS, MEMORY};
use names::{NAMES, OPTIONS, STARTERS, WORDS};
use operations::{CHANGES, CONNECTIONS, READS};

/// All techniques, by kind. What takes longest is begun first.
pub(super) const GROUPS: &[(&str, &[Technique])] = &[
    ("Having somebody else run it", OUTSIDE),
    ("Other names", NAMES),
    ("Words of the shell", WORDS),
    ("Programs that start programs", STARTERS),
    ("Pagers, editors, and options that name a program", OPTIONS),
    ("Interpreters", INTERPRETERS),
    ("Scripts", SCRIPTS),
    ("Descriptors", DESCRIPTORS),
    ("Copies", COPIES),
    ("Namespaces", NAMESPACES),
    ("The dynamic linker, and mapping by hand", MAPPINGS),
    ("Libraries of one's own", LIBRARIES),
    ("Machine code in no file", MEMORY),
    ("Races", RACES),
    ("Changing what has to stay", CHANGES),
    ("Reading what is secret", READS),
    ("Connecting", CONNECTIONS),
];

/// What works under the policy, too. `docs/threats.md` says so; whoever closes one of these moves it to its group.
pub(super) const OPEN: &[Technique] = &[by(
    "an interpreter that does the work itself",
    Nothing,
    r#"python3 -c 'import os; got = os.statvfs("/"); print("Filesystem     1K-blocks", got.f_blocks)'"#,
)];
