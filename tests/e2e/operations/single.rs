// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for single files and directories, of which the kernel half sees at a glance that they are not about a file that is opened.

use super::{EVERYONE, FAILED, LIST, PUT_BACK, tree_of};
use crate::fixture::{Fixture, equal};

/// No tree and no name: those are looked up for each file that is opened.
const SINGLE: &str = "policy: developers
applies_to: {groups: [developers]}
action: deny
files:
  deny:
    - {path: /srv/e2e/pins/key, operations: [read]}
    - {path: /srv/e2e/pins/entry, operations: [write]}
    - {path: /srv/e2e/pins/later, operations: [write]}
    - {directory: /srv/e2e/inbox, operations: [read]}
";

/// Command lines, in /srv/e2e, that the policy refuses, and that succeed without it. Root has made links in `free`.
const REFUSED: &[&str] = &[
    "cat pins/key",
    // By what the file is: nothing is about the directory.
    "cat free/to-key",
    "echo more >>free/to-entry",
    "exec 7<>free/to-entry",
    // By the directory: nothing is about the file, which was not there when the policy was loaded.
    "echo new >pins/later",
    "touch inbox/new; cat inbox/new",
    "cat inbox/a",
    "ls inbox/..; cd inbox && cat ./b",
    // Before 6.5 an overlay opens the files below it under its own paths.
    "unshare -rm sh -c 'mount -t overlay x -o lowerdir=/srv/e2e/pins:/usr/sbin free && cat free/key'",
    "unshare -rm sh -c 'mount --bind pins free && cat free/key'",
];

/// Command lines that it has nothing against.
const GRANTED: &[&str] = &[
    "echo more >>pins/key",
    "cat pins/entry free/to-entry pins/pin kept/a inbox/sub/a",
    "echo more >free/a; echo more >pins/pin; exec 7<>kept/a",
    "ls -R free kept pins >/dev/null",
];

/// Promise: such rules hold by what a file is and by where it is, also for files that come later, and for no others.
pub(super) fn single_files(fixture: &Fixture) -> anyhow::Result<()> {
    const LINKS: &str = "cd /srv/e2e-kept; ln pins/key free/to-key; ln pins/entry free/to-entry
        rm -rf /srv/e2e; cp -a . /srv/e2e";
    tree_of(fixture, "alice")?;
    fixture.root(&format!("{LINKS}; chown -R alice: /srv/e2e"))?;
    fixture.policies(&[("developers", SINGLE), ("default", EVERYONE)])?;
    let inside = |command: &&str| format!("cd /srv/e2e; {command}");
    let before = fixture.root(LIST)?;
    let statuses = |user: &str, commands: Vec<String>, status: i32| {
        let commands: Vec<_> = commands.iter().map(|command| (command.as_str(), status)).collect();
        fixture.statuses(user, &commands)
    };
    statuses("alice", REFUSED.iter().map(inside).collect(), FAILED)?;
    fixture.root("cd /srv/e2e; test ! -s pins/later; rm -f pins/later inbox/new")?;
    equal(fixture.root(LIST)?, before, "what had to stay")?;
    statuses("alice", GRANTED.iter().map(inside).collect(), 0)?;

    tree_of(fixture, "bob")?;
    fixture.root(&format!("{LINKS}; chown -R bob: /srv/e2e"))?;
    statuses("bob", REFUSED.iter().map(|command| format!("{PUT_BACK}; cd /srv/e2e; {command}")).collect(), 0)
}
