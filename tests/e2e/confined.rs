// SPDX-License-Identifier: MIT OR Apache-2.0
//! What holds root in a session: `confined_root`, labels, and rules by content.
//!
//! Nothing here writes to a disk, the kernel or another process: what has to be refused is tried as far as that, and the same
//! is tried under a policy without `confined_root`, where the policy must not be what refuses it.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, equal, holds, lacks},
    operations::{CALLER, EACCES, EVERYONE, attempts, each},
};
use anyhow::{Context as _, ensure};

pub(crate) const TESTS: &[Test] = &[
    ("the_kernel", the_kernel),
    ("mounts", mounts),
    ("other_processes", other_processes),
    ("services", services),
    ("files_and_disks", files_and_disks),
    ("labelled", labelled),
    ("labelled_in_a_slice", labelled_in_a_slice),
    ("content", content),
];

/// Exit statuses: of a program that was refused something, of a shell for a program that it could not execute, and of the dynamic
/// linker for one that it could not map.
const FAILED: i32 = 1;
const PERMISSION_DENIED: i32 = 126;
const CANNOT_MAP: i32 = 127;

/// Dave, who may become root by sudo.
const FREE: &str = "policy: operators
applies_to: {users: [dave]}
action: deny
programs:
  deny: [/usr/bin/df]
";

/// The functions that statements call.
const CALLS: &str = include_str!("confined/calls.py");

/// Ways to free a session.
struct Ways<'a> {
    /// Python statements of root's that are refused with `EACCES`, and without `confined_root` not with that.
    held: &'a [&'a str],
    /// Others that would harm the guest where nothing refuses them.
    harmful: &'a [&'a str],
    /// What goes on.
    granted: &'a [&'a str],
    /// Command lines that fail with this status, and do not without `confined_root`.
    lines: &'a [(&'a str, i32)],
    /// What root does before, and again after the negative control.
    prepare: &'a str,
}

/// The numbers of the errors that root gets in a session of dave's.
fn errors(fixture: &Fixture, statements: &[&str]) -> anyhow::Result<Vec<i32>> {
    attempts(fixture, "dave", "sudo -n python3 -", [CALLER, CALLS].concat(), statements)
}

/// Wants the ways to be closed by `confined_root`, and by nothing else, and SAC to be as it was after all was tried.
fn closed(fixture: &Fixture, ways: &Ways<'_>) -> anyhow::Result<()> {
    fixture.policies(&[("operators", FREE), ("default", EVERYONE)])?;
    fixture.root(ways.prepare)?;
    let free = errors(fixture, ways.held)?;
    let refused: Vec<_> =
        ways.held.iter().zip(&free).filter(|(_, number)| **number == EACCES).map(|(way, _)| way).collect();
    ensure!(refused.is_empty(), "refused without confined_root: {refused:#?}");
    each(&errors(fixture, ways.granted)?, ways.granted, 0, "root without confined_root")?;
    let lines: Vec<_> = ways.lines.iter().map(|(line, _)| (*line, 0)).collect();
    fixture.statuses("dave", &lines)?;

    fixture.root(ways.prepare)?;
    let confined = [FREE, "confined_root: true\n"].concat();
    fixture.policies(&[("operators", &confined), ("default", EVERYONE)])?;
    let loader = fixture.root("pidof sac-loader")?;
    each(&errors(fixture, ways.held)?, ways.held, EACCES, "root")?;
    each(&errors(fixture, ways.harmful)?, ways.harmful, EACCES, "root")?;
    each(&errors(fixture, ways.granted)?, ways.granted, 0, "root")?;
    fixture.statuses("dave", ways.lines)?;

    equal(fixture.root("pidof sac-loader")?, loader, "the service's process")?;
    equal(fixture.root("ls /etc/sac/policies")?.as_str(), "default.yaml\noperators.yaml\n", "the policies")?;
    let enforced = [("df /", PERMISSION_DENIED), ("sudo -n df /", FAILED), ("sudo -n id", 0)];
    fixture.statuses("dave", &enforced)?;
    fixture.root(ways.prepare).map(drop)
}

