// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is the user's own does not run, nor what is in no file.

use super::{EACCES, EVERYONE, FAILED, PERMISSION_DENIED, each, errors};
use crate::{
    dialogue::Dialogue,
    fixture::{Fixture, equal, holds},
};

/// Ways to run what is one's own, with the status that a denial has. Each prints `Filesystem` or `ran` where it works.
const OWN: &[(&str, i32)] = &[
    ("cp /usr/bin/df copy; ./copy /", PERMISSION_DENIED),
    ("cp -a /usr/bin/df same; ./same /", PERMISSION_DENIED),
    ("cp /usr/bin/df /dev/shm/e2e-$USER; /dev/shm/e2e-$USER /", PERMISSION_DENIED),
    ("cp /usr/bin/df $XDG_RUNTIME_DIR/e2e; $XDG_RUNTIME_DIR/e2e /", PERMISSION_DENIED),
    ("printf '#!/bin/sh\\necho ran\\n' >script; chmod +x script; ./script", PERMISSION_DENIED),
    ("exec 7<copy; mv copy gone; rm gone; /proc/self/fd/7 /", PERMISSION_DENIED),
    (
        "python3 -c 'import os; f = os.memfd_create(\"x\"); os.write(f, open(\"/usr/bin/df\", \"rb\").read()); os.execve(f, [\"df\", \"/\"], {})'",
        FAILED,
    ),
    (
        "python3 -c 'import os; f = os.memfd_create(\"x\", 0); os.write(f, open(\"/usr/bin/df\", \"rb\").read()); os.execv(f\"/proc/self/fd/{f}\", [\"df\", \"/\"])'",
        FAILED,
    ),
    (
        "mkdir mount; unshare -rm sh -c 'mount -t tmpfs x mount && cp /usr/bin/df mount && exec mount/df /'",
        PERMISSION_DENIED,
    ),
    ("cp /lib64/ld-linux-x86-64.so.2 linker; ./linker /usr/bin/df /", PERMISSION_DENIED),
    ("cp /usr/bin/df mapped; /lib64/ld-linux-x86-64.so.2 ./mapped /", 127),
    (
        "cp /lib/x86_64-linux-gnu/libm.so.6 libown.so; python3 -c 'import ctypes; ctypes.CDLL(\"./libown.so\"); print(\"ran\")'",
        FAILED,
    ),
    // A library that cannot be loaded is only told, so whether it is there has to be asked.
    ("LD_PRELOAD=$PWD/libown.so grep -q 'r-x.*libown' /proc/self/maps && echo ran", FAILED),
    ("/srv/e2e-of-carol /", PERMISSION_DENIED),
];

