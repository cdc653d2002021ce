// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for operations: files, connections, programs that are mapped or are the user's own, and executable memory.

mod connections;
mod single;
mod untrusted;

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, KILLED, equal, holds, lacks},
};
use anyhow::{Context as _, ensure};
use std::{fmt::Write as _, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("files", files),
    ("single_files", single::single_files),
    ("files_by_system_calls", files_by_system_calls),
    ("directories_above_stay", directories_above_stay),
    ("outside_of_the_session", outside_of_the_session),
    ("mapping_a_denied_program", mapping_a_denied_program),
    ("connections", connections::connections),
    ("connections_by_default", connections::connections_by_default),
    ("what_is_told_and_recorded", what_is_told_and_recorded),
    ("untrusted", untrusted::untrusted),
    ("each_reason_to_be_untrusted", untrusted::each_reason_to_be_untrusted),
    ("executable_memory", untrusted::executable_memory),
];

pub(crate) const EVERYONE: &str = "policy: default\napplies_to: everyone\n";

/// Exit statuses: of coreutils for what was refused, of a shell for a program that it could not execute, and for a child that was
/// killed.
const FAILED: i32 = 1;
const PERMISSION_DENIED: i32 = 126;
const SEGMENTATION_FAULT: i32 = 139;

/// Error numbers that programs get.
pub(crate) const EACCES: i32 = 13;
const ECONNREFUSED: i32 = 111;

/// Makes the files that the rules are about, once as they are and once to be put back; everybody may do everything with them.
const TREE: &str = "rm -rf /srv/e2e /srv/e2e-kept; mkdir -p /srv/e2e /srv/e2e-kept; cd /srv/e2e-kept
mkdir -p kept/sub/deep kept/empty kept/tmp inbox/sub free pins hidden/sub outer/inner log
for f in kept/{a,b,c,journal} kept/sub/{a,b} kept/sub/deep/a kept/tmp/{a,b,c,d} inbox/{a,b} inbox/sub/a free/{a,b,c,d,e} \
    pins/{key,pin,entry} hidden/{a,sub/a} outer/inner/{a,b} log/a; do echo content >$f; done
ln -s ../kept free/link; ln -s ../kept/a free/to-a
python3 -c 'import os; os.setxattr(\"kept/b\", \"user.e2e\", b\"x\")'
cp -a . /srv/e2e; chmod -R a+rwX /srv/e2e /srv/e2e-kept";

/// Puts everything back, by somebody who may.
const PUT_BACK: &str = "cd / && rm -rf /srv/e2e/* && cp -a /srv/e2e-kept/. /srv/e2e 2>/dev/null; cd";

/// What the files are: names, kinds, modes, links and contents.
const LIST: &str = "cd /srv/e2e; find kept inbox pins hidden outer ! -path 'kept/tmp*' ! -path inbox/sub/a \
    -printf '%p %y %m %n %l\\n' | sort; find kept inbox pins hidden outer ! -path 'kept/tmp*' -type f | sort | xargs grep .";

const FILES: &str = "policy: developers
applies_to: {groups: [developers]}
action: deny
files:
  deny:
    - {tree: /srv/e2e/kept, operations: [delete, rename, write, create]}
    - {directory: /srv/e2e/inbox, operations: [delete]}
    - {path: /srv/e2e/pins/key, operations: [read]}
    - {path: /srv/e2e/pins/pin, operations: [rename]}
    - {path: /srv/e2e/pins/entry, operations: [write]}
    - {path: /srv/e2e/pins/new, operations: [create]}
    - {name: .rhosts, operations: [create, write]}
    - {tree: /srv/e2e/hidden, operations: [read]}
  allow:
    - {tree: /srv/e2e/kept/tmp, operations: [delete, rename, write, create], override: true}
    - {path: /srv/e2e/kept/journal, operations: [write], override: true}
";