/// Threat: root brings code into the kernel, or reads its memory.
fn the_kernel(fixture: &Fixture) -> anyhow::Result<()> {
    closed(
        fixture,
        &Ways {
            held: &[
                "bpf()",
                "bpf_without_uid()",
                "module_from_file()",
                "module_from_memory()",
                "other_kernel()",
                "os.open('/dev/mem', os.O_RDONLY)",
                "os.open('/proc/kcore', os.O_RDONLY)",
            ],
            harmful: &["os.open('/dev/mem', os.O_RDWR)"],
            granted: &["os.open('/proc/kallsyms', os.O_RDONLY)", "os.listdir('/root')"],
            lines: &[("sudo -n modprobe dummy", FAILED)],
            prepare: "rmmod dummy 2>/dev/null || true",
        },
    )
}

/// Threat: root mounts something over what holds the session, or takes it away.
fn mounts(fixture: &Fixture) -> anyhow::Result<()> {
    const PREPARE: &str = "for at in to mounted; do while umount -q /srv/e2e/$at; do :; done; done
rm -rf /srv/e2e; mkdir -p /srv/e2e/from /srv/e2e/to /srv/e2e/mounted; mount -t tmpfs e2e /srv/e2e/mounted";
    let result = closed(
        fixture,
        &Ways {
            held: &[
                "mount(b'e2e', b'/srv/e2e/to', b'tmpfs')",
                "mount(b'/srv/e2e/from', b'/srv/e2e/to', None, 4096)",
                "mount(None, b'/srv/e2e/mounted', None, 32 | 1)",
                "mount_nowhere()",
                "move_mount()",
                "call(libc.umount2, b'/srv/e2e/mounted', 0)",
            ],
            harmful: &[
                "call(libc.umount2, b'/sys/fs/bpf', 2)",
                "call(libc.umount2, b'/sys/fs/cgroup', 2)",
                "mount(b'e2e', b'/etc/sac', b'tmpfs')",
            ],
            granted: &["os.mkdir('/srv/e2e/from/new')", "os.rmdir('/srv/e2e/from/new')"],
            lines: &[("sudo -n mount -t tmpfs e2e /srv/e2e/to", 32)],
            prepare: PREPARE,
        },
    );
    let cleared = fixture.root(&format!("{PREPARE}; umount /srv/e2e/mounted; rm -rf /srv/e2e"));
    result.and(cleared.map(drop))
}

/// Threat: root stops the service, or writes code into a process outside of the session. With their own processes everybody does
/// as before.
fn other_processes(fixture: &Fixture) -> anyhow::Result<()> {
    closed(
        fixture,
        &Ways {
            held: &[
                "trace(1)",
                "trace(process('sshd'))",
                "os.open('/proc/1/mem', os.O_RDWR)",
                "memory(310, 1)",
                "memory(311, 1)",
                "memory(311, process('sshd'))",
                "os.kill(1, 18)",
                "os.kill(process('sac-loader'), 18)",
                "signal(1, 18)",
                "signal(process('sac-loader'), 18)",
            ],
            harmful: &[
                "trace(process('sac-loader'))",
                "os.kill(process('sac-loader'), 19)",
                "os.kill(process('sac-loader'), 9)",
                "os.kill(1, 15)",
            ],
            granted: &[
                "with_own(trace)",
                "with_own(lambda child: os.kill(child, 19))",
                "with_own(lambda child: signal(child, 15))",
                "with_own(lambda child: os.open('/proc/%d/mem' % child, os.O_RDONLY))",
                "os.kill(1, 0)",
                "open('/proc/1/cmdline').read()",
                "os.readlink('/proc/1/exe')",
            ],
            lines: &[("sudo -n kill -CONT $(pgrep -o -x sac-loader)", FAILED)],
            prepare: "true",
        },
    )
}

