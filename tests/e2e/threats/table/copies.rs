// SPDX-License-Identifier: MIT OR Apache-2.0
//! By another file, or one without a name.

use super::super::{
    Stop::{Inode, Untrusted},
    Technique, by,
};

pub(super) const DESCRIPTORS: &[Technique] = &[
    by(
        "execution of a descriptor",
        Inode,
        r#"python3 -c 'import os; os.execve(os.open("/usr/bin/df", os.O_RDONLY), ["df", "/"], {})'"#,
    ),
    by(
        "execution of a descriptor that cannot be read",
        Inode,
        r#"python3 -c 'import os; os.execve(os.open("/usr/bin/df", os.O_PATH), ["df", "/"], {})'"#,
    ),
    by(
        "execveat by its number, with an empty path",
        Inode,
        r#"perl -e 'open F, "/usr/bin/df"; $p = "\0"; $a = "df\0"; $b = "/\0"; $v = pack("ppQ", $a, $b, 0); syscall 322, fileno F, $p, $v, 0, 0x1000'"#,
    ),
    by(
        "execveat relative to a directory",
        Inode,
        r#"perl -e 'open F, "<", "/usr/bin" or opendir F, "/usr/bin"; $f = fileno F; $p = "df\0"; $b = "/\0"; $v = pack("ppQ", $p, $b, 0); syscall 322, $f, $p, $v, 0, 0'"#,
    ),
    by("/proc/self/fd", Inode, "exec 7</usr/bin/df; /proc/self/fd/7 /"),
    by("/dev/fd", Inode, "exec 7</usr/bin/df; /dev/fd/7 /"),
    by(
        "the descriptor of another process",
        Inode,
        "sleep 20 7</usr/bin/df & until [ -e /proc/$!/fd/7 ]; do :; done; /proc/$!/fd/7 /; kill $!",
    ),
    by(
        "a descriptor that came over a socket",
        Inode,
        r#"python3 -c 'import os, socket
one, two = socket.socketpair()
socket.send_fds(one, [b"x"], [os.open("/usr/bin/df", os.O_RDONLY)])
os.execve(socket.recv_fds(two, 1, 1)[1][0], ["df", "/"], {})'"#,
    ),
    by(
        "a file in memory",
        Untrusted,
        r#"python3 -c 'import os
file = os.memfd_create("x"); os.write(file, open("/usr/bin/df", "rb").read()); os.execve(file, ["df", "/"], {})'"#,
    ),
    by(
        "a file in memory, by its name in /proc",
        Untrusted,
        r#"python3 -c 'import os
file = os.memfd_create("x", 0); os.write(file, open("/usr/bin/df", "rb").read()); os.execv(f"/proc/self/fd/{file}", ["df", "/"])'"#,
    ),
    by(
        "a file in memory that is sealed",
        Untrusted,
        r#"python3 -c 'import fcntl, os
file = os.memfd_create("x", os.MFD_ALLOW_SEALING); os.write(file, open("/usr/bin/df", "rb").read())
fcntl.fcntl(file, 1033, 15); os.execve(file, ["df", "/"], {})'"#,
    ),
    by(
        "a file in memory, in perl",
        Untrusted,
        r#"perl -e '$n = "x\0"; $f = syscall 319, $n, 0; open O, ">&=", $f; open I, "/usr/bin/df"; binmode $_ for *I, *O; $/ = \1000000; print O <I>; O->flush; exec "/proc/self/fd/$f", "/"'"#,
    ),
    by(
        "a file without a name",
        Untrusted,
        r#"python3 -c 'import os
file = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o755); os.write(file, open("/usr/bin/df", "rb").read())
again = os.open(f"/proc/self/fd/{file}", os.O_RDONLY); os.close(file); os.execve(again, ["df", "/"], {})'"#,
    ),
    by("a file that is removed", Untrusted, "cp /usr/bin/df x; exec 7<x; rm x; /proc/self/fd/7 /"),
];