/// Command lines, in /srv/e2e, that a policy refuses with this status, and that succeed without it.
const REFUSED: &[(&str, i32)] = &[
    // Delete.
    ("rm -f kept/a", FAILED),
    ("rm -rf kept/sub", FAILED),
    ("rm -f kept/sub/deep/a", FAILED),
    ("unlink kept/sub/a", FAILED),
    ("rmdir kept/empty", FAILED),
    ("find kept/sub -name a -delete", FAILED),
    ("perl -e 'exit !unlink \"kept/a\"'", FAILED),
    ("rm -f inbox/a", FAILED),
    ("cd kept/sub && rm -f ../sub/../a", FAILED),
    ("rm -f free/link/a", FAILED),
    ("exec 7<kept; rm -f /proc/self/fd/7/a", FAILED),
    ("cd kept; rm -f /proc/self/cwd/a", FAILED),
    ("rm -f /proc/self/root/srv/e2e/kept/a", FAILED),
    ("unshare -rm sh -c 'mount --bind kept free && rm -f free/a'", FAILED),
    ("unshare -rm /usr/sbin/chroot / rm -f /srv/e2e/kept/a", FAILED),
    // Rename: away, within, into, over; a directory, the tree itself.
    ("mv kept/a free/new", FAILED),
    ("mv kept/a kept/new", FAILED),
    ("mv kept/sub free/new", FAILED),
    ("mv kept moved", FAILED),
    ("mv free/a kept/new", FAILED),
    ("mv -f free/a kept/a", FAILED),
    ("mv -f free/a inbox/a", FAILED),
    ("mv pins/pin pins/new-name", FAILED),
    ("mv pins/pin free/new", FAILED),
    // To move something away is to delete and to write it as well.
    ("mv inbox/a free/new", FAILED),
    ("mv pins/entry free/new", FAILED),
    // Write.
    (": >kept/a", FAILED),
    ("echo more >>kept/a", FAILED),
    ("truncate -s 0 kept/sub/a", FAILED),
    ("cp free/a kept/a", FAILED),
    ("dd if=free/a of=kept/a conv=notrunc", FAILED),
    ("tee kept/a <free/a", FAILED),
    ("sed -i s/content/other/ kept/a", 4),
    ("chmod 600 kept/a", FAILED),
    ("chmod 700 kept", FAILED),
    ("echo more >>free/to-a", FAILED),
    ("echo more >pins/entry", FAILED),
    // A link is another way to the same file.
    ("ln kept/a free/new && echo more >free/new", FAILED),
    ("ln pins/key free/new && cat free/new", FAILED),
    // Create.
    ("touch kept/new", FAILED),
    ("mkdir kept/new", FAILED),
    // What lies deeper than is looked at could be in any tree.
    ("mkdir -p free/deep$(printf '/d%.0s' {1..60})", FAILED),
    ("mkfifo kept/sub/new", FAILED),
    ("mknod kept/new p", FAILED),
    ("ln -s a kept/new", FAILED),
    ("ln free/a kept/new", FAILED),
    ("cp free/a kept/sub/new", FAILED),
    ("tar c free | tar x -C kept", 2),
    ("touch pins/new", FAILED),
    ("touch free/.rhosts", FAILED),
    ("mv free/a free/.rhosts", FAILED),
    ("ln free/a free/.rhosts", FAILED),
    // Read.
    ("cat pins/key", FAILED),
    ("read -r line <pins/key", FAILED),
    ("cp pins/key free/new", FAILED),
    ("cat hidden/a", FAILED),
    ("cat hidden/sub/a", FAILED),
    // Before 6.5 an overlay opens the files below it under its own paths.
    (
        "unshare -rm sh -c 'mount -t overlay x -o lowerdir=/srv/e2e/hidden:/usr/sbin free && cat free/a'",
        FAILED,
    ),
    ("ls hidden", 2),
    ("ls hidden/sub", 2),
    ("mv hidden/a free/new && cat free/new", FAILED),
    ("mv hidden free/new && cat free/new/a", FAILED),
];

/// Command lines that the policy has nothing against, each on files of its own.
const GRANTED: &[&str] = &[
    "cat kept/a kept/sub/deep/a",
    "ls -lR kept",
    "rm kept/tmp/a",
    "mv kept/tmp/b kept/tmp/moved",
    "echo more >kept/tmp/c; touch kept/tmp/new; mkdir kept/tmp/newdir",
    "mv kept/tmp/d free/from-tmp",
    "echo more >>kept/journal",
    "rm inbox/sub/a",
    "touch inbox/new && rm -f free/b",
    "cat pins/pin",
    "echo new >>pins/key",
    "cat pins/entry",
    "stat hidden/a",
    "rm free/c; mv free/d free/moved; echo more >free/e",
];