/// Threat: root has a service do it, which is outside of the session.
fn services(fixture: &Fixture) -> anyhow::Result<()> {
    closed(
        fixture,
        &Ways {
            held: &[
                "ask('/run/systemd/private')",
                "ask('/run/dbus/system_bus_socket')",
                "ask('/run/sac/control.sock')",
            ],
            harmful: &[],
            granted: &["ask('/run/systemd/journal/stdout')"],
            lines: &[
                ("sudo -n systemctl list-units", FAILED),
                ("sudo -n busctl list", FAILED),
                ("sudo -n sac-loader reload", FAILED),
                ("sudo -n sac-loader list-sessions", FAILED),
            ],
            prepare: "true",
        },
    )
}

/// Threat: root changes what SAC, logins or other services go by, leaves the session's cgroup, or writes to the disk itself.
fn files_and_disks(fixture: &Fixture) -> anyhow::Result<()> {
    closed(
        fixture,
        &Ways {
            held: &[
                "write('/dev/vda')",
                "os.open('/dev/vda', os.O_RDWR)",
                "leave_cgroup()",
                "clone_into_cgroup()",
                "write('/etc/pam.d/sshd')",
                "write('/etc/ssh/sshd_config')",
                "write('/etc/sudoers')",
                "os.chmod('/usr/sbin/sac-loader', 0o755)",
                "write('/proc/sysrq-trigger')",
                "write('/proc/sys/kernel/core_pattern')",
                "create('/etc/sac/policies/e2e')",
                "create('/run/sac/e2e')",
                "create('/var/log/sac/e2e')",
                "create('/etc/cron.d/e2e')",
                "create('/etc/systemd/system/e2e.service')",
                "create('/var/spool/cron/crontabs/e2e')",
                "move_without_rights('/home/dave/e2e/roots', '/var/spool/cron/crontabs/e2e')",
                "os.mkdir('/sys/fs/bpf/sac/e2e')",
                "os.mkdir('/sys/fs/cgroup/e2e')",
            ],
            harmful: &[
                "os.unlink('/etc/sac/policies/operators.yaml')",
                "os.truncate('/etc/sac/policies/operators.yaml', 0)",
                "os.rename('/etc/sac', '/etc/sac-e2e')",
                "os.rename('/etc/sac/policies', '/etc/sac/e2e')",
                "os.rename('/sys/fs/bpf/sac', '/sys/fs/bpf/e2e')",
                "os.rename('/run/sac', '/run/sac-e2e')",
                "os.unlink('/run/sac/control.sock')",
                "os.rename('/var/log/sac', '/var/log/sac-e2e')",
                "os.unlink('/usr/sbin/sac-loader')",
                "os.rename('/usr/bin/true', '/usr/sbin/sac-loader')",
                "os.chmod('/usr/sbin/sac-loader', 0)",
                "os.setxattr('/usr/sbin/sac-loader', 'user.e2e', b'x')",
                "os.unlink('/etc/pam.d/sshd')",
                "os.chmod('/etc/pam.d/sshd', 0)",
                "create('/etc/ld.so.preload')",
            ],
            granted: &[
                "os.open('/dev/vda', os.O_RDONLY)",
                "os.open('/etc/pam.d/sshd', os.O_RDONLY)",
                "create('/etc/e2e')",
                "os.unlink('/etc/e2e')",
                "write('/dev/null')",
            ],
            lines: &[
                ("sudo -n touch /etc/sac/policies/e2e.yaml.new", FAILED),
                ("sudo -n sh -c 'echo $$ >/sys/fs/cgroup/cgroup.procs'", 2),
            ],
            prepare: "rm -f /home/dave/e2e/roots /etc/sac/policies/e2e* /run/sac/e2e /var/log/sac/e2e /etc/cron.d/e2e /etc/systemd/system/e2e.service \
                /var/spool/cron/crontabs/e2e; rmdir /sys/fs/bpf/sac/e2e /sys/fs/cgroup/e2e 2>/dev/null || true",
        },
    )
}

