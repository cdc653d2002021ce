// SPDX-License-Identifier: MIT OR Apache-2.0
//! By what runs scripts.

use super::super::{
    Stop::{Inode, Untrusted},
    Technique, by,
};

pub(super) const INTERPRETERS: &[Technique] = &[
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

pub(super) const SCRIPTS: &[Technique] = &[
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