/// Prepares the files for `user`, who owns them then.
fn tree_of(fixture: &Fixture, user: &str) -> anyhow::Result<()> {
    fixture.root(&format!("{TREE}; chown -R {user}: /srv/e2e")).map(drop)
}

/// Promise: each operation is held, by whatever program, path and kind of rule; what the rules do not name goes on; and somebody
/// without the policy can do all of it.
fn files(fixture: &Fixture) -> anyhow::Result<()> {
    tree_of(fixture, "alice")?;
    fixture.policies(&[("developers", FILES), ("default", EVERYONE)])?;
    let inside = |command: &str| format!("cd /srv/e2e; {command}");
    let before = fixture.root(LIST)?;
    let refused: Vec<_> = REFUSED.iter().map(|(command, status)| (inside(command), *status)).collect();
    let refused: Vec<_> = refused.iter().map(|(command, status)| (command.as_str(), *status)).collect();
    fixture.statuses("alice", &refused)?;
    equal(fixture.root(LIST)?, before, "what had to stay")?;
    let granted: Vec<_> = GRANTED.iter().map(|command| (inside(command), 0)).collect();
    let granted: Vec<_> = granted.iter().map(|(command, status)| (command.as_str(), *status)).collect();
    fixture.statuses("alice", &granted)?;
    let content = fixture.root("cat /srv/e2e/kept/journal; ls /srv/e2e/kept/tmp")?;
    equal(content.as_str(), "content\nmore\nc\nmoved\nnew\nnewdir\n", "what was allowed")?;

    tree_of(fixture, "bob")?;
    let free: Vec<_> =
        REFUSED.iter().map(|(command, _)| format!("{PUT_BACK}; cd /srv/e2e; {command}")).collect();
    let free: Vec<_> = free.iter().map(|command| (command.as_str(), 0)).collect();
    fixture.statuses("bob", &free)
}

/// Python statements, in /srv/e2e, that a policy refuses; without it they work.
const CALLS: &[&str] = &[
    "os.unlink('kept/a')",
    "os.unlink('a', dir_fd=os.open('kept', os.O_RDONLY))",
    "os.rmdir('kept/empty')",
    "os.rename('kept/a', 'free/new')",
    "os.replace('free/a', 'kept/a')",
    "os.rename('kept', 'moved')",
    // RENAME_EXCHANGE, either way round, and RENAME_NOREPLACE.
    "call(libc.renameat2, -100, b'free/a', -100, b'kept/a', 2)",
    "call(libc.renameat2, -100, b'kept/a', -100, b'free/a', 2)",
    "call(libc.renameat2, -100, b'kept/a', -100, b'free/new', 1)",
    "os.open('kept/a', os.O_WRONLY)",
    "os.open('kept/a', os.O_RDWR)",
    "os.open('kept/a', os.O_RDONLY | os.O_TRUNC)",
    "os.open('kept/a', os.O_WRONLY | os.O_APPEND)",
    "os.open('/proc/self/fd/%d' % os.open('kept/a', os.O_PATH), os.O_WRONLY)",
    "os.open('/proc/self/fd/%d' % os.open('kept/a', os.O_RDONLY), os.O_WRONLY)",
    "os.truncate('kept/a', 0)",
    "os.chmod('kept/a', 0o600)",
    "os.fchmod(os.open('kept/a', os.O_RDONLY), 0o600)",
    "os.chown('kept/a', os.getuid(), os.getgid())",
    "os.setxattr('kept/a', 'user.e2e', b'x')",
    "os.removexattr('kept/b', 'user.e2e')",
    "os.setxattr('kept/a', 'system.posix_acl_access', acl)",
    "os.removexattr('kept/a', 'system.posix_acl_access')",
    "os.link('kept/a', 'free/new')",
    "call(libc.linkat, -100, b'/proc/self/fd/%d' % os.open('kept/a', os.O_RDONLY), -100, b'free/new', 0x400)",
    "os.open('kept/new', os.O_CREAT | os.O_WRONLY)",
    "os.open('kept/new', os.O_CREAT | os.O_RDONLY)",
    "os.mkdir('kept/new')",
    "os.mkfifo('kept/new')",
    "os.mknod('kept/new')",
    "os.symlink('a', 'kept/new')",
    "os.link('free/a', 'kept/new')",
    "os.rename('free/a', 'kept/new')",
    "socket.socket(socket.AF_UNIX).bind('kept/new')",
    "os.open('pins/key', os.O_RDONLY)",
    "os.open('pins/key', os.O_RDWR)",
    "os.open('/proc/self/fd/%d' % os.open('pins/key', os.O_PATH), os.O_RDONLY)",
    "os.listdir('hidden')",
    "os.open('hidden/sub/a', os.O_RDONLY)",
];