/// Makes a piece of df, mapped as data, executable; ends with the number of the error.
const PROTECT: &str = "import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
at = libc.mmap(None, 4096, 1, 2, os.open('/usr/bin/df', os.O_RDONLY), 0)
sys.exit(ctypes.get_errno() if libc.mprotect(at, 4096, 5) else 0)
";

/// What is tried outside of all sessions, with the statuses under the policy.
const OUTSIDE: &[(&str, &str, i32)] = &[
    ("df", "df /", PERMISSION_DENIED),
    ("child", "bash -c 'bash -c \"df /\"'", PERMISSION_DENIED),
    ("linker", "/lib64/ld-linux-x86-64.so.2 /usr/bin/df /", CANNOT_MAP),
    ("later", "python3 /srv/e2e/protect.py", EACCES),
    // Arguments cannot be looked at there, so what has conditions on them does not run at all.
    ("conditions", "uname -m", PERMISSION_DENIED),
    ("delete", "rm -f /srv/e2e/kept/a", FAILED),
    ("create", "mkdir /srv/e2e/kept/new", FAILED),
    ("others", "id -un && ls / && cat /srv/e2e/kept/b", 0),
];

/// Threat: root, who is in no session, moves all of somebody's processes out of their session's cgroup. Who comes from a session stays
/// under its policy wherever they are, and so do their children.
fn labelled(fixture: &Fixture) -> anyhow::Result<()> {
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
programs:
  deny:
    - /usr/bin/df
    - {path: /usr/bin/uname, args: [-r]}
files:
  deny:
    - {tree: /srv/e2e/kept, operations: [delete, create]}
";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    for (user, is_free) in [("alice", false), ("bob", true)] {
        fixture.root("rm -rf /srv/e2e; mkdir -p /srv/e2e/kept; echo content | tee /srv/e2e/kept/{a,b}; chmod -R a+rwX /srv/e2e")?;
        fixture.root_ssh().stdin(PROTECT).run("cat >/srv/e2e/protect.py")?.success()?;
        let mut shell = Dialogue::shell(&fixture.ssh(user))?;
        let session = fixture.session_of(user)?;
        let cgroup = session["cgroup"].as_str().context("a session without a cgroup")?;
        fixture.root(&format!(
            "for pid in $(find {cgroup} -name cgroup.procs -exec cat {{}} +); do
                [ \"$(ps -o user= -p $pid)\" != {user} ] || echo $pid >/sys/fs/cgroup/cgroup.procs
            done"
        ))?;
        equal(shell.status("moved", "grep -qx 0::/ /proc/self/cgroup")?, 0, "being in the root cgroup")?;
        let mut wrong = Vec::new();
        for (mark, line, held) in OUTSIDE {
            let (status, wanted) = (shell.status(mark, line)?, if is_free { 0 } else { *held });
            if status != wanted {
                wrong.push(format!("{user}: `{line}` ended with {status}, wanted {wanted}"));
            }
        }
        ensure!(wrong.is_empty(), "{wrong:#?}\n{}\n{}", shell.output(), shell.errors());
        if !is_free {
            let id = session["id"].as_str().context("a session without an id")?;
            let journal = fixture.root("journalctl --sync; journalctl --no-pager -o cat -t sac-loader")?;
            holds(&journal, &format!("/usr/bin/df blocked: user {user}, session {id}"))?;
        }
    }
    fixture.root("rm -rf /srv/e2e").map(drop)
}

