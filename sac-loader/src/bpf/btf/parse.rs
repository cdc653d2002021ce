// SPDX-License-Identifier: MIT OR Apache-2.0
//! BTF as bytes: the type table and the strings, read without trusting either.

use std::collections::HashMap;

const MAGIC: u16 = 0xeb9f;
const HEADER_BYTES: usize = 24;

/// A parameter of a prototype: its name and its type.
const PARAMETER_BYTES: usize = 8;

/// What a type is, as far as member look-ups tell types apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `struct` or `union`.
    Structure,
    /// A pointer.
    Pointer,
    /// An integer, enumeration or floating-point number: the size stands in the type.
    Scalar,
    /// An array.
    Array,
    /// `typedef`, `const`, `volatile`, `restrict` or a type tag: stands for another type.
    Alias,
    /// A function; the kernel names LSM hooks by them.
    Function,
    /// What a function takes and gives.
    Prototype,
    /// Whatever else.
    Other,
}

/// One entry of the type table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type<'a> {
    pub(super) kind: Kind,
    /// Whether member offsets carry a bit-field size in their upper byte.
    kind_flag: bool,
    name_offset: u32,
    size_or_type: u32,
    /// What follows the entry, by kind.
    tail: &'a [u8],
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug)]
pub(super) struct StructMember {
    pub(super) name_offset: u32,
    pub(super) type_id: u32,
    offset: u32,
    kind_flag: bool,
}

impl StructMember {
    /// Byte offset; `None` for a bit field.
    pub(super) fn offset_bytes(&self) -> Option<u32> {
        let (bit_field_bits, offset_bits) =
            if self.kind_flag { (self.offset >> 24, self.offset & 0xff_ffff) } else { (0, self.offset) };
        (bit_field_bits == 0 && offset_bits % 8 == 0).then_some(offset_bits / 8)
    }
}

impl<'a> Type<'a> {
    /// The members, where this is a struct or union.
    pub(super) fn members(self) -> impl Iterator<Item = StructMember> + 'a {
        let tail = if self.kind == Kind::Structure { self.tail } else { &[] };
        tail.chunks_exact(12).filter_map(move |member| {
            Some(StructMember {
                name_offset: u32_at(member, 0)?,
                type_id: u32_at(member, 4)?,
                offset: u32_at(member, 8)?,
                kind_flag: self.kind_flag,
            })
        })
    }
}

/// The type table.
pub(super) struct Types<'a> {
    /// By id; id 0 is `void`.
    types: Vec<Type<'a>>,
    strings: &'a [u8],
    structs: HashMap<&'a [u8], u32>,
}