/// What the statements are run by; each prints the number of its error, or 0.
pub(crate) const CALLER: &str = "import ctypes, os, socket, struct, subprocess
libc = ctypes.CDLL(None, use_errno=True)
# A list of permissions, acl(5), that says no more than a mode does: version 2, then kind, permissions and id of each entry.
acl = struct.pack('<I' + 3 * 'HHI', 2, 1, 6, 2 ** 32 - 1, 4, 6, 2 ** 32 - 1, 32, 4, 2 ** 32 - 1)
def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), '')
def attempt(before, statement):
    before()
    try:
        exec(statement, globals())
        print('errno=0')
    except OSError as error:
        print(f'errno={error.errno}')
";

/// Has `user` run python statements in one process, with `before` ahead of each, and gives the numbers of their errors.
fn errors(
    fixture: &Fixture,
    user: &str,
    directory: &str,
    before: &str,
    statements: &[&str],
) -> anyhow::Result<Vec<i32>> {
    let mut program = CALLER.to_owned();
    writeln!(program, "def before():\n    {before}\n    os.chdir({directory:?})")?;
    attempts(fixture, user, "python3 -", program, statements)
}

/// Has `user` run statements by the command line `python`, after a program that begins with [`CALLER`] and defines `before`.
pub(crate) fn attempts(
    fixture: &Fixture,
    user: &str,
    python: &str,
    mut program: String,
    statements: &[&str],
) -> anyhow::Result<Vec<i32>> {
    for statement in statements {
        writeln!(program, "attempt(before, {statement:?})")?;
    }
    let output = fixture.ssh(user).stdin(program).run(python)?;
    let numbers = output.stdout.lines().filter_map(|line| line.strip_prefix("errno=")?.parse().ok());
    let numbers: Vec<i32> = numbers.collect();
    ensure!(numbers.len() == statements.len(), "not all statements were tried: {output:?}");
    Ok(numbers)
}

/// Wants one number of each statement.
pub(crate) fn each(numbers: &[i32], statements: &[&str], wanted: i32, user: &str) -> anyhow::Result<()> {
    let wrong: Vec<_> = statements.iter().zip(numbers).filter(|(_, number)| **number != wanted).collect();
    ensure!(wrong.is_empty(), "{user}: wanted error {wanted} of all, got {wrong:#?}");
    Ok(())
}

/// Promise: each system call that does an operation gets `EACCES` for it, and works without the policy.
fn files_by_system_calls(fixture: &Fixture) -> anyhow::Result<()> {
    tree_of(fixture, "alice")?;
    fixture.policies(&[("developers", FILES), ("default", EVERYONE)])?;
    let before = fixture.root(LIST)?;
    each(&errors(fixture, "alice", "/srv/e2e", "pass", CALLS)?, CALLS, EACCES, "alice")?;
    equal(fixture.root(LIST)?, before, "what had to stay")?;
    tree_of(fixture, "bob")?;
    let put_back = format!("os.chdir('/'); subprocess.run({PUT_BACK:?}, shell=True)");
    each(&errors(fixture, "bob", "/srv/e2e", &put_back, CALLS)?, CALLS, 0, "bob")
}

