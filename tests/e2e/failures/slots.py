# SPDX-License-Identifier: MIT OR Apache-2.0
"""Takes hooks that can hold cgroup programs, all ten or as many as its argument says, as other software could, and holds them.

Each of as many hooks that SAC has no cgroup program for gets a program that allows everything, on a cgroup that nobody is in.
"""
import ctypes
import os
import platform
import struct
import sys
import time

HOOKS = ["inode_unlink", "inode_rmdir", "inode_rename", "inode_link", "inode_create",
         "inode_symlink", "inode_mknod", "inode_setattr", "inode_setxattr", "inode_removexattr"]
HOOKS = HOOKS[:int(sys.argv[1])] if len(sys.argv) > 1 else HOOKS
BPF = 321
PROG_LOAD, LINK_CREATE = 5, 28
PROG_TYPE_LSM, LSM_CGROUP = 29, 43
KIND_FUNC = 12
# How many bytes follow a type of a kind (Documentation/bpf/btf.rst): in any case, and for each member.
AFTER = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0), 19: (0, 12)}

assert platform.machine() == "x86_64"
syscall = ctypes.CDLL(None, use_errno=True).syscall


def bpf(command, attributes):
    attributes = attributes.ljust(144, b"\0")
    result = syscall(BPF, command, attributes, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def functions(wanted):
    """The numbers of these functions in the kernel's BTF."""
    btf = open("/sys/kernel/btf/vmlinux", "rb").read()
    _, _, _, header, types, types_len, strings, _ = struct.unpack_from("<HBBIIIII", btf)
    types, strings = types + header, strings + header
    names = {}
    for name in wanted:
        at = btf.index(b"\0" + name.encode() + b"\0", strings) + 1
        names[at - strings] = name
    found, at, number = {}, types, 1
    while at < types + types_len:
        name, info = struct.unpack_from("<II", btf, at)
        kind, members = info >> 24 & 31, info & 0xFFFF
        if kind == KIND_FUNC and name in names:
            found[names[name]] = number
        fixed, each = AFTER.get(kind, (0, 0))
        at, number = at + 12 + fixed + each * members, number + 1
    return found


ALLOW = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, 1, 0x95, 0, 0, 0), 16)
LICENCE = ctypes.create_string_buffer(b"GPL")
os.makedirs("/sys/fs/cgroup/e2e-slots", exist_ok=True)
cgroup = os.open("/sys/fs/cgroup/e2e-slots", os.O_RDONLY)
held = []
numbers = functions(["bpf_lsm_" + hook for hook in HOOKS])
for hook in HOOKS:
    load = struct.pack("<IIQQIIQII16sIIIIQIIQIII", PROG_TYPE_LSM, 2, ctypes.addressof(ALLOW), ctypes.addressof(LICENCE),
                       0, 0, 0, 0, 0, b"e2e", 0, LSM_CGROUP, 0, 0, 0, 0, 0, 0, 0, numbers["bpf_lsm_" + hook], 0)
    program = bpf(PROG_LOAD, load)
    # Places that were given up come back a moment later.
    for _ in range(100):
        try:
            held.append((program, bpf(LINK_CREATE, struct.pack("<IIII", program, cgroup, LSM_CGROUP, 0))))
            break
        except OSError as error:
            refused = error
            time.sleep(0.1)
    else:
        raise refused
open("/run/e2e/taken", "w").close()
while True:
    time.sleep(3600)