pub(super) const COPIES: &[Technique] = &[
    by("a copy in the home directory", Untrusted, "cp /usr/bin/df x; ./x /"),
    by("a copy in /tmp", Untrusted, "d=$(mktemp -d -p /tmp); cp /usr/bin/df $d; $d/df /; rm -r $d"),
    by("a copy in /var/tmp", Untrusted, "d=$(mktemp -d -p /var/tmp); cp /usr/bin/df $d; $d/df /; rm -r $d"),
    by("a copy in /dev/shm", Untrusted, "d=$(mktemp -d -p /dev/shm); cp /usr/bin/df $d; $d/df /; rm -r $d"),
    by(
        "a copy in XDG_RUNTIME_DIR",
        Untrusted,
        "d=$(mktemp -d -p \"$XDG_RUNTIME_DIR\"); cp /usr/bin/df $d; $d/df /; rm -r $d",
    ),
    by(
        "a copy in a directory that everybody may write",
        Untrusted,
        "d=$(mktemp -d -p /srv/e2e/open); cp /usr/bin/df $d; $d/df /; rm -r $d",
    ),
    by(
        "root's file that everybody may write",
        Untrusted,
        "cat /usr/bin/df >\"/srv/e2e/open/writable-$USER\"; \"/srv/e2e/open/writable-$USER\" /",
    ),
    by("another user's copy", Untrusted, "/srv/e2e/open/of-carol /"),
    by("a copy by cat", Untrusted, "cat /usr/bin/df >x; chmod +x x; ./x /"),
    by("a copy by dd", Untrusted, "dd if=/usr/bin/df of=x bs=4k; chmod 700 x; ./x /"),
    by("a copy by install", Untrusted, "install /usr/bin/df x; ./x /"),
    by("a copy by tar", Untrusted, "tar c -C /usr/bin df | tar x; ./df /"),
    by("a copy by tee", Untrusted, "tee x </usr/bin/df >/dev/null; chmod +x x; ./x /"),
    by("a copy that keeps owner and mode", Untrusted, "cp -a /usr/bin/df x; ./x /"),
    by("a copy by gzip", Untrusted, "gzip -c /usr/bin/df | gzip -d >x; chmod +x x; ./x /"),
    by("a copy by base64", Untrusted, "base64 /usr/bin/df | base64 -d >x; chmod +x x; ./x /"),
    by(
        "a copy put together of pieces",
        Untrusted,
        "split -b 10k /usr/bin/df p; cat p* >x; chmod +x x; ./x /",
    ),
    by(
        "a copy by perl",
        Untrusted,
        r#"perl -e 'open I, "/usr/bin/df"; open O, ">x"; $/ = undef; print O <I>'; chmod +x x; ./x /"#,
    ),
    by(
        "a copy by python",
        Untrusted,
        r#"python3 -c 'import shutil; shutil.copy("/usr/bin/df", "x")'; ./x /"#,
    ),
    by("a copy by scp", Untrusted, "scp -q /usr/bin/df x; ./x /"),
    by(
        "a copy by sftp",
        Untrusted,
        "echo 'get /usr/bin/df x' | sftp -q -D /usr/lib/openssh/sftp-server; chmod +x x; ./x /",
    ),
    by("a copy with other bytes at its end", Untrusted, "{ cat /usr/bin/df; echo x; } >x; chmod +x x; ./x /"),
    by("a hard link of a copy", Untrusted, "cp /usr/bin/df x; ln x y; ./y /"),
    by("a copy that replaces a file", Untrusted, "cp /bin/true y; cp /usr/bin/df x; mv x y; ./y /"),
    by("a copy that nobody may write", Untrusted, "cp /usr/bin/df x; chmod 555 x; ./x /"),
    by("a copy with the name of a trusted program", Untrusted, "cp /usr/bin/df ls; PATH=.:$PATH; ls /"),
    by("a program of one's own", Untrusted, "\"$KIT/own\""),
    by("a program of one's own, by its descriptor", Untrusted, "exec 7<\"$KIT/own\"; /proc/self/fd/7"),
    by(
        "a program with a dynamic linker of its own",
        Untrusted,
        r#"cp /lib64/ld-linux-x86-64.so.2 "/tmp/e2e-$USER"; perl -e '$l = "/lib64/ld-linux-x86-64.so.2"; $m = "/tmp/e2e-$ENV{USER}"; $m .= "\0" x (length($l) - length $m);
open I, "/usr/bin/df"; $/ = undef; $_ = <I>; s/\Q$l/$m/; open O, ">x"; print O' && chmod +x x && ./x /; rm "/tmp/e2e-$USER""#,
    ),
];

pub(super) const RACES: &[Technique] = &[
    by(
        "a link that is exchanged while it is executed",
        Inode,
        r#"ln -s /usr/bin/df bad; ln -s /usr/bin/true good; cp -P good x
( while [ ! -e stop ]; do cp -P bad n; mv n x; cp -P good n; mv n x; done ) 2>/dev/null &
for i in {1..60}; do ./x / 2>/dev/null | grep Filesystem && break; done; touch stop; wait"#,
    ),
    by(
        "a path of links that is exchanged while it is executed",
        Inode,
        r#"mkdir good; ln -s /usr/bin/true good/df; ln -s good x; ln -s /usr/bin bad
( while [ ! -e stop ]; do ln -sfn bad x; ln -sfn good x; done ) 2>/dev/null &
for i in {1..60}; do x/df / 2>/dev/null | grep Filesystem && break; done; touch stop; wait"#,
    ),
    by(
        "files that are exchanged in one step",
        Untrusted,
        r#"python3 -c 'import ctypes, os, shutil, subprocess, threading
shutil.copy("/usr/bin/df", "one"); shutil.copy("/usr/bin/true", "two"); libc = ctypes.CDLL(None)
def swap():
    while not os.path.exists("stop"): libc.renameat2(-100, b"one", -100, b"two", 2)
thread = threading.Thread(target=swap); thread.start()
for _ in range(60):
    try: output = subprocess.run(["./one", "/"], capture_output=True, text=True).stdout
    except OSError: continue
    if output: print(output); break
open("stop", "w"); thread.join()'"#,
    ),
    by(
        "threads that all execute at once",
        Inode,
        r#"python3 -c 'import os, threading
gate = threading.Barrier(8)
def go(): gate.wait(); os.execv("/usr/bin/df", ["df", "/"])
for _ in range(8): threading.Thread(target=go).start()'"#,
    ),
];
