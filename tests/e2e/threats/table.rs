// SPDX-License-Identifier: MIT OR Apache-2.0
//! The techniques. Each is a shell snippet that runs in an empty directory of its own, with these in its environment:
//! `KIT` (what `own.py` has made, and the other programs of this directory), `JOB` (a command line that runs df outside of the
//! session and says when it is done), `SESSION` (the process that ends with the session), `KEPT` and `SECRET` (directories below
//! the trees that the policy is about), `PORT` (of `server.py`), `SELF` (ssh to this machine). What another process does for it
//! makes a file `pending` first, and `late` where it is done after the session.

use super::{
    Stop::{Connection, File, Inode, Mapping, Memory, Nothing, Outside, Untrusted},
    Technique, by,
};

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

const OUTSIDE: &[Technique] = &[
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

const NAMES: &[Technique] = &[
    by("a symbolic link", Inode, "ln -s /usr/bin/df x; ./x /"),
    by("a chain of 20 symbolic links", Inode, "ln -s /usr/bin/df 0; for i in {1..20}; do ln -s $((i - 1)) $i; done; ./20 /"),
    by("a hard link", Inode, "ln /usr/bin/df x && ./x /").unless("protected_hardlinks"),
    by("a hard link of a descriptor", Inode, r#"python3 -c 'import ctypes, os
file = os.open("/usr/bin/df", os.O_RDONLY); ctypes.CDLL(None).linkat(-100, b"/proc/self/fd/%d" % file, -100, b"x", 0x400)' && ./x /"#).unless("protected_hardlinks"),
    by("dots and doubled slashes", Inode, "/usr/../usr//bin/./df /"),
    by("a path of 4,000 bytes", Inode, "/usr/bin/$(printf './%.0s' {1..2000})df /"),
    by("a link to its directory", Inode, "ln -s /usr/bin d; d/df /"),
    by("the other name of its directory", Inode, "/bin/df /"),
    by("a relative path", Inode, "cd /usr/bin; ./df /"),
    by("/proc/self/root", Inode, "/proc/self/root/usr/bin/df /"),
    by("/proc/self/cwd", Inode, "cd /usr/bin; /proc/self/cwd/df /"),
    by("a descriptor of its directory", Inode, "exec 7</usr/bin; /proc/self/fd/7/df /"),
    by("a name with a line feed", Inode, r#"ln -s /usr/bin/df $'x\ny'; ./$'x\ny' /"#),
    by("a name with terminal escape sequences", Inode, r#"n=$'\e[2J\e]0;x\a\xff'; ln -s /usr/bin/df "./$n"; "./$n" /"#),
    by("a name of 255 bytes", Inode, r#"n=$(printf x%.0s {1..255}); ln -s /usr/bin/df $n; ./$n /"#),
    by("the name of another program", Inode, "ln -s /usr/bin/df ls; PATH=.:$PATH; ls /"),
    by("exec -a", Inode, "exec -a ls /usr/bin/df /"),
    by("an empty name for the program itself", Inode, r#"perl -e 'exec {"/usr/bin/df"} "", "/"'"#),
    by("2,000 arguments", Inode, "df $(printf '/ %.0s' {1..2000})"),
    by("a large environment", Inode, r#"for i in {1..200}; do export "v$i=$(printf x%.0s {1..1000})"; done; df /"#),
];

const WORDS: &[Technique] = &[
    by("quotes within a word", Inode, r#"/usr/bin/d"f" /"#),
    by("a backslash", Inode, r#"d\f /"#),
    by("an escape in hexadecimal", Inode, r#"$'\x64\x66' /"#),
    by("a pattern", Inode, "/usr/bin/d[f] /"),
    by("a pattern with a question mark", Inode, "for f in /usr/bin/d?; do case $f in *f) $f / ;; esac; done"),
    by("braces", Inode, "{/usr/bin/df,/}"),
    by("variables put together", Inode, "a=d b=f; $a$b /"),
    by("a part of a variable", Inode, "v=xdfx; ${v:1:2} /"),
    by("an indirect variable", Inode, "v=df w=v; ${!w} /"),
    by("a variable's letters changed", Inode, "v=DF; ${v,,} /"),
    by("eval", Inode, "eval 'd''f' /"),
    by("base64", Inode, r#"eval "$(echo ZGYgLw== | base64 -d)""#),
    by("printf", Inode, r#"$(printf '\144\146') /"#),
    by("tr", Inode, r#"$(echo qs | tr a-z n-za-m) /"#),
    by("rev", Inode, "$(echo fd | rev) /"),
    by("an alias", Inode, "shopt -s expand_aliases\nalias x=df\nx /"),
    by("a function", Inode, r#"ls() { command df "$@"; }; ls /"#),
    by("the hash table of commands", Inode, "hash -p /usr/bin/df ls; ls /"),
    by("PATH", Inode, "PATH=/usr/bin df /"),
    by("time, a pipe and a subshell", Inode, "time (df / | cat)"),
    by("the background", Inode, "df / & wait"),
    by("a coprocess", Inode, "coproc df /; cat <&${COPROC[0]}"),
    by("process substitution", Inode, "cat <(df /)"),
    by("a here-document for a shell", Inode, "sh <<x\ndf /\nx"),
    by("a trap at the end", Inode, "trap 'df /' EXIT"),
    by("a trap before each command", Inode, "trap 'df /' DEBUG; :"),
    by("a trap for a signal", Inode, "trap 'df /' USR1; kill -USR1 $$; :"),
    by("command_not_found_handle", Inode, "command_not_found_handle() { df /; }; nothing-is-called-this"),
    by("PROMPT_COMMAND", Inode, "echo : | PROMPT_COMMAND='df /' bash --norc -i"),
    by("the prompt", Inode, "echo : | PS1='$(df /)' bash --norc -i"),
    by("the prompt of set -x", Inode, "PS4='$(df / >&2)'; set -x; :"),
    by("BASH_ENV", Inode, "echo 'df /' >x; BASH_ENV=./x bash -c :"),
    by("ENV", Inode, "echo 'df /' >x; ENV=./x sh -i </dev/null"),
    by("a file at the beginning of a shell", Inode, "echo 'df /' >x; echo : | bash --rcfile ./x -i"),
    by("the profile of a login shell", Inode, "echo 'df /' >.bash_profile; HOME=. bash -l -c :"),
    by("an exported function", Inode, "x() { df /; }; export -f x; bash -c x"),
    by("an index that is computed", Inode, r#"x='a[$(df / >&2)]'; ((x))"#),
    by("a variable that printf sets", Inode, r#"printf -v 'a[$(df / >&2)]' x"#),
    by("compgen -C", Inode, "compgen -C 'df / >&2;:' x"),
    by("mapfile -C", Inode, "echo x | mapfile -c 1 -C 'df /;:' a"),
    by("the history", Inode, "set -o history; history -s 'df /'; history -s x; fc -s df"),
    by("exec in a shell of another kind", Inode, "sh -c 'exec df /'"),
];

const STARTERS: &[Technique] = &[
    by("env", Inode, "env df /"),
    by("env -i", Inode, "env -i /usr/bin/df /"),
    by("env -S", Inode, "env -S 'df /'"),
    by("xargs", Inode, "echo / | xargs df"),
    by("nohup", Inode, "nohup df / | cat"),
    by("setsid", Inode, "setsid -w df /"),
    by("nice", Inode, "nice df /"),
    by("ionice", Inode, "ionice -c 3 df /"),
    by("timeout", Inode, "timeout 9 df /"),
    by("stdbuf", Inode, "stdbuf -o0 df /"),
    by("chrt", Inode, "chrt --other 0 df /"),
    by("taskset", Inode, "taskset 1 df /"),
    by("setarch", Inode, "setarch -R df /"),
    by("linux64", Inode, "linux64 df /"),
    by("prlimit", Inode, "prlimit --core=0 df /"),
    by("choom", Inode, "choom -n 0 -- df /"),
    by("setpriv", Inode, "setpriv --no-new-privs df /"),
    by("flock", Inode, "flock x df /"),
    by("script", Inode, "script -qc 'df /' x"),
    by("watch", Inode, "script -qc \"timeout 4 watch -n 1 'df / >ran'\" x; cat ran"),
    by(
        "start-stop-daemon",
        Inode,
        "/sbin/start-stop-daemon --start --pidfile \"$PWD/none\" --exec /usr/bin/df -- /",
    ),
    by("run-parts", Inode, "mkdir d; ln -s /usr/bin/df d/x; run-parts -a / d"),
    by("dbus-run-session", Inode, "dbus-run-session -- df /"),
    by("ssh-agent", Inode, "ssh-agent df /"),
    by("systemd-cat", Inode, "systemd-cat sh -c \"df / >$PWD/ran\"; cat ran"),
    by(
        "systemd-socket-activate",
        Inode,
        r#"timeout 10 systemd-socket-activate --inetd -a -l "127.0.0.1:$((PORT + UID))" df / &
for i in {1..40}; do exec 7<>"/dev/tcp/127.0.0.1/$((PORT + UID))" && break; sleep 0.2; done; cat <&7; kill %1"#,
    ),
    by("find -exec", Inode, r#"find . -maxdepth 0 -exec df / \;"#),
    by("find -exec with many files", Inode, "find / -maxdepth 0 -exec df {} +"),
    by("find -execdir", Inode, r#"touch x; PATH=/usr/bin:/bin find . -name x -execdir df / \;"#),
    by("find -ok", Inode, r#"yes | find . -maxdepth 0 -ok df / \;"#),
    by("50 at once", Inode, "for i in {1..50}; do df / & done; wait"),
];

const OPTIONS: &[Technique] = &[
    by("a shell within less", Inode, r#"echo text >x; { sleep 1; printf '!/usr/bin/df / >ran\n'; sleep 1; printf '\nq'; sleep 1; } | script -qc 'less x' log; cat ran"#),
    by("LESSOPEN", Inode, "echo text >x; LESSOPEN='|/usr/bin/df / %s' less x"),
    by("LESSCLOSE", Inode, "echo text >x; LESSOPEN='echo x; : %s' LESSCLOSE='/usr/bin/df / >&2; : %s %s' less x"),
    by("the editor of less", Inode, r#"echo text >x; { sleep 1; printf v; sleep 1; printf '\nq'; sleep 1; } | LESSEDIT='/usr/bin/df / >ran; : %%f' script -qc 'less x' log; cat ran"#),
    by("a shell within more", Inode, r#"seq 200 >x; { sleep 1; printf '!'; sleep 1; printf '/usr/bin/df / >ran\n'; sleep 1; printf q; sleep 1; } | script -qc 'more x' log; cat ran"#),
    by("the pager of systemctl", Inode, r#"echo 'df / >ran; cat' >p; SYSTEMD_PAGERSECURE=0 SYSTEMD_PAGER="sh $PWD/p" script -qc 'systemctl --user list-units' log; cat ran"#),
    by("the editor of crontab", Inode, r#"EDITOR='sh -c "df /"' crontab -e"#),
    by("the editor of systemctl", Inode, r#"SYSTEMD_EDITOR='sh -c "df / >ran"' script -qc 'systemctl --user edit --force --full e2e-edited.service' log; cat ran"#).unless("systemd wants something to be written"),
    by("ProxyCommand of ssh", Inode, r#"timeout 5 ssh -F none -o ProxyCommand='sh -c "df / >ran; sleep 1"' host; cat ran"#),
    by("Match exec of ssh", Inode, r#"echo 'Match exec "df / >&2"' >x; timeout 5 ssh -F x -G host >/dev/null"#),
    by("LocalCommand of ssh", Inode, "$SELF -o PermitLocalCommand=yes -o LocalCommand='df /' localhost true"),
    by("KnownHostsCommand of ssh", Inode, "timeout 5 ssh -F none -o KnownHostsCommand='/bin/sh -c \"df / >&2\"' -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes localhost"),
    by("SSH_ASKPASS", Untrusted, r#"ssh-keygen -q -t ed25519 -N secret -f key; printf '#!/bin/sh\ndf / >&2\n' >x; chmod +x x; SSH_ASKPASS_REQUIRE=force SSH_ASKPASS=./x timeout 5 ssh-keygen -y -f key"#),
    by("sftp -S", Untrusted, r#"printf '#!/bin/sh\ndf / >&2\n' >x; chmod +x x; sftp -S ./x host"#),
    by("sftp -D", Inode, "printf 'df / >&2\\n' >s; sftp -D '/bin/sh s'"),
    by("the shell within sftp", Inode, "echo '!df /' | sftp -D /usr/lib/openssh/sftp-server"),
    by("the password program of wget", Untrusted, r#"printf '#!/bin/sh\ndf / >&2\n' >x; chmod +x x; wget -q --use-askpass=./x http://host.invalid/"#),
    by("tar --to-command", Inode, "echo x >x; tar cf x.tar x; tar xf x.tar --to-command='df /'"),
    by("tar --checkpoint-action", Inode, "echo x >x; tar cf x.tar --checkpoint=1 --checkpoint-action=exec='df / >&2' x"),
    by("tar -I", Inode, "echo x >x; tar cf x.tar -I 'sh -c \"df / >&2\"' x"),
    by("tar --new-volume-script", Inode, "head -c 30000 /dev/zero >x; tar cf x.tar -L 10 -F 'df / >&2; exit 1' x"),
    by("sort --compress-program", Untrusted, r#"printf '#!/bin/sh\ndf / >&2; cat\n' >x; chmod +x x; seq 1000 | sort -S 1k --compress-program=./x >/dev/null"#),
    by("split --filter", Inode, "echo x | split --filter='df /' -"),
    by("install --strip-program", Inode, "cp /bin/true x; ln -s /usr/bin/df d; install -s --strip-program=./d x y"),
    by("a program that dpkg runs before", Inode, "mkdir -p a/updates a/info; touch a/status; dpkg --force-not-root --admindir=a --log=/dev/null --pre-invoke='df / >&2' --configure -a"),
    by("the pager of dpkg", Inode, "DPKG_PAGER='sh -c \"df / >ran\"' script -qc 'dpkg -l' log; cat ran")
        .unless("Debian 13's dpkg starts another pager"),
];

const INTERPRETERS: &[Technique] = &[
    by("awk system", Inode, r#"awk 'BEGIN { system("df /") }'"#),
    by("awk getline", Inode, r#"awk 'BEGIN { while ("df /" | getline line) print line }'"#),
    by("a pipe of awk", Inode, r#"awk 'BEGIN { print "df /" | "sh" }'"#),
    by("sed, the command e", Inode, "echo x | sed '1e df /'"),
    by("sed, the flag e", Inode, "echo 'df /' | sed 's/x*//e'"),
    by("perl system", Inode, r#"perl -e 'system "/usr/bin/df", "/"'"#),
    by("perl exec", Inode, r#"perl -e 'exec {"/usr/bin/df"} "ls", "/"'"#),
    by("perl backticks", Inode, r#"perl -e 'print `df /`'"#),
    by("a pipe of perl", Inode, r#"perl -e 'open my $f, "-|", "df", "/"; print <$f>'"#),
    by("a file name that perl opens", Inode, "perl -ne print 'df / |'"),
    by(
        "perl open3",
        Inode,
        r#"perl -MIPC::Open3 -e 'my $p = open3(undef, ">&STDOUT", undef, "df", "/"); waitpid $p, 0'"#,
    ),
    by(
        "execve by its number, in perl",
        Inode,
        r#"perl -e '$p = "/usr/bin/df\0"; $q = "/\0"; $v = pack("ppQ", $p, $q, 0); syscall 59, $p, $v, 0'"#,
    ),
    by("PERL5OPT", Inode, r#"echo 'system "df /"; 1' >x.pm; PERL5OPT=-Mx PERL5LIB=. perl -e 1"#),
    by("the debugger of perl", Inode, r#"PERL5DB='BEGIN { system "df /" } sub DB::DB {}' perl -d -e 1"#),
    by("python os.system", Inode, r#"python3 -c 'import os; os.system("df /")'"#),
    by("python subprocess", Inode, r#"python3 -c 'import subprocess; subprocess.run(["df", "/"])'"#),
    by("python os.execv", Inode, r#"python3 -c 'import os; os.execv("/usr/bin/df", ["ls", "/"])'"#),
    by("python os.popen", Inode, r#"python3 -c 'import os; print(os.popen("df /").read())'"#),
    by(
        "python posix_spawn",
        Inode,
        r#"python3 -c 'import os; os.waitpid(os.posix_spawn("/usr/bin/df", ["df", "/"], {}), 0)'"#,
    ),
    by("python pty.spawn", Inode, r#"python3 -c 'import pty; pty.spawn(["df", "/"])'"#),
    by(
        "python asyncio",
        Inode,
        r#"python3 -c 'import asyncio
async def main(): await (await asyncio.create_subprocess_exec("df", "/")).wait()
asyncio.run(main())'"#,
    ),
    by("python imaplib", Inode, r#"python3 -c 'import imaplib; imaplib.IMAP4_stream("df / >&2")'"#),
    by(
        "python pickle",
        Inode,
        r#"python3 -c 'import pickle; pickle.loads(b"cposix\nsystem\n(S\"df /\"\ntR.")'"#,
    ),
    by(
        "a module found by PYTHONPATH",
        Inode,
        r#"echo 'import os; os.system("df /")' >sitecustomize.py; PYTHONPATH=. python3 -c 1"#,
    ),
    by(
        "PYTHONSTARTUP",
        Inode,
        r#"echo 'import os; os.system("df /")' >x; echo | PYTHONSTARTUP=x python3 -i"#,
    ),
    by(
        "a program in an archive, for python",
        Inode,
        r#"python3 -c 'import zipfile; zipfile.ZipFile("x", "w").writestr("__main__.py", "import os; os.system(\"df /\")")'; python3 x"#,
    ),
    by("the C library's system", Inode, r#"python3 -c 'import ctypes; ctypes.CDLL(None).system(b"df /")'"#),
    by(
        "the C library's wordexp",
        Inode,
        r#"python3 -c 'import ctypes; ctypes.CDLL(None).wordexp(b"$(df / >&2)", ctypes.create_string_buffer(64), 16)'"#,
    ),
    by(
        "the C library's posix_spawn, which uses vfork",
        Inode,
        r#"python3 -c 'import ctypes, os
spawn, pid = ctypes.CDLL(None).posix_spawn, ctypes.c_int()
spawn(ctypes.byref(pid), b"/usr/bin/df", None, None, (ctypes.c_char_p * 3)(b"df", b"/", None), None); os.waitpid(pid.value, 0)'"#,
    ),
    by(
        "clone by its number",
        Inode,
        r#"python3 -c 'import ctypes, os
pid = ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0)
os.waitpid(pid, 0) if pid else os.execv("/usr/bin/df", ["df", "/"])'"#,
    ),
    by(
        "exec in a thread",
        Inode,
        r#"python3 -c 'import os, threading
thread = threading.Thread(target=os.execv, args=("/usr/bin/df", ["df", "/"])); thread.start(); thread.join()'"#,
    ),
    by("a process that ptrace makes execute it", Inode, r#"python3 "$KIT/tracer.py" /usr/bin/df /"#),
];

const SCRIPTS: &[Technique] = &[
    by("a script for bash", Inode, "echo 'df /' >x; bash x"),
    by("a script on the standard input of sh", Inode, "echo 'df /' >x; sh <x"),
    by("source", Inode, "echo 'df /' >x; . ./x"),
    by("source of a pipe", Inode, "echo 'df /' | . /dev/stdin"),
    by("a script that is executed", Untrusted, "printf '#!/bin/sh\\ndf /\\n' >x; chmod +x x; ./x"),
    by("a script without an interpreter's line", Untrusted, "echo 'df /' >x; chmod +x x; ./x"),
    by("it as an interpreter", Untrusted, "printf '#!/usr/bin/df\\n' >x; chmod +x x; ./x"),
    by(
        "it as the argument of an interpreter",
        Untrusted,
        "printf '#!/usr/bin/env df\\n' >x; chmod +x x; ./x",
    ),
    by(
        "four interpreters, one of the other",
        Untrusted,
        "printf '#!/usr/bin/df\\n' >1; for i in 2 3 4; do echo \"#!$PWD/$((i - 1))\" >$i; done; chmod +x *; ./4",
    ),
    by(
        "a chain of 1,000 scripts",
        Inode,
        "echo '[ $1 = 1000 ] && exec df /; exec sh x $(($1 + 1))' >x; sh x 1",
    ),
    by(
        "scripts that call scripts, 50 deep",
        Inode,
        "echo '[ $1 = 50 ] && exec df /; sh x $(($1 + 1)); exit' >x; sh x 1",
    ),
    by("a script on a descriptor", Inode, "exec 7<<<'df /'; bash /dev/fd/7"),
];

const DESCRIPTORS: &[Technique] = &[
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

const COPIES: &[Technique] = &[
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

const NAMESPACES: &[Technique] = &[
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

const MAPPINGS: &[Technique] = &[
    by("the dynamic linker", Mapping, "/lib64/ld-linux-x86-64.so.2 /usr/bin/df /"),
    by("the dynamic linker by its other name", Mapping, "ld.so /usr/bin/df /"),
    by(
        "the dynamic linker, with options",
        Mapping,
        "/lib64/ld-linux-x86-64.so.2 --inhibit-cache --argv0 ls /usr/bin/df /",
    ),
    by("the dynamic linker by a link", Mapping, "ln -s /lib64/ld-linux-x86-64.so.2 x; ./x /usr/bin/df /"),
    by("the dynamic linker, for a link", Mapping, "ln -s /usr/bin/df x; /lib64/ld-linux-x86-64.so.2 ./x /"),
    by(
        "the dynamic linker, for a descriptor",
        Mapping,
        "exec 7</usr/bin/df; /lib64/ld-linux-x86-64.so.2 /proc/self/fd/7 /",
    ),
    by(
        "the dynamic linker, for a bind mount",
        Mapping,
        "unshare -rm sh -c 'mount --bind /usr/bin/df /usr/bin/tty && exec /lib64/ld-linux-x86-64.so.2 /usr/bin/tty /'",
    ),
    by(
        "the dynamic linker, for a copy",
        Untrusted,
        "cp /usr/bin/df x; chmod -x x; /lib64/ld-linux-x86-64.so.2 ./x /",
    ),
    by(
        "the dynamic linker, for a file in memory",
        Untrusted,
        r#"python3 -c 'import os
file = os.memfd_create("x", 0); os.write(file, open("/usr/bin/df", "rb").read())
os.execv("/lib64/ld-linux-x86-64.so.2", ["ld.so", f"/proc/self/fd/{file}", "/"])'"#,
    ),
    by(
        "the dynamic linker, for a program on a tmpfs of one's own",
        Untrusted,
        "mkdir d; unshare -rm sh -c 'mount -t tmpfs x d && cp /usr/bin/df d && exec /lib64/ld-linux-x86-64.so.2 d/df /'",
    ),
    by("a copy of the dynamic linker", Untrusted, "cp /lib64/ld-linux-x86-64.so.2 x; ./x /usr/bin/df /"),
    by(
        "the dynamic linker as an interpreter",
        Untrusted,
        "printf '#!/lib64/ld-linux-x86-64.so.2 /usr/bin/df\\n' >x; chmod +x x; ./x",
    ),
    by("mapping by hand", Mapping, r#"python3 "$KIT/loader.py" file /usr/bin/df /"#),
    by("mapping by hand, executable afterwards", Mapping, r#"python3 "$KIT/loader.py" later /usr/bin/df /"#),
    by("mapping a copy by hand", Untrusted, r#"cp /usr/bin/df x; python3 "$KIT/loader.py" file ./x /"#),
    by(
        "mapping a copy by hand, executable afterwards",
        Untrusted,
        r#"cp /usr/bin/df x; python3 "$KIT/loader.py" later ./x /"#,
    ),
];

const LIBRARIES: &[Technique] = &[
    by("LD_PRELOAD", Untrusted, r#"LD_PRELOAD="$KIT/own.so" /usr/bin/true"#),
    by(
        "LD_PRELOAD of a file in memory",
        Untrusted,
        r#"python3 -c 'import os, sys
file = os.memfd_create("x", 0); os.write(file, open(sys.argv[1], "rb").read())
os.execve("/usr/bin/true", ["true"], {"LD_PRELOAD": f"/proc/self/fd/{file}"})' "$KIT/own.so""#,
    ),
    by(
        "LD_PRELOAD of a file that is removed",
        Untrusted,
        r#"cp "$KIT/own.so" x; exec 7<x; rm x; LD_PRELOAD=/proc/self/fd/7 /usr/bin/true"#,
    ),
    by(
        "LD_PRELOAD of a library on a tmpfs of one's own",
        Untrusted,
        r#"mkdir d; unshare -rm sh -c 'mount -t tmpfs x d && cp "$KIT/own.so" d && LD_PRELOAD=$PWD/d/own.so /usr/bin/true'"#,
    ),
    by("LD_AUDIT", Untrusted, r#"LD_AUDIT="$KIT/own.so" /usr/bin/true"#),
    by(
        "the dynamic linker, --preload",
        Untrusted,
        r#"/lib64/ld-linux-x86-64.so.2 --preload "$KIT/own.so" /usr/bin/true"#,
    ),
    by(
        "the dynamic linker, --audit",
        Untrusted,
        r#"/lib64/ld-linux-x86-64.so.2 --audit "$KIT/own.so" /usr/bin/true"#,
    ),
    by(
        "a library that python opens",
        Untrusted,
        r#"python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$KIT/own.so""#,
    ),
    by(
        "a library in memory that python opens",
        Untrusted,
        r#"python3 -c 'import ctypes, os, sys
file = os.memfd_create("x"); os.write(file, open(sys.argv[1], "rb").read()); ctypes.CDLL(f"/proc/self/fd/{file}")' "$KIT/own.so""#,
    ),
    by("an extension of python", Untrusted, r#"cp "$KIT/own.so" mine.so; python3 -c 'import mine'"#),
    by(
        "an extension of perl",
        Untrusted,
        r#"perl -MDynaLoader -e 'DynaLoader::dl_load_file($ARGV[0])' "$KIT/own.so""#,
    ),
    by("a builtin of bash", Untrusted, r#"enable -f "$KIT/own.so" mine"#),
    by(
        "a character set for iconv",
        Untrusted,
        r#"cp "$KIT/own.so" mine.so; echo 'module MINE// INTERNAL mine 1' >gconv-modules; echo x | GCONV_PATH=. iconv -f MINE -t UTF-8"#,
    ),
    by(
        "a smart card's library for ssh-keygen",
        Untrusted,
        r#"{ cat "$KIT/own.so"; printf C_GetFunctionList; } >mine.so; ssh-keygen -D "$PWD/mine.so""#,
    ),
];

const MEMORY: &[Technique] = &[
    by("a program read into memory", Memory, r#"python3 "$KIT/loader.py" copy /usr/bin/df /"#),
    by(
        "a program read into memory that is shared",
        Memory,
        r#"python3 "$KIT/loader.py" shared /usr/bin/df /"#,
    ),
    by(
        "code in memory that is written and executable at once",
        Memory,
        r#"python3 -c 'import ctypes, mmap, sys; sys.path.insert(0, sys.argv[1]); import own
memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7); memory.write(own.code(own.RETURN))
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()' "$KIT""#,
    ),
    by(
        "code on the stack, by mprotect",
        Memory,
        r#"python3 -c 'import ctypes, sys; sys.path.insert(0, sys.argv[1]); import own
code = own.code(own.RETURN); buffer = ctypes.create_string_buffer(code, 8192); at = ctypes.addressof(buffer)
protect = ctypes.CDLL(None, use_errno=True).mprotect; protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
assert protect(at & ~4095, 8192, 7) == 0, ctypes.get_errno()
ctypes.CFUNCTYPE(None)(at)()' "$KIT""#,
    ),
    by("code written over a program's own, by /proc/self/mem", Memory, r#"python3 -c 'import ctypes, sys; sys.path.insert(0, sys.argv[1]); import own
function = ctypes.CDLL(None).labs
with open("/proc/self/mem", "r+b", buffering=0) as memory: memory.seek(ctypes.cast(function, ctypes.c_void_p).value); memory.write(own.code(own.RETURN))
function(1)' "$KIT""#).unless("kernels can be configured to refuse it"),
    by("code written into a private mapping of a trusted library", Memory, r#"python3 -c 'import ctypes, mmap, os, sys; sys.path.insert(0, sys.argv[1]); import own
memory = mmap.mmap(os.open("/lib/x86_64-linux-gnu/libc.so.6", os.O_RDONLY), 4096, mmap.MAP_PRIVATE, 7); memory.write(own.code(own.RETURN))
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()' "$KIT""#),
    by("code written into such a mapping, executable afterwards", Memory, r#"python3 -c 'import ctypes, mmap, os, sys; sys.path.insert(0, sys.argv[1]); import own
memory = mmap.mmap(os.open("/lib/x86_64-linux-gnu/libc.so.6", os.O_RDONLY), 4096, mmap.MAP_PRIVATE, 3); memory.write(own.code(own.RETURN))
at = ctypes.addressof(ctypes.c_char.from_buffer(memory)); protect = ctypes.CDLL(None).mprotect; protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
assert protect(at, 4096, 5) == 0; ctypes.CFUNCTYPE(None)(at)()' "$KIT""#),
];

const RACES: &[Technique] = &[
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

const CHANGES: &[Technique] = &[
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

const READS: &[Technique] = &[
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

const CONNECTIONS: &[Technique] = &[
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

/// What works under the policy, too. `docs/threats.md` says so; whoever closes one of these moves it to its group.
pub(super) const OPEN: &[Technique] = &[by(
    "an interpreter that does the work itself",
    Nothing,
    r#"python3 -c 'import os; got = os.statvfs("/"); print("Filesystem     1K-blocks", got.f_blocks)'"#,
)];