impl<'a> Types<'a> {
    /// Reads the table; the error says what is wrong with the bytes.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "it ends too early";
        if bytes.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err("it does not begin with BTF's mark");
        }
        let header_bytes =
            u32_at(bytes, 4).and_then(to_usize).filter(|&len| len >= HEADER_BYTES).ok_or(SHORT)?;
        let section = |at: usize| -> Option<&'a [u8]> {
            let start = to_usize(u32_at(bytes, at)?)?.checked_add(header_bytes)?;
            bytes.get(start..start.checked_add(to_usize(u32_at(bytes, at + 4)?)?)?)
        };
        let strings = section(16).ok_or(SHORT)?;
        let mut rest = section(8).ok_or(SHORT)?;
        let void = Type { kind: Kind::Other, kind_flag: false, name_offset: 0, size_or_type: 0, tail: &[] };
        let mut table = Self { types: vec![void], strings, structs: HashMap::new() };
        while !rest.is_empty() {
            let (entry, behind) = Self::entry(rest)?;
            rest = behind;
            let id = u32::try_from(table.types.len()).map_err(|_overflow| "it has too many types")?;
            if entry.kind == Kind::Structure {
                table.structs.entry(table.name(entry.name_offset)).or_insert(id);
            }
            table.types.push(entry);
        }
        Ok(table)
    }

    /// Reads one entry; gives what is behind it. The numbers are the `BTF_KIND_*` of include/uapi/linux/btf.h.
    fn entry(bytes: &'a [u8]) -> Result<(Type<'a>, &'a [u8]), &'static str> {
        const DAMAGED: &str = "a type is damaged";
        let name_offset = u32_at(bytes, 0).ok_or(DAMAGED)?;
        let info = u32_at(bytes, 4).ok_or(DAMAGED)?;
        let size_or_type = u32_at(bytes, 8).ok_or(DAMAGED)?;
        // 16 bits, so that no product below overflows.
        let count = to_usize(info & 0xffff).ok_or(DAMAGED)?;
        let (kind, tail_bytes) = match info >> 24 & 0x1f {
            1 => (Kind::Scalar, 4),
            2 => (Kind::Pointer, 0),
            3 => (Kind::Array, 12),
            4 | 5 => (Kind::Structure, count * 12),
            6 => (Kind::Scalar, count * 8),
            8 | 9 | 10 | 11 | 18 => (Kind::Alias, 0),
            7 => (Kind::Other, 0),
            12 => (Kind::Function, 0),
            13 => (Kind::Prototype, count * PARAMETER_BYTES),
            14 | 17 => (Kind::Other, 4),
            15 => (Kind::Other, count * 12),
            16 => (Kind::Scalar, 0),
            19 => (Kind::Scalar, count * 12),
            _ => return Err("it has a kind of type that SAC does not know"),
        };
        let tail = bytes.get(12..).and_then(|behind| behind.split_at_checked(tail_bytes));
        let (tail, behind) = tail.ok_or(DAMAGED)?;
        Ok((Type { kind, kind_flag: info >> 31 == 1, name_offset, size_or_type, tail }, behind))
    }

    /// The bytes of a name; empty where there is none.
    pub(super) fn name(&self, offset: u32) -> &'a [u8] {
        let from = to_usize(offset).and_then(|offset| self.strings.get(offset..)).unwrap_or_default();
        from.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// The struct or union of this name.
    pub(super) fn struct_named(&self, name: &str) -> Option<Type<'a>> {
        self.types.get(to_usize(*self.structs.get(name.as_bytes())?)?).copied()
    }

    /// The id of the function of this name.
    pub(super) fn function_named(&self, name: &str) -> Option<u32> {
        let is_it = |of: &Type<'_>| of.kind == Kind::Function && self.name(of.name_offset) == name.as_bytes();
        self.types.iter().position(is_it).and_then(|id| u32::try_from(id).ok())
    }

    /// How many parameters the function of this id has.
    pub(super) fn parameters(&self, function: u32) -> Option<u32> {
        let function = self.types.get(to_usize(function)?).filter(|of| of.kind == Kind::Function)?;
        let prototype = self.types.get(to_usize(function.size_or_type)?);
        let prototype = prototype.filter(|of| of.kind == Kind::Prototype)?;
        u32::try_from(prototype.tail.len() / PARAMETER_BYTES).ok()
    }

    /// The type behind any aliases.
    pub(super) fn resolve(&self, mut id: u32) -> Option<Type<'a>> {
        // Real chains have two or three links; a long one is a loop in damaged BTF.
        for _ in 0..64 {
            let found = *self.types.get(to_usize(id)?)?;
            if found.kind != Kind::Alias {
                return Some(found);
            }
            id = found.size_or_type;
        }
        None
    }

    /// Size of a resolved type.
    pub(super) fn size_bytes(&self, of: Type<'_>) -> Option<u32> {
        match of.kind {
            Kind::Structure | Kind::Scalar => Some(of.size_or_type),
            Kind::Pointer => Some(8),
            Kind::Array => {
                let element = self.resolve(u32_at(of.tail, 0)?)?;
                let element_bytes =
                    if element.kind == Kind::Array { return None } else { self.size_bytes(element)? };
                element_bytes.checked_mul(u32_at(of.tail, 8)?)
            }
            Kind::Alias | Kind::Function | Kind::Prototype | Kind::Other => None,
        }
    }
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

fn to_usize(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}
