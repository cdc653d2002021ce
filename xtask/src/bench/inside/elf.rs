// SPDX-License-Identifier: MIT OR Apache-2.0
//! Static programs of a few instructions. The layout is that of elf(5).

/// Where a program is mapped: the usual address of static programs.
const BASE: u64 = 0x40_0000;

/// The size of the headers: of the file, and of its one segment.
const HEADERS: u64 = 64 + 56;

/// A program of three instructions: `exit(0)`. Whatever a policy adds is most visible beside the least that an execution can cost.
pub(super) fn tiny_program() -> Vec<u8> {
    // mov eax, 60 (exit); xor edi, edi; syscall
    program(&[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05])
}

/// A program that waits for ever: the least that can be in a session.
pub(super) fn waiting_program() -> Vec<u8> {
    // mov eax, 34 (pause); syscall; jmp 9 bytes back
    program(&[0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7])
}

/// A program that so many times, at least once, maps a page of its standard input to be executed, and unmaps it. It succeeds if
/// each of the mappings did.
///
/// Rust's standard library maps nothing, and whatever else does is `unsafe`.
pub(super) fn mapping_program(times: u32) -> Vec<u8> {
    // mov r12d, TIMES
    let mut code = vec![0x41, 0xbc];
    code.extend(times.to_le_bytes());
    code.extend([
        0x31, 0xff, // xor edi, edi: anywhere
        0xbe, 0x00, 0x10, 0x00, 0x00, // mov esi, 4096
        0xba, 0x05, 0x00, 0x00, 0x00, // mov edx, 5: PROT_READ | PROT_EXEC
        0x41, 0xba, 0x02, 0x00, 0x00, 0x00, // mov r10d, 2: MAP_PRIVATE
        0x45, 0x31, 0xc0, // xor r8d, r8d: standard input
        0x45, 0x31, 0xc9, // xor r9d, r9d: from its beginning
        0xb8, 0x09, 0x00, 0x00, 0x00, // mov eax, 9: mmap
        0x0f, 0x05, // syscall
        0x48, 0x85, 0xc0, // test rax, rax
        0x78, 0x18, // js 24 bytes on: to `mov edi, 1`
        0x48, 0x89, 0xc7, // mov rdi, rax
        0xbe, 0x00, 0x10, 0x00, 0x00, // mov esi, 4096
        0xb8, 0x0b, 0x00, 0x00, 0x00, // mov eax, 11: munmap
        0x0f, 0x05, // syscall
        0x41, 0xff, 0xcc, // dec r12d
        0x75, 0xc8, // jnz 56 bytes back: to `xor edi, edi`
        0x31, 0xff, // xor edi, edi
        0xeb, 0x05, // jmp over the next one
        0xbf, 0x01, 0x00, 0x00, 0x00, // mov edi, 1
        0xb8, 0x3c, 0x00, 0x00, 0x00, // mov eax, 60: exit
        0x0f, 0x05, // syscall
    ]);
    program(&code)
}

/// A program of this code.
fn program(code: &[u8]) -> Vec<u8> {
    let size = HEADERS + code.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // e_type EXEC, e_machine X86_64, e_version.
    elf.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    // e_entry, e_phoff, e_shoff.
    for word in [BASE + HEADERS, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    // e_flags; e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx.
    elf.extend([0; 4]);
    for half in [64_u16, 56, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    // p_type LOAD, p_flags read and execute, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align.
    elf.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [0, BASE, BASE, size, size, 4096] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(code);
    elf
}