/// Threat: the directories above what a rule names are moved, so that its path would lead nowhere when the policies are next looked
/// up. What takes the place of a tree is held soon.
fn directories_above_stay(fixture: &Fixture) -> anyhow::Result<()> {
    const MOVES: &[&str] = &[
        "os.rename('outer', 'away')",
        "os.rename('outer', 'free/away')",
        "os.rename('outer/inner', 'free/away')",
        "os.rename('log', 'free/away')",
        "call(libc.renameat2, -100, b'outer', -100, b'free', 2)",
        "call(libc.renameat2, -100, b'free', -100, b'log', 2)",
        "os.unlink('outer/inner/a')",
        "os.open('log/a', os.O_WRONLY)",
    ];
    tree_of(fixture, "alice")?;
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
files:
  deny:
    - {tree: /srv/e2e/outer/inner, operations: [delete]}
    - {path: /srv/e2e/log/a, operations: [write]}
";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    each(&errors(fixture, "alice", "/srv/e2e", "pass", MOVES)?, MOVES, EACCES, "alice")?;
    // Beside them everything can be moved.
    fixture
        .statuses("alice", &[("mv /srv/e2e/free /srv/e2e/moved; mv /srv/e2e/kept /srv/e2e/moved/kept", 0)])?;
    // An administrator puts another tree there, and the service looks the path up again.
    fixture.root(
        "cd /srv/e2e; mv outer away; mkdir -p outer/inner; touch outer/inner/new; chmod -R a+rwX outer",
    )?;
    let held = "rm -f /srv/e2e/outer/inner/new; echo status=$?";
    wait_until("the new tree being held", Duration::from_secs(20), || {
        let tried = fixture.run("alice", held)?.stdout;
        fixture.root("touch /srv/e2e/outer/inner/new")?;
        Ok(tried.contains("status=1").then_some(()))
    })?;
    tree_of(fixture, "bob")?;
    let put_back = format!("os.chdir('/'); subprocess.run({PUT_BACK:?}, shell=True)");
    each(&errors(fixture, "bob", "/srv/e2e", &put_back, MOVES)?, MOVES, 0, "bob")
}

/// Threat: the user's own service manager does it, or has PID 1 move the shell out of the session.
fn outside_of_the_session(fixture: &Fixture) -> anyhow::Result<()> {
    const MOVE: &str = "busctl --user --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 \
        org.freedesktop.systemd1.Manager StartTransientUnit 'ssa(sv)a(sa(sv))' e2e-moved.scope fail 1 PIDs au 1 $$ 0";
    const RUN: &str = "systemd-run --user --quiet --wait --pipe";
    const CONNECT: &str = "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 7070))'";
    connections::serve(fixture)?;
    let connection = "connections:\n  deny:\n    - {to: 127.0.0.0/8, ports: [7070]}\n";
    let policy = [FILES, connection].concat();
    for (user, is_free) in [("alice", false), ("bob", true)] {
        tree_of(fixture, user)?;
        fixture.policies(&[("developers", &policy), ("default", EVERYONE)])?;
        let mut shell = Dialogue::shell(&fixture.ssh(user))?;
        equal(shell.status("works", &format!("{RUN} true"))?, 0, "a service of the user's")?;
        let lines = [
            ("service-rm", format!("{RUN} rm -f /srv/e2e/kept/a")),
            ("service-write", format!("{RUN} sh -c 'echo more >>/srv/e2e/kept/b'")),
            ("service-read", format!("{RUN} cat /srv/e2e/pins/key")),
            ("service-connect", format!("{RUN} {CONNECT}")),
            ("scope-mv", "systemd-run --user --quiet --scope mv /srv/e2e/kept/c /srv/e2e/free/c2".to_owned()),
        ];
        let mut wrong = Vec::new();
        for (mark, line) in &lines {
            if (shell.status(mark, line)? == 0) != is_free {
                wrong.push(*mark);
            }
        }
        equal(shell.status("move", MOVE)?, 0, "moving the shell")?;
        let wait = "until grep e2e-moved.scope /proc/self/cgroup; do sleep 0.1; done";
        equal(shell.status("moved", wait)?, 0, "waiting for the move")?;
        for (mark, line) in
            [("moved-rm", "rm -f /srv/e2e/kept/sub/a"), ("moved-write", "echo more >>/srv/e2e/kept/sub/b")]
        {
            if (shell.status(mark, line)? == 0) != is_free {
                wrong.push(mark);
            }
        }
        ensure!(wrong.is_empty(), "{user}: {wrong:?}\n{}\n{}", shell.output(), shell.errors());
        if !is_free {
            let left = "cd /srv/e2e/kept; cat a b c sub/a sub/b";
            equal(fixture.root(left)?, "content\n".repeat(5), "what had to stay")?;
        }
    }
    fixture.root("systemctl stop e2e-server e2e-server-2").map(drop)
}

