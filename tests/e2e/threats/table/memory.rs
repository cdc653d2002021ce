// SPDX-License-Identifier: MIT OR Apache-2.0
//! Without executing anything.

use super::super::{
    Stop::{Mapping, Memory, Untrusted},
    Technique, by,
};

pub(super) const MAPPINGS: &[Technique] = &[
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

pub(super) const LIBRARIES: &[Technique] = &[
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

pub(super) const MEMORY: &[Technique] = &[
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
