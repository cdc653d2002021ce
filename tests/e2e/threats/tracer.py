"""Makes a process that may do nothing but `true` execute another program: `tracer.py PROGRAM ARGUMENT`, by ptrace."""

import ctypes
import os
import struct
import sys

TRACEME, POKE, CONTINUE, GET, SET = 0, 5, 7, 12, 13
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
AX, DI, SI, DX, IP, SP = 10, 14, 13, 12, 16, 19

child = os.fork()
if child == 0:
    LIBC.ptrace(TRACEME, 0, None, None)
    os.execv("/usr/bin/true", ["true"])
os.waitpid(child, 0)
registers = (ctypes.c_ulonglong * 27)()
LIBC.ptrace(GET, child, None, registers)


def poke(address, content):
    for offset in range(0, len(content), 8):
        (word,) = struct.unpack("<Q", content[offset : offset + 8].ljust(8, b"\0"))
        LIBC.ptrace(POKE, child, address + offset, word)


at = registers[SP] - 4096 & ~15
texts = [text.encode() + b"\0" for text in sys.argv[1:3]]
first, second = at, at + 512
poke(first, texts[0])
poke(second, texts[1])
poke(at + 1024, struct.pack("<QQQ", first, second, 0))
poke(registers[IP], b"\x0f\x05" + b"\xf4" * 6)
for number, value in (AX, 59), (DI, first), (SI, at + 1024), (DX, 0):
    registers[number] = value
LIBC.ptrace(SET, child, None, registers)
LIBC.ptrace(CONTINUE, child, None, None)
# It stops once more when the new program is in place.
os.waitpid(child, 0)
LIBC.ptrace(CONTINUE, child, None, None)
os.waitpid(child, 0)
