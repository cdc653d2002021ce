"""Writes native code of one's own, byte by byte: `own`, a program, and `own.so`, a library that runs when it is loaded.

Both print what df prints first.
"""

import os
import struct

MARK = b"Filesystem     1K-blocks\n"
LOAD, DYNAMIC, STACK = 1, 2, 0x6474E551
# write(1, MARK, sizeof MARK); the displacement of MARK and its size are filled in.
WRITE = bytes.fromhex("b801000000 bf01000000 488d35") + b"%s" + bytes.fromhex("ba") + b"%s" + bytes.fromhex("0f05")
EXIT = bytes.fromhex("b83c000000 31ff 0f05")
RETURN = b"\xc3"


def code(end):
    """Machine code that prints MARK and then does `end`; it needs no place of its own."""
    after = 7 + len(end)  # what lies between the end of the instruction that takes the address and MARK
    return WRITE % (struct.pack("<i", after), struct.pack("<I", len(MARK))) + end + MARK


def segment(kind, flags, offset, size):
    return struct.pack("<IIQQQQQQ", kind, flags, offset, offset, offset, size, size, 4096 if kind == LOAD else 8)


def image(kind, segments, entry, content):
    """An ELF file: `segments` are made of its whole size, which they have to know."""
    start = 64 + 56 * len(segments)
    size = start + len(content)
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", kind, 62, 1, entry, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    return header + b"".join(make(size) for make in segments) + content


def program():
    return image(3, [lambda size: segment(LOAD, 5, 0, size), lambda size: segment(STACK, 6, 0, 0)], 64 + 2 * 56, code(EXIT))


def library():
    start = 64 + 3 * 56
    # One symbol, which the dynamic linker asks an auditing library for.
    symbols, strings, table = start, start + 48, start + 48 + 16
    dynamic = table + 24
    entries = [(12, dynamic + 7 * 16), (4, table), (5, strings), (6, symbols), (10, 12), (11, 24), (0, 0)]
    content = bytes(24) + struct.pack("<IBBHQQ", 1, 0x12, 0, 1, dynamic + 7 * 16, 1)
    content += b"\0la_version\0".ljust(16, b"\0") + struct.pack("<IIIIIxxxx", 1, 2, 1, 0, 0)
    content += b"".join(struct.pack("<QQ", *entry) for entry in entries) + code(RETURN)
    return image(
        3,
        [
            lambda size: segment(LOAD, 7, 0, size),
            lambda size: segment(DYNAMIC, 6, dynamic, 7 * 16),
            lambda size: segment(STACK, 6, 0, 0),
        ],
        0,
        content,
    )


if __name__ == "__main__":
    for name, content in ("own", program()), ("own.so", library()):
        with open(name, "wb") as file:
            file.write(content)
        os.chmod(name, 0o755)