/// Promise: what the user, or another one, could have written does not run, in no way; what administrators have put there does,
/// and so does what a rule with `override` names.
pub(super) fn untrusted(fixture: &Fixture) -> anyhow::Result<()> {
    const ORDINARY: &[(&str, i32)] = &[
        ("ls / && id && grep --version", 0),
        ("bash -lc true", 0),
        ("at -l", 0),
        ("sudo -n true; [ $? = 1 ]", 0),
        ("echo alice | su alice -c true", 0),
        ("crontab -l 2>&1 | grep -q crontab", 0),
        ("systemd-run --user --quiet --wait true", 0),
        ("python3 -c 'import ctypes, ssl, sqlite3, json'", 0),
        ("perl -MPOSIX -MSocket -e 1", 0),
        ("LD_PRELOAD=/lib/x86_64-linux-gnu/libm.so.6 /usr/bin/true", 0),
        ("unshare -rm /usr/bin/true", 0),
        ("echo echo ran >script2; bash script2", 0),
        ("/home/alice/e2e/allowed/df /", 0),
        ("/home/alice/e2e/allowed/script", 0),
    ];
    let policy = "policy: confined
applies_to: {users: [alice]}
action: deny
programs:
  untrusted: deny
  allow:
    - {tree: /home/alice/e2e/allowed, override: true}
";
    fixture.root("install -o carol -m 755 /usr/bin/df /srv/e2e-of-carol
        for user in alice bob; do
            install -d -o $user -g $user /home/$user/e2e/allowed; cd /home/$user/e2e/allowed
            cp /usr/bin/df df; printf '#!/bin/sh\\nexit 0\\n' >script; chmod 755 df script; chown $user: df script
        done")?;
    fixture.policies(&[("confined", policy), ("default", EVERYONE)])?;
    let inside = |lines: &[(&str, i32)]| -> Vec<_> {
        lines.iter().map(|(line, status)| (format!("cd ~/e2e; {line}"), *status)).collect::<Vec<_>>()
    };
    let (own, ordinary) = (inside(OWN), inside(ORDINARY));
    let of = |lines: &[(String, i32)], user: &str, free: bool| {
        let lines: Vec<_> =
            lines.iter().map(|(line, status)| (line.as_str(), if free { 0 } else { *status })).collect();
        fixture.statuses(user, &lines)
    };
    of(&ordinary, "alice", false)?;
    of(&own, "alice", false)?;
    of(&own, "bob", true)?;
    // The login shell itself, and what comes over sftp.
    let mut shell = Dialogue::shell_on_terminal(fixture.ssh("alice"))?;
    equal(shell.status("shell", "shopt -q login_shell && echo $0")?, 0, "a login shell")?;
    // Of whoever has no session left logind removes what lies there.
    equal(shell.status("copy", "cp /usr/bin/df /dev/shm/e2e-alice")?, 0, "making a copy")?;
    equal(shell.status("own", "/dev/shm/e2e-alice /")?, PERMISSION_DENIED, "a copy on a terminal")?;
    shell.wait_for("the notice", || shell.output().contains("/dev/shm/e2e-alice blocked!"))?;
    fixture.root("rm -f /srv/e2e-of-carol /dev/shm/e2e-*").map(drop)
}

/// Makes programs for each of which there is one reason alone not to trust it, and an account of the system's.
const REASONS: &str = "umount -l /srv/e2e/fuse 2>/dev/null; systemctl stop e2e-fuse 2>/dev/null; rm -rf /srv/e2e; mkdir -p /srv/e2e/fuse; cd /srv/e2e
for name in trusted of-carol others group gone; do install /usr/bin/true $name; done
chown carol of-carol; chmod 757 others; chgrp developers group; chmod 775 group
id e2e-system >/dev/null 2>&1 || useradd --system --create-home --shell /bin/bash e2e-system
modprobe fuse
systemd-run --quiet --collect --unit e2e-fuse python3 /run/e2e-fuse.py /srv/e2e/fuse /usr/bin/true
for i in {1..200}; do [ -e fuse/true ] && exit; sleep 0.1; done; journalctl --no-pager -u e2e-fuse | tail; exit 1";

/// Promise: each reason not to trust a program is enough, and without any it runs.
pub(super) fn each_reason_to_be_untrusted(fixture: &Fixture) -> anyhow::Result<()> {
    const RUN: &[(&str, i32)] = &[
        ("/srv/e2e/trusted", 0),
        ("/srv/e2e/of-carol", PERMISSION_DENIED),
        ("/srv/e2e/others", PERMISSION_DENIED),
        ("/srv/e2e/group", PERMISSION_DENIED),
        ("/srv/e2e/fuse/true", PERMISSION_DENIED),
        // What is on the overlay is root's; the overlay itself is the user's.
        (
            "mkdir -p e2e/o; unshare -rm sh -c 'mount -t overlay x -o lowerdir=/usr/bin:/usr/sbin e2e/o && exec e2e/o/true'",
            PERMISSION_DENIED,
        ),
    ];
    let policy = "policy: confined
applies_to: {users: [alice, bob, e2e-system]}
action: deny
programs:
  untrusted: deny
";
    let server = include_str!("fuse.py");
    fixture.root_ssh().stdin(server).run("cat >/run/e2e-fuse.py")?.success()?;
    let mut failed = None;
    for (is_free, policies) in
        [(true, [("default", EVERYONE)].as_slice()), (false, &[("confined", policy), ("default", EVERYONE)])]
    {
        let held = |status| if is_free { 0 } else { status };
        fixture.root(REASONS)?;
        fixture.policies(policies)?;
        let lines: Vec<_> = RUN.iter().map(|(line, status)| (*line, held(*status))).collect();
        let tried = fixture.statuses("alice", &lines).and_then(|()| {
            // A file that is removed while it is open.
            let mut alice = Dialogue::shell(&fixture.ssh("alice"))?;
            equal(alice.status("open", "exec 7</srv/e2e/gone")?, 0, "opening a program")?;
            fixture.root("rm /srv/e2e/gone")?;
            equal(alice.status("gone", "/proc/self/fd/7")?, held(PERMISSION_DENIED), "a removed program")?;
            // A person whose number is a system account's; root becomes them.
            let own = "su - e2e-system -c 'cp /usr/bin/true own; ./own; echo own=$?; /usr/bin/true; echo true=$?' 2>&1";
            let shown = fixture.root(own)?;
            holds(&shown, &format!("own={}\n", held(PERMISSION_DENIED)))?;
            holds(&shown, "true=0\n")
        });
        failed = failed.or(tried.err());
    }
    fixture.root(
        "umount -l /srv/e2e/fuse; systemctl stop e2e-fuse; loginctl terminate-user e2e-system 2>/dev/null
        userdel --force --remove e2e-system 2>/dev/null; rm -rf /srv/e2e",
    )?;
    failed.map_or(Ok(()), Err)
}

/// Promise: with `execmem: deny` memory that is no file's does not become executable; without it, it does.
pub(super) fn executable_memory(fixture: &Fixture) -> anyhow::Result<()> {
    const MEMORY: &[&str] = &[
        "import mmap; mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)",
        "import mmap; mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 5)",
        "import mmap; mmap.mmap(-1, 4096, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, 5)",
        "protect(mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 3))",
        "protect(mmap.mmap(-1, 4096, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, 3))",
        // A file's, to be written and executed, or without a name.
        "mmap.mmap(trusted(), 4096, mmap.MAP_PRIVATE, 7)",
        "mmap.mmap(nameless(), 4096, mmap.MAP_PRIVATE, 5)",
        "protect(mmap.mmap(nameless(), 4096, mmap.MAP_SHARED, 3))",
        // One's own copy of a file's, as it is and changed.
        "protect(mmap.mmap(trusted(), 4096, mmap.MAP_PRIVATE, 3), 7)",
        "changed = mmap.mmap(trusted(), 4096, mmap.MAP_PRIVATE, 3); changed[0] = 1; protect(changed)",
        "os.open('/proc/self/mem', os.O_RDWR)",
        "os.open('/proc/%d/mem' % os.getpid(), os.O_WRONLY)",
        // Who traces a process can write its code.
        "traced(lambda child: call(libc.ptrace, 0x4206, child, None, None))",
        "traces_me()",
    ];
    const HARMLESS: &[&str] = &[
        "import mmap; mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 3)",
        "ctypes.CDLL('libm.so.6')",
        "mmap.mmap(trusted(), 4096, mmap.MAP_PRIVATE, 5)",
        "protect(mmap.mmap(trusted(), 4096, mmap.MAP_PRIVATE, 3))",
        "os.open('/proc/self/mem', os.O_RDONLY)",
        "import threading; thread = threading.Thread(target=print); thread.start(); thread.join()",
    ];
    const PROTECT: &str = "global mmap, protect, trusted, nameless, traced, traces_me
    import mmap, time
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    def protect(memory, how=5):
        call(libc.mprotect, ctypes.addressof(ctypes.c_char.from_buffer(memory)), 4096, how)
    def trusted():
        return os.open('/usr/bin/ls', os.O_RDONLY)
    def nameless():
        file = os.memfd_create('e2e'); os.truncate(file, 4096); return file
    def traced(work):
        child = os.fork()
        if child == 0:
            time.sleep(60); os._exit(0)
        try:
            work(child)
        finally:
            os.kill(child, 9); os.waitpid(child, 0)
    def traces_me():
        child = os.fork()
        if child == 0:
            os._exit(0 if libc.ptrace(0, 0, None, None) == 0 else ctypes.get_errno())
        error = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if error != 0:
            raise OSError(error, '')";
    let policy = |extra: &str| {
        format!(
            "policy: developers\napplies_to: {{groups: [developers]}}\naction: deny\nprograms:\n{extra}  deny: [/usr/bin/df]\n"
        )
    };
    let tried = |statements| errors(fixture, "alice", "/", PROTECT, statements);
    fixture.policies(&[("developers", &policy("  execmem: deny\n")), ("default", EVERYONE)])?;
    each(&tried(MEMORY)?, MEMORY, EACCES, "alice")?;
    each(&tried(HARMLESS)?, HARMLESS, 0, "alice")?;
    fixture.statuses("alice", &[("ls / && bash -c true && perl -e 1 && echo x | grep x | sed s/x/y/", 0)])?;
    fixture.policies(&[("developers", &policy("")), ("default", EVERYONE)])?;
    each(&tried(MEMORY)?, MEMORY, 0, "alice")
}