/// Threat: as above, from a user's slice outside of sessions. There all policies of the user's open sessions hold, and go along.
fn labelled_in_a_slice(fixture: &Fixture) -> anyhow::Result<()> {
    const BY_SSHD: &str = "policy: by-sshd
applies_to: {groups: [developers], services: [sshd]}
action: deny
programs: {deny: [/usr/bin/df]}
";
    const BY_SU: &str = "policy: by-su
applies_to: {groups: [developers], services: [su-l]}
action: deny
programs: {deny: [/usr/bin/uname]}
";
    const SCRIPT: &str = "cd ~/e2e; echo $$ >pid; until [ -e moved ]; do :; done
grep -qx 0::/ /proc/self/cgroup && echo outside; df /; echo df-$?; uname; echo uname-$?; id; echo id-$?
";
    fixture.policies(&[("by-sshd", BY_SSHD), ("by-su", BY_SU), ("default", EVERYONE)])?;
    fixture.root("systemd-run --quiet --unit e2e-su su -l alice -c 'sleep 1000'")?;
    let mut shell = Dialogue::shell(&fixture.ssh("alice"))?;
    fixture.root_ssh().stdin(SCRIPT).run("cat >~alice/e2e/script")?.success()?;
    shell.ask("waits", "systemd-run --user --quiet --wait --pipe bash ~/e2e/script")?;
    fixture.root(
        "cd ~alice/e2e; until [ -s pid ]; do sleep 0.1; done; cat pid >/sys/fs/cgroup/cgroup.procs && touch moved",
    )?;
    equal(shell.answer("waits")?, 0, "the process in the slice")?;
    fixture.root("systemctl stop e2e-su")?;
    for sign in ["outside", &format!("df-{PERMISSION_DENIED}"), &format!("uname-{PERMISSION_DENIED}"), "id-0"]
    {
        holds(&shell.output(), sign)?;
    }
    lacks(&shell.output(), "Filesystem")
}

/// Promise: a program is known by its content, whatever it is called and wherever it is, whoever has put it there.
fn content(fixture: &Fixture) -> anyhow::Result<()> {
    const LINES: &[(&str, i32)] = &[
        ("/usr/bin/df /", PERMISSION_DENIED),
        ("/srv/e2e/moved/tool /", PERMISSION_DENIED),
        ("cp /usr/bin/df e2e/copy; e2e/copy /", PERMISSION_DENIED),
        ("exec 7</srv/e2e/moved/tool; /proc/self/fd/7 /", PERMISSION_DENIED),
        ("printf '#!/srv/e2e/moved/tool\\n' >e2e/script; chmod +x e2e/script; e2e/script", PERMISSION_DENIED),
        ("/srv/e2e/script", PERMISSION_DENIED),
    ];
    const OTHERS: &[(&str, i32)] = &[
        ("/srv/e2e/other", 0),
        ("ls / && id", 0),
        // Another content.
        ("cp /usr/bin/df e2e/changed; echo >>e2e/changed; e2e/changed /", 0),
        ("printf '#!/bin/sh\\n# longer\\n' >e2e/another; chmod +x e2e/another; e2e/another", 0),
    ];
    let digests = fixture.root(
        "rm -rf /srv/e2e; mkdir -p /srv/e2e/moved; cd /srv/e2e; install /usr/bin/df first; install /usr/bin/id other
        printf '#!/bin/sh\\n' >script; chmod 755 script; mv first moved/tool; sha256sum moved/tool script | cut -c -64",
    )?;
    let rules: String = digests.lines().map(|digest| format!("    - sha256: {digest}\n")).collect();
    let policy = format!(
        "policy: developers\napplies_to: {{groups: [developers]}}\naction: deny\nprograms:\n  deny:\n{rules}"
    );
    fixture.policies(&[("developers", &policy), ("default", EVERYONE)])?;
    fixture.statuses("alice", LINES)?;
    fixture.statuses("alice", OTHERS)?;
    let free: Vec<_> = LINES.iter().map(|(line, _)| (*line, 0)).collect();
    fixture.statuses("bob", &free)?;
    // It comes before what allows.
    let overridden = format!("{policy}  allow:\n    - {{path: /srv/e2e/moved/tool, override: true}}\n");
    fixture.policies(&[("developers", &overridden), ("default", EVERYONE)])?;
    fixture.statuses("alice", &[("/srv/e2e/moved/tool /", PERMISSION_DENIED)])?;
    fixture.root("rm -rf /srv/e2e").map(drop)
}
