// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is not about programs.

use super::super::{
    Stop::{Connection, File},
    Technique, by,
};

pub(super) const CHANGES: &[Technique] = &[
    by("rm", File, r#"rm -f "$KEPT/file""#),
    by("rm -r", File, r#"rm -rf "$KEPT""#),
    by("rmdir", File, r#"rmdir "$KEPT/empty""#),
    by("unlink", File, r#"unlink "$KEPT/file""#),
    by("find -delete", File, r#"find "$KEPT" -name file -delete"#),
    by("perl unlink", File, r#"perl -e 'unlink "$ENV{KEPT}/file"'"#),
    by("unlinkat by its number", File, r#"perl -e '$p = "$ENV{KEPT}/file\0"; syscall 263, -100, $p, 0'"#),
    by("moving away", File, r#"mv "$KEPT/file" x"#),
    by("moving a directory away", File, r#"mv "$KEPT/dir" x"#),
    by("moving another file over it", File, r#"echo x >x; mv -f x "$KEPT/file""#),
    by("renaming in its directory", File, r#"mv "$KEPT/file" "$KEPT/other""#),
    by(
        "exchanging it with another file",
        File,
        r#"echo x >x; python3 -c 'import ctypes, os; ctypes.CDLL(None).renameat2(-100, b"x", -100, os.environb[b"KEPT"] + b"/file", 2)'"#,
    ),
    by("a redirection", File, r#"echo x >"$KEPT/file""#),
    by("a redirection that appends", File, r#"echo x >>"$KEPT/file""#),
    by("truncate", File, r#"truncate -s 0 "$KEPT/file""#),
    by("truncating by path", File, r#"python3 -c 'import os; os.truncate(os.environ["KEPT"] + "/file", 0)'"#),
    by(
        "opening to read, and truncating",
        File,
        r#"python3 -c 'import os; os.open(os.environ["KEPT"] + "/file", os.O_RDONLY | os.O_TRUNC)'"#,
    ),
    by("dd into its middle", File, r#"echo x | dd of="$KEPT/file" conv=notrunc"#),
    by("sed -i", File, r#"sed -i s/kept/x/ "$KEPT/file""#),
    by("cp over it", File, r#"echo x >x; cp x "$KEPT/file""#),
    by("tee -a", File, r#"echo x | tee -a "$KEPT/file""#),
    by("tar over it", File, r#"echo x >file; tar c file | tar x -C "$KEPT""#),
    by(
        "a mapping that is shared",
        File,
        r#"python3 -c 'import mmap, os
file = os.open(os.environ["KEPT"] + "/file", os.O_RDWR); mmap.mmap(file, 1)[0:1] = b"x"'"#,
    ),
    by("a hard link outside of the tree", File, r#"ln "$KEPT/file" x && echo x >x"#),
    by(
        "a hard link of a descriptor, outside of the tree",
        File,
        r#"python3 -c 'import ctypes, os
file = os.open(os.environ["KEPT"] + "/file", os.O_RDONLY); ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % file, -100, b"x", 0x400); open("x", "w")'"#,
    ),
    by("chmod", File, r#"chmod 600 "$KEPT/file""#),
    by(
        "chmod of a descriptor",
        File,
        r#"python3 -c 'import os; os.fchmod(os.open(os.environ["KEPT"] + "/file", os.O_RDONLY), 0o600)'"#,
    ),
    by("a new file", File, r#"touch "$KEPT/new""#),
    by("a new directory", File, r#"mkdir "$KEPT/new""#),
    by("a new pipe", File, r#"mkfifo "$KEPT/new""#),
    by("a new symbolic link", File, r#"ln -s x "$KEPT/new""#),
    by(
        "a new socket",
        File,
        r#"cd "$KEPT" && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("new")'"#,
    ),
    by(
        "a file without a name that gets one",
        File,
        r#"python3 -c 'import ctypes, os
file = os.open(os.environ["KEPT"] + "/..", os.O_TMPFILE | os.O_RDWR); ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % file, -100, os.environb[b"KEPT"] + b"/new", 0x400)'"#,
    ),
    by("moving a file into it", File, r#"touch x; mv x "$KEPT/new""#),
    by("a hard link into it", File, r#"touch x; ln x "$KEPT/new""#),
    by("a link to its directory, for rm", File, r#"ln -s "$KEPT" d; rm -f d/file"#),
    by("a descriptor of its directory, for rm", File, r#"exec 7<"$KEPT"; rm -f /proc/self/fd/7/file"#),
    by("its directory as the working directory", File, r#"cd "$KEPT" && rm -f /proc/self/cwd/file"#),
    by(
        "a bind mount, for rm",
        File,
        r#"mkdir d; unshare -rm sh -c 'mount --bind "$KEPT" d && rm -f d/file'"#,
    ),
    by("chroot, for rm", File, r#"unshare -rm /usr/sbin/chroot / rm -f "$KEPT/file""#),
    by("systemd-run --user rm", File, r#"systemd-run --user --quiet --wait rm -f "$KEPT/file""#),
    by("ssh to this machine, for rm", File, r#"$SELF localhost rm -f "$KEPT/file""#),
    by("rm of sftp", File, r#"echo "rm $KEPT/file" | sftp -q -D /usr/lib/openssh/sftp-server"#),
];

pub(super) const READS: &[Technique] = &[
    by("cat", File, r#"cat "$SECRET/file""#),
    by("a redirection to read", File, r#"read -r line <"$SECRET/file"; echo "$line""#),
    by("dd", File, r#"dd if="$SECRET/file""#),
    by("cp", File, r#"cp "$SECRET/file" x; cat x"#),
    by("tar", File, r#"tar c "$SECRET/file""#),
    by("date -f", File, r#"date -f "$SECRET/file""#),
    by("a pattern file of grep", File, r#"echo 'Filesystem     1K-blocks' | grep -f "$SECRET/file""#),
    by("a hard link, to read", File, r#"ln "$SECRET/file" x; cat x"#),
    by("moving away, to read", File, r#"mv "$SECRET/file" x; cat x"#),
    by("a symbolic link, to read", File, r#"ln -s "$SECRET/file" x; cat x"#),
    by("moving its directory away, to read", File, r#"mv "$SECRET" x; cat x/file"#),
    by(
        "a mapping, to read",
        File,
        r#"python3 -c 'import mmap, os; print(mmap.mmap(os.open(os.environ["SECRET"] + "/file", os.O_RDONLY), 0, prot=1)[:])'"#,
    ),
    by(
        "O_PATH and /proc/self/fd",
        File,
        r#"python3 -c 'import os; print(open("/proc/self/fd/%d" % os.open(os.environ["SECRET"] + "/file", os.O_PATH)).read())'"#,
    ),
    by(
        "an overlay, to read",
        File,
        r#"mkdir d; unshare -rm sh -c 'mount -t overlay x -o lowerdir="$SECRET":/usr/sbin d && cat d/file'"#,
    ),
    by(
        "a bind mount, to read",
        File,
        r#"mkdir d; unshare -rm sh -c 'mount --bind "$SECRET" d && cat d/file'"#,
    ),
    by("systemd-run --user cat", File, r#"systemd-run --user --quiet --wait --pipe cat "$SECRET/file""#),
    by(
        "StandardInput of a service",
        File,
        r#"systemd-run --user --quiet --wait -p StandardInput=file:"$SECRET/file" -p StandardOutput=file:"$PWD/ran" cat; cat ran"#,
    ),
    by("get of sftp", File, r#"echo "get $SECRET/file x" | sftp -q -D /usr/lib/openssh/sftp-server; cat x"#),
];

pub(super) const CONNECTIONS: &[Technique] = &[
    by("/dev/tcp of bash", Connection, r#"exec 7<>"/dev/tcp/127.0.0.1/$PORT"; cat <&7"#),
    by("/dev/udp of bash", Connection, r#"exec 7<>"/dev/udp/127.0.0.1/$PORT"; echo x >&7; head -n 1 <&7"#),
    by("wget", Connection, r#"wget -q -T 5 -t 1 -O - "http://127.0.0.1:$PORT/""#),
    by("a name of this machine", Connection, r#"wget -q -T 5 -t 1 -O - "http://localhost:$PORT/""#),
    by("another address of this machine", Connection, r#"exec 7<>"/dev/tcp/127.1.2.3/$PORT"; cat <&7"#),
    by("the address of its network card", Connection, r#"exec 7<>"/dev/tcp/10.0.2.15/$PORT"; cat <&7"#),
    by("the address 0.0.0.0", Connection, r#"exec 7<>"/dev/tcp/0.0.0.0/$PORT"; cat <&7"#),
    by("IPv6", Connection, r#"exec 7<>"/dev/tcp/::1/$PORT"; cat <&7"#),
    by("an IPv4 address in an IPv6 one", Connection, r#"exec 7<>"/dev/tcp/::ffff:127.0.0.1/$PORT"; cat <&7"#),
    by(
        "a socket that does not wait",
        Connection,
        r#"python3 -c 'import os, select, socket
s = socket.socket(); s.setblocking(False); s.connect_ex(("127.0.0.1", int(os.environ["PORT"]))); select.select([s], [], [], 5); print(s.recv(99))'"#,
    ),
    by(
        "TCP Fast Open",
        Connection,
        r#"python3 -c 'import os, socket
s = socket.socket(); s.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", int(os.environ["PORT"]))); print(s.recv(99))'"#,
    ),
    by(
        "sendto",
        Connection,
        r#"python3 -c 'import os, socket
s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5); s.sendto(b"x", ("127.0.0.1", int(os.environ["PORT"]))); print(s.recv(99))'"#,
    ),
    by(
        "sendmsg",
        Connection,
        r#"python3 -c 'import os, socket
s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5); s.sendmsg([b"x"], [], 0, ("127.0.0.1", int(os.environ["PORT"]))); print(s.recv(99))'"#,
    ),
    by(
        "sendmmsg by its number",
        Connection,
        r#"python3 -c 'import ctypes, os, socket, struct
s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5)
to = ctypes.create_string_buffer(struct.pack("=HH4s8x", 2, socket.htons(int(os.environ["PORT"])), bytes([127, 0, 0, 1])), 16); text = ctypes.create_string_buffer(b"x")
part = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(text), 1)); message = ctypes.create_string_buffer(struct.pack("PIxxxxPNPNixxxxI", ctypes.addressof(to), 16, ctypes.addressof(part), 1, 0, 0, 0, 0), 64)
ctypes.CDLL(None).syscall(307, s.fileno(), message, 1, 0); print(s.recv(99))'"#,
    ),
    by(
        "an address of no family",
        Connection,
        r#"python3 -c 'import ctypes, os, socket, struct
s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5)
to = struct.pack("=HH4s8x", 0, socket.htons(int(os.environ["PORT"])), bytes([127, 0, 0, 1])); ctypes.CDLL(None).sendto(s.fileno(), b"x", 1, 0, to, 16); print(s.recv(99))'"#,
    ),
    by(
        "an IPv4 address on an IPv6 socket",
        Connection,
        r#"python3 -c 'import ctypes, os, socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(5)
to = struct.pack("=HH4s8x", 2, socket.htons(int(os.environ["PORT"])), bytes([127, 0, 0, 1])); ctypes.CDLL(None).sendto(s.fileno(), b"x", 1, 0, to, 16); print(s.recv(99))'"#,
    ),
    by(
        "connect by its number, in perl",
        Connection,
        r#"perl -MSocket -e 'socket S, PF_INET, SOCK_STREAM, 0; $a = pack_sockaddr_in($ENV{PORT}, inet_aton("127.0.0.1")); syscall 42, fileno S, $a, length $a; print <S>'"#,
    ),
    by(
        "a socket that another process made",
        Connection,
        r#"python3 -c 'import os, socket
one, two = socket.socketpair(); two.settimeout(5)
if os.fork() == 0: made = socket.socket(); socket.send_fds(one, [b"x"], [made.fileno()]); os._exit(0)
s = socket.socket(fileno=socket.recv_fds(two, 1, 1)[1][0]); s.connect(("127.0.0.1", int(os.environ["PORT"]))); print(s.recv(99))'"#,
    ),
    by(
        "systemd-run --user wget",
        Connection,
        r#"systemd-run --user --quiet --wait --pipe wget -q -T 5 -t 1 -O - "http://127.0.0.1:$PORT/""#,
    ),
    by("forwarding by ssh", Connection, r#"{ echo; sleep 1; } | $SELF -W "127.0.0.1:$PORT" localhost"#),
];
