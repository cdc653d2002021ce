"""Runs a program without executing it: `loader.py HOW PROGRAM [ARGUMENT…]` does what the kernel and the dynamic linker would do.

HOW: `file` maps the files, `later` maps them and makes them executable afterwards, `copy` reads them into memory that is no
file's, `shared` into memory that is no file's and shared.
"""

import ctypes
import os
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
SHARED, PRIVATE, FIXED, ANONYMOUS = 1, 2, 16, 32
PAGE = 4096


def up(address):
    return -(-address // PAGE) * PAGE


def check(failed):
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mmap(address, size, protection, flags, file=-1, offset=0):
    got = LIBC.mmap(address, size, protection, flags, file, offset)
    check(got == 2**64 - 1)
    return got


def protect(address, size, protection):
    check(LIBC.mprotect(address, size, protection) != 0)


def load(how, path):
    """Brings a program into memory: gives where it begins, its first instruction, its headers and its interpreter."""
    file = os.open(path, os.O_RDONLY)
    data = os.read(file, os.fstat(file).st_size)
    entry, headers = struct.unpack_from("<QQ", data, 24)
    (count,) = struct.unpack_from("<H", data, 56)
    segments = [struct.unpack_from("<IIQQQQQQ", data, headers + 56 * index) for index in range(count)]
    end = max(address + size for kind, _, _, address, _, _, size, _ in segments if kind == 1)
    base = mmap(None, up(end), 0, PRIVATE | ANONYMOUS)
    interpreter = None
    for kind, flags, offset, address, _, in_file, size, _ in segments:
        if kind == 3:
            interpreter = data[offset : offset + in_file - 1].decode()
        if kind != 1:
            continue
        protection = (flags & 4 and 1) | flags & 2 | (flags & 1 and 4)
        before = address % PAGE
        start = base + address - before
        whole = up(size + before)
        if how in ("file", "later"):
            at_first = protection if how == "file" else protection & ~4
            mmap(start, in_file + before, at_first, PRIVATE | FIXED, file, offset - before)
            mapped = up(in_file + before)
            if size > in_file:
                ctypes.memset(start + before + in_file, 0, mapped - before - in_file)
            if whole > mapped:
                mmap(start + mapped, whole - mapped, protection, PRIVATE | FIXED | ANONYMOUS)
            if how == "later" and protection & 4:
                protect(start, mapped, protection)
        else:
            kept = SHARED if how == "shared" else PRIVATE
            mmap(start, whole, 3, kept | FIXED | ANONYMOUS)
            ctypes.memmove(start + before, data[offset : offset + in_file], in_file)
            protect(start, whole, protection)
    return base, base + entry, base + headers, count, interpreter


def stack(arguments, auxiliary):
    """What a program finds on its stack, at an address that is a multiple of 16."""
    size = 1 << 20
    begin = mmap(None, size, 3, PRIVATE | ANONYMOUS)
    strings = begin + size - PAGE

    def put(content):
        nonlocal strings
        ctypes.memmove(strings, content, len(content))
        strings += len(content)
        return strings - len(content)

    words = [len(arguments), *(put(argument.encode() + b"\0") for argument in arguments), 0]
    words += [put(b"GLIBC_TUNABLES=glibc.pthread.rseq=0\0"), 0]
    auxiliary[25] = put(os.urandom(16))
    words += [word for pair in auxiliary.items() for word in pair] + [0, 0]
    top = begin + size // 2
    ctypes.memmove(top, struct.pack(f"<{len(words)}Q", *words), 8 * len(words))
    return top


def jump(entry, top):
    """Goes on at `entry` with that stack. setcontext sets the registers, so that no code of one's own is needed."""
    context = ctypes.create_string_buffer(4096)
    LIBC.getcontext(context)
    registers = 40
    for number, value in (12, 0), (15, top), (16, entry):
        struct.pack_into("<Q", context, registers + 8 * number, value)
    LIBC.setcontext(context)


def main():
    _, how, program, *arguments = sys.argv
    # The C library's own registration with the kernel has to be free for the program.
    if "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = "glibc.pthread.rseq=0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    _, entry, headers, count, interpreter = load(how, program)
    base, first, _, _, _ = load(how, interpreter)
    user, group = os.getuid(), os.getgid()
    auxiliary = {3: headers, 4: 56, 5: count, 6: PAGE, 7: base, 9: entry, 11: user, 12: user, 13: group, 14: group, 17: 100, 23: 0}
    jump(first, stack([program, *arguments], auxiliary))


main()