/// Promise: a denied program does not run by being mapped into another one, and nothing else is hindered.
fn mapping_a_denied_program(fixture: &Fixture) -> anyhow::Result<()> {
    const OWN_LINKER: &str = "LC_ALL=C sed s,/lib64/ld-linux-x86-64.so.2,/srv/e2e/ld-linux-x86-64.so, /usr/bin/true >e2e/own; chmod +x e2e/own";
    const MAP: &str = "import mmap, os\nmmap.mmap(os.open('/usr/bin/df', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | 4)";
    const PROTECT: &str = "libc.mmap.restype = ctypes.c_void_p; libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
call(libc.mprotect, libc.mmap(None, 4096, 1, 2, os.open('/usr/bin/df', os.O_RDONLY), 0), 4096, 5)";
    const SHARED: &str = "import mmap, os\nmmap.mmap(os.open('/usr/bin/df', os.O_RDONLY), 4096, mmap.MAP_SHARED, mmap.PROT_READ | 4)";
    const DATA: &str = "import mmap, os\nmmap.mmap(os.open('/usr/bin/df', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)";
    const OTHER: &str = "import mmap, os\nmmap.mmap(os.open('/usr/bin/ls', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | 4)";
    let policy = |action: &str| {
        format!(
            "policy: developers\napplies_to: {{groups: [developers]}}\naction: {action}\nprograms:\n  deny:\n    - /usr/bin/df\n    \
             - {{path: /usr/bin/nproc, args: [--all]}}\n    - /srv/e2e/ld-linux-x86-64.so\n"
        )
    };
    // A linker by another name, as long as the one that programs have in them.
    fixture.root(
        "rm -rf /srv/e2e; mkdir /srv/e2e; cp /lib64/ld-linux-x86-64.so.2 /srv/e2e/ld-linux-x86-64.so",
    )?;
    fixture.policies(&[("developers", &policy("deny")), ("default", EVERYONE)])?;
    let statements = [MAP, PROTECT, SHARED];
    each(&errors(fixture, "alice", "/", "pass", &statements)?, &statements, EACCES, "alice")?;
    each(&errors(fixture, "bob", "/", "pass", &statements)?, &statements, 0, "bob")?;
    // To read a program is not to run it.
    let harmless = [DATA, OTHER];
    each(&errors(fixture, "alice", "/", "pass", &harmless)?, &harmless, 0, "alice")?;
    let lines = [
        // The dynamic linker says that it cannot map the segment, and ends with this.
        ("/lib64/ld-linux-x86-64.so.2 /usr/bin/df /", 127),
        // Nobody could look at the arguments.
        ("/lib64/ld-linux-x86-64.so.2 /usr/bin/nproc", 127),
        ("nproc", 0),
        ("/lib64/ld-linux-x86-64.so.2 /usr/bin/ls /", 0),
        ("/lib64/ld-linux-x86-64.so.2 --verify /usr/bin/ls", 0),
        ("ldd /usr/bin/ls", 0),
        ("ln -s /usr/bin/df e2e/x; /lib64/ld-linux-x86-64.so.2 e2e/x /", 127),
        ("exec 7</usr/bin/df; /lib64/ld-linux-x86-64.so.2 /proc/self/fd/7 /", 127),
        ("ls / && id && python3 -c 'import ctypes, ssl' && perl -MPOSIX -e 1", 0),
        ("cat /usr/bin/df >/dev/null && cmp /usr/bin/df /usr/bin/df", 0),
    ];
    fixture.statuses("alice", &lines)?;
    fixture.statuses("bob", &lines.map(|(line, _)| (line, 0)))?;
    // A program of one's own can name any file as its linker. The kernel maps it where there is nobody left to get an error.
    fixture.statuses("alice", &[(&format!("{OWN_LINKER}; e2e/own"), SEGMENTATION_FAULT)])?;
    fixture.statuses("bob", &[(&format!("{OWN_LINKER}; e2e/own"), 0)])?;
    fixture.policies(&[("developers", &policy("kill")), ("default", EVERYONE)])?;
    fixture.statuses("alice", &[("/lib64/ld-linux-x86-64.so.2 /usr/bin/df /", KILLED), ("ls /", 0)])
}

