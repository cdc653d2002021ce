// SPDX-License-Identifier: MIT OR Apache-2.0
//! Having it run by somebody else, or somewhere else.

use super::super::{
    Stop::{Inode, Outside, Untrusted},
    Technique, by,
};

pub(super) const OUTSIDE: &[Technique] = &[
    by("a job of cron", Outside, r#"touch pending; echo "* * * * * $JOB" | crontab -"#),
    by("a job of at", Outside, r#"touch pending; echo "$JOB" | at now"#),
    by(
        "a background job that outlives the session",
        Outside,
        r#"touch late; setsid -f sh -c "while kill -0 $SESSION; do sleep 0.2; done; sleep 1; $JOB" >/dev/null 2>&1 </dev/null"#,
    ),
    by(
        "systemd-run --user --on-active",
        Outside,
        r#"touch pending; systemd-run --user --quiet --on-active=1s --timer-property=AccuracySec=100ms sh -c "$JOB""#,
    )
    .unless("the user's manager can be slow"),
    by(
        "a unit file of one's own",
        Outside,
        r#"touch pending; echo "$JOB" >job; mkdir -p "$XDG_RUNTIME_DIR/systemd/user"
printf '[Service]\nExecStart=/bin/sh %s/job\n' "$PWD" >"$XDG_RUNTIME_DIR/systemd/user/e2e-unit.service"
systemctl --user daemon-reload; systemctl --user start e2e-unit.service"#,
    ),
    by(
        "a path unit",
        Outside,
        r#"touch pending; systemd-run --user --quiet --path-property=PathExists="$PWD/go" sh -c "$JOB; rm $PWD/go"; touch go"#,
    ),
    by(
        "a service that D-Bus activates",
        Outside,
        r#"touch pending; echo "$JOB" >job; mkdir -p ~/.local/share/dbus-1/services
printf '[D-BUS Service]\nName=org.example.E2e\nExec=/bin/sh %s/job\n' "$PWD" >~/.local/share/dbus-1/services/org.example.E2e.service
call() { busctl --user --timeout=5 call org.freedesktop.DBus / org.freedesktop.DBus "$@"; }
call ReloadConfig; call StartServiceByName su org.example.E2e 0; rm ~/.local/share/dbus-1/services/org.example.E2e.service"#,
    ),
    by("systemd-run --user --pipe", Outside, "systemd-run --user --quiet --wait --pipe /usr/bin/df /"),
    by("systemd-run --user --scope", Outside, "systemd-run --user --quiet --scope /usr/bin/df /"),
    by(
        "systemd-run --user, ExecStartPre",
        Outside,
        r#"systemd-run --user --quiet --wait -p ExecStartPre="/bin/sh -c '/usr/bin/df / >$PWD/ran'" true; cat ran"#,
    ),
    by(
        "StartTransientUnit of a running shell",
        Outside,
        r#"busctl --user --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
    StartTransientUnit 'ssa(sv)a(sa(sv))' e2e-moved.scope fail 1 PIDs au 1 $$ 0
for i in {1..100}; do grep -q e2e-moved.scope /proc/self/cgroup && break; sleep 0.1; done; df /"#,
    ),
    by("ssh to this machine", Outside, "$SELF localhost /usr/bin/df /"),
    by("su to oneself", Inode, r#"echo "$USER" | su "$USER" -c '/usr/bin/df /'"#),
    by("a login shell by su", Inode, r#"echo "$USER" | su - "$USER" -c '/usr/bin/df /'"#),
    by("sg", Inode, r#"sg "$(id -gn)" '/usr/bin/df /'"#).unless("it may not be installed"),
    by("newgrp", Inode, r#"echo '/usr/bin/df /' | newgrp "$(id -gn)""#).unless("it may not be installed"),
];

pub(super) const NAMESPACES: &[Technique] = &[
    by("a namespace of one's own", Inode, "unshare -rm df /"),
    by("a namespace within a namespace", Inode, "unshare -rm unshare -rm df /"),
    by("all kinds of namespaces", Inode, "unshare -rmuinpf --mount-proc df /"),
    by("entering a namespace of one's own", Inode, r#"unshare -rm sleep 20 & until [ "$(readlink /proc/$!/ns/mnt)" != "$(readlink /proc/$$/ns/mnt)" ]; do sleep 0.1; done
nsenter -U -m --preserve-credentials -t $! df /; kill $!"#),
    by("a bind mount over a trusted program", Inode, "unshare -rm sh -c 'mount --bind /usr/bin/df /usr/bin/tty && exec tty /'"),
    by("a bind mount of its directory", Inode, "mkdir d; unshare -rm sh -c 'mount --bind /usr/bin d && exec d/df /'"),
    by("chroot", Inode, "unshare -rm /usr/sbin/chroot / df /"),
    by("chroot into a bind mount", Inode, "mkdir d; unshare -rm sh -c 'mount --rbind / d && exec /usr/sbin/chroot d df /'"),
    by("a tmpfs of one's own", Untrusted, "mkdir d; unshare -rm sh -c 'mount -t tmpfs x d && cp /usr/bin/df d && exec d/df /'"),
    by("a tmpfs of one's own, over a directory of programs", Untrusted, "unshare -rm bash -c 'cp /usr/bin/df x; exec 7<x; mount -t tmpfs x /usr/local/bin && cat <&7 >/usr/local/bin/x && chmod +x /usr/local/bin/x && exec /usr/local/bin/x /'"),
    by("a ramfs of one's own", Untrusted, "mkdir d; unshare -rm sh -c 'mount -t ramfs x d && cp /usr/bin/df d && exec d/df /'"),
    by("a copy bound over a trusted program", Untrusted, "cp /usr/bin/df x; unshare -rm sh -c 'mount --bind x /usr/bin/tty && exec tty /'"),
    by("an overlay of its directory", Untrusted, "mkdir d; unshare -rm sh -c 'mount -t overlay x -o lowerdir=/usr/bin:/usr/sbin d && exec d/df /'"),
    by("an overlay with a directory of one's own", Untrusted, "mkdir -p d t; unshare -rm sh -c 'mount -t tmpfs x t && mkdir t/u t/w && mount -t overlay x -o lowerdir=/usr/bin,upperdir=t/u,workdir=t/w d && cp /usr/bin/df d/mine && exec d/mine /'"),
    by("chroot into a tmpfs", Untrusted, r#"mkdir d; unshare -rm sh -c 'mount -t tmpfs x d && mkdir -p d/lib64 d/lib/x86_64-linux-gnu d/proc && mount --rbind /proc d/proc &&
cp /usr/bin/df d && cp /lib64/ld-linux-x86-64.so.2 d/lib64 && cp /lib/x86_64-linux-gnu/lib[cs]*.so.* /lib/x86_64-linux-gnu/libpcre* d/lib/x86_64-linux-gnu && exec /usr/sbin/chroot d /df /'"#),
    by("a file in the namespace of another process", Untrusted, r#"mkdir d; unshare -rm sh -c 'mount -t tmpfs x d && cp /usr/bin/df d && touch ready && exec sleep 20' & until [ -e ready ]; do sleep 0.1; done
/proc/$!/root$PWD/d/df /; kill $!"#),
    by("binfmt_misc", Untrusted, r#"mkdir d; echo e2efile >x; chmod +x x; unshare -rm sh -c 'mount -t binfmt_misc x d && echo ":e2e:M::e2efile::/usr/bin/df:" >d/register && exec ./x'"#).unless("kernels before 6.7 refuse the mount"),
];