/// Promise: who is killed for an operation, or refused one that the policy has something to say about, is told what it was; and the
/// journal has all of it for the administrator.
fn what_is_told_and_recorded(fixture: &Fixture) -> anyhow::Result<()> {
    connections::serve(fixture)?;
    tree_of(fixture, "alice")?;
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
programs:
  deny:
    - {path: /usr/bin/df, message: Ask for the disks}
files:
  deny:
    - {tree: /srv/e2e/kept, operations: [delete], message: Records are kept for ten years}
    - {tree: /srv/e2e/hidden, operations: [read]}
    - {path: /srv/e2e/pins/key, operations: [write], action: kill}
    - {path: /srv/e2e/free/a, operations: [write], action: audit}
connections:
  deny:
    - {to: 127.0.0.1, ports: [7070], message: Use the bastion host}
";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let line = |text: &str| -> anyhow::Result<String> {
        let found = fixture.root(&format!("grep -n '{text}' /etc/sac/policies/developers.yaml"))?;
        Ok(found.split_once(':').context("no line number")?.0.to_owned())
    };
    let mut alice = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    let session = fixture.session_of("alice")?;
    let session = session["id"].as_str().context("a session without id")?;
    equal(alice.status("rm", "rm -f /srv/e2e/kept/a")?, FAILED, "rm")?;
    equal(alice.status("cat", "cat /srv/e2e/hidden/a")?, FAILED, "cat")?;
    equal(alice.status("kill", "truncate -s 0 /srv/e2e/pins/key")?, KILLED, "truncate")?;
    equal(alice.status("audit", "truncate -s 0 /srv/e2e/free/a")?, 0, "what is only recorded")?;
    equal(alice.status("wget", "wget -q -t 1 -T 5 -O - http://127.0.0.1:7070/")?, 4, "wget")?;
    equal(alice.status("map", "/lib64/ld-linux-x86-64.so.2 /usr/bin/df")?, 127, "the dynamic linker")?;
    let told = [
        ":rm] delete of /srv/e2e/kept/a blocked!",
        "Records are kept for ten years",
        ":truncate] write of /srv/e2e/pins/key blocked!",
        ":wget] connection to 127.0.0.1:7070 blocked!",
        "Use the bastion host",
        "] mapping of /usr/bin/df blocked!",
        "Ask for the disks",
    ];
    for notice in told {
        alice.wait_for(&format!("the notice {notice:?}"), || alice.output().contains(notice))?;
    }
    // Programs get an error, and say so themselves.
    holds(&alice.output(), "cat: /srv/e2e/hidden/a: Permission denied")?;
    for untold in ["/srv/e2e/hidden/a blocked", "/srv/e2e/free/a blocked"] {
        lacks(&alice.output(), untold)?;
    }
    let pid = pid_before(&alice.output(), told[0])?;
    let file = "/etc/sac/policies/developers.yaml";
    let user = format!("user alice, session {session}");
    let recorded = [
        format!(
            "/srv/e2e/kept/a: delete blocked: {user}, PID {pid}, by rm, deny by {file}:{}",
            line("tree: /srv/e2e/kept")?
        ),
        format!("/srv/e2e/hidden/a: read blocked: {user}, "),
        format!("/srv/e2e/pins/key: write blocked: {user}, "),
        format!("by truncate, kill by {file}:{}", line("pins/key")?),
        format!("/srv/e2e/free/a: write would have been blocked: {user}, "),
        format!("connection to 127.0.0.1:7070 blocked: {user}, "),
        format!("by wget, deny by {file}:{}", line("to: 127.0.0.1")?),
        format!("/usr/bin/df: mapping blocked: {user}, "),
    ];
    for text in recorded {
        wait_until(&format!("{text:?} in the journal"), Duration::from_secs(20), || {
            let journal = fixture.root("journalctl --no-pager -o cat -t sac-loader")?;
            Ok(journal.contains(&text).then_some(()))
        })?;
    }
    // Programs find it by fields.
    let by_field = fixture.root(&format!(
        "journalctl -o cat -t sac-loader SAC_USER=alice SAC_PID={pid} SAC_OPERATION=delete"
    ))?;
    holds(&by_field, "/srv/e2e/kept/a")?;
    fixture.root("systemctl stop e2e-server e2e-server-2").map(drop)
}

/// The process id of the notice that has this text behind it.
fn pid_before(shown: &str, notice: &str) -> anyhow::Result<u32> {
    let (before, _) = shown.split_once(notice).with_context(|| shown.to_owned())?;
    let (_, pid) = before.rsplit_once('[').context("no process id")?;
    pid.parse().with_context(|| pid.to_owned())
}
