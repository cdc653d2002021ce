// SPDX-License-Identifier: MIT OR Apache-2.0
//! Look-ups in BTF that is built here, type by type, and in what is left of it after damage.

use super::*;
use proptest::prelude::*;

// `BTF_KIND_*` of include/uapi/linux/btf.h.
const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// Says that member offsets carry a bit-field size.
const KIND_FLAG: u32 = 1 << 31;

/// Builds BTF.
struct Blob {
    types: Vec<u8>,
    strings: Vec<u8>,
    next_id: u32,
}

impl Blob {
    fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], next_id: 1 }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let offset = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        offset
    }

    /// Adds a type with `count` things in its tail; gives its id.
    fn add(&mut self, kind: u32, name: &str, count: u32, size_or_type: u32, tail: &[u32]) -> u32 {
        let name = self.name(name);
        let info = kind & KIND_FLAG | (kind & !KIND_FLAG) << 24 | count;
        for word in [name, info, size_or_type].iter().chain(tail) {
            self.types.extend_from_slice(&word.to_ne_bytes());
        }
        self.next_id += 1;
        self.next_id - 1
    }

    fn int(&mut self, size_bytes: u32) -> u32 {
        self.add(INT, "int", 0, size_bytes, &[size_bytes * 8])
    }

    fn pointer(&mut self) -> u32 {
        self.add(PTR, "", 0, 0, &[])
    }

    /// A struct of members, each with its name, type and offset in bits.
    fn structure(&mut self, name: &str, members: &[(&str, u32, u32)]) -> u32 {
        self.aggregate(STRUCT, name, members)
    }

    fn aggregate(&mut self, kind: u32, name: &str, members: &[(&str, u32, u32)]) -> u32 {
        let mut tail = Vec::new();
        for (name, type_id, offset) in members {
            tail.extend([self.name(name), *type_id, *offset]);
        }
        self.add(kind, name, u32::try_from(members.len()).unwrap(), 64, &tail)
    }

    fn bytes(&self) -> Vec<u8> {
        let words = |len: usize| u32::try_from(len).unwrap().to_ne_bytes();
        let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        for field in [24, 0, self.types.len(), self.types.len(), self.strings.len()] {
            bytes.extend(words(field));
        }
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        bytes
    }
}

fn wanted(container: &'static str, member: &'static str, size_bytes: u32) -> Member {
    Member { symbol: "SYMBOL", container, member, size_bytes }
}

/// Looks for `s.m`.
fn look_up(blob: &Blob, size_bytes: u32) -> Result<u32, BtfError> {
    let bytes = blob.bytes();
    offset(&Types::parse(&bytes).unwrap(), &wanted("s", "m", size_bytes))
}

#[track_caller]
fn check_offset(blob: &Blob, size_bytes: u32, offset_bytes: u32) {
    assert_eq!(look_up(blob, size_bytes).unwrap(), offset_bytes);
}

#[track_caller]
fn check_fault(blob: &Blob, size_bytes: u32, message: &str) {
    assert_eq!(look_up(blob, size_bytes).unwrap_err().to_string(), message);
}

const NO_MEMBER: &str = "this kernel's `struct s` has no member `m`, which SAC reads";

#[test]
fn a_plain_member_is_found() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    blob.structure("other", &[("m", int, 0)]);
    blob.structure("s", &[("before", int, 0), ("m", int, 32), ("behind", int, 64)]);
    check_offset(&blob, 4, 4);
}

#[test]
fn a_member_of_anonymous_aggregates_is_found_at_the_sum_of_offsets() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    let inner = blob.structure("", &[("x", int, 0), ("m", int, 32)]);
    let union = blob.aggregate(UNION, "", &[("y", int, 0), ("", inner, 64)]);
    blob.structure("s", &[("first", int, 0), ("", union, 128)]);
    check_offset(&blob, 4, 16 + 8 + 4);
}

#[test]
fn a_member_of_a_named_member_is_another_members_own() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    let inner = blob.structure("inner", &[("m", int, 0)]);
    blob.structure("s", &[("named", inner, 0)]);
    check_fault(&blob, 4, NO_MEMBER);
}

#[test]
fn an_anonymous_aggregate_may_stand_behind_aliases() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    let inner = blob.structure("", &[("m", int, 8 * 8)]);
    let alias = blob.add(CONST, "", 0, inner, &[]);
    blob.structure("s", &[("", alias, 8 * 16)]);
    check_offset(&blob, 4, 24);
}

#[test]
fn aliases_have_the_size_of_what_they_stand_for() {
    let mut blob = Blob::new();
    let mut alias = blob.int(8);
    for kind in [TYPEDEF, CONST, VOLATILE, 11, TYPE_TAG] {
        alias = blob.add(kind, "", 0, alias, &[]);
    }
    blob.structure("s", &[("m", alias, 8)]);
    check_offset(&blob, 8, 1);
}

#[test]
fn each_kind_has_its_size() {
    type Add = fn(&mut Blob) -> u32;
    let cases: [(&str, Add, u32); 8] = [
        ("pointer", |blob| blob.pointer(), 8),
        ("integer", |blob| blob.int(2), 2),
        ("enumeration", |blob| blob.add(ENUM, "e", 2, 4, &[0, 0, 0, 1]), 4),
        ("large enumeration", |blob| blob.add(ENUM64, "e", 1, 8, &[0, 1, 0]), 8),
        ("float", |blob| blob.add(FLOAT, "f", 0, 8, &[]), 8),
        ("struct", |blob| blob.structure("inner", &[]), 64),
        (
            "array",
            |blob| {
                let int = blob.int(4);
                blob.add(ARRAY, "", 0, 0, &[int, int, 7])
            },
            28,
        ),
        (
            "array of aliases of pointers",
            |blob| {
                let pointer = blob.pointer();
                let alias = blob.add(TYPEDEF, "p", 0, pointer, &[]);
                blob.add(ARRAY, "", 0, 0, &[alias, alias, 3])
            },
            24,
        ),
    ];
    for (kind, add, size_bytes) in cases {
        let mut blob = Blob::new();
        let id = add(&mut blob);
        blob.structure("s", &[("m", id, 80)]);
        assert_eq!(look_up(&blob, size_bytes).unwrap(), 10, "{kind}");
        assert!(matches!(look_up(&blob, size_bytes + 1), Err(BtfError::Size { .. })), "{kind}");
    }
}

#[test]
fn kinds_that_are_not_looked_into_are_stepped_over() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    let proto = blob.add(FUNC_PROTO, "", 2, int, &[0, int, 0, int]);
    blob.add(FUNC, "f", 0, proto, &[]);
    blob.add(FWD, "s", 0, 0, &[]);
    let var = blob.add(VAR, "v", 0, int, &[1]);
    blob.add(DATASEC, ".data", 1, 4, &[var, 0, 4]);
    blob.add(DECL_TAG, "tag", 0, int, &[u32::MAX]);
    blob.structure("s", &[("m", int, 32)]);
    check_offset(&blob, 4, 4);
}

#[test]
fn a_bit_field_is_not_found() {
    for offset in [3 << 24 | 32, 8 << 24 | 32] {
        let mut blob = Blob::new();
        let int = blob.int(4);
        blob.aggregate(STRUCT | KIND_FLAG, "s", &[("m", int, offset)]);
        check_fault(&blob, 4, NO_MEMBER);
    }
    // Without the flag the offset alone tells.
    let mut blob = Blob::new();
    let int = blob.int(4);
    blob.structure("s", &[("m", int, 33)]);
    check_fault(&blob, 4, NO_MEMBER);
}

#[test]
fn whole_members_of_a_number_with_bit_fields_are_found() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    blob.aggregate(STRUCT | KIND_FLAG, "s", &[("bits", int, 3 << 24), ("m", int, 64)]);
    check_offset(&blob, 4, 8);
}

#[test]
fn a_missing_struct_is_named() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    blob.structure("other", &[("m", int, 0)]);
    check_fault(&blob, 4, "this kernel has no `struct s`, which SAC reads `m` from");
}

#[test]
fn a_missing_member_is_named() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    blob.structure("s", &[("mm", int, 0), ("", int, 32)]);
    check_fault(&blob, 4, NO_MEMBER);
}

#[test]
fn a_member_of_another_size_is_named() {
    let mut blob = Blob::new();
    let int = blob.int(4);
    blob.structure("s", &[("m", int, 0)]);
    check_fault(&blob, 8, "`s.m` has 4 bytes in this kernel, and SAC reads 8");
}

#[test]
fn loops_in_damaged_types_end() {
    let mut blob = Blob::new();
    let own = blob.next_id;
    let members: Vec<_> = (0..50).map(|_| ("", own, 0)).collect();
    blob.structure("s", &members);
    check_fault(&blob, 4, NO_MEMBER);

    let mut blob = Blob::new();
    let alias = blob.add(TYPEDEF, "t", 0, 1, &[]);
    blob.structure("s", &[("m", alias, 0)]);
    check_fault(&blob, 4, NO_MEMBER);

    let mut blob = Blob::new();
    let array = blob.add(ARRAY, "", 0, 0, &[1, 1, 2]);
    blob.structure("s", &[("m", array, 0)]);
    check_fault(&blob, 4, NO_MEMBER);
}

/// BTF with all that SAC reads, each member with the size that is expected.
fn complete() -> Blob {
    let mut blob = Blob::new();
    let mut members: std::collections::BTreeMap<&str, Vec<(&str, u32, u32)>> = Default::default();
    for member in MEMBERS {
        let of = blob.int(member.size_bytes);
        let known = members.entry(member.container).or_default();
        known.push((member.member, of, 128 * u32::try_from(known.len()).unwrap()));
    }
    for (container, members) in members {
        blob.structure(container, &members);
    }
    blob.add(FUNC, "bpf_lsm_other", 0, 0, &[]);
    blob.add(FUNC, "bpf_lsm_file_open", 0, 0, &[]);
    blob
}

/// BTF with all that SAC reads, and with these hooks, each with its number of parameters.
pub(crate) fn with_hooks(hooks: &[(&str, u32)]) -> Vec<u8> {
    let mut blob = complete();
    let int = blob.int(4);
    for (hook, count) in hooks {
        let tail: Vec<u32> = (0..*count).flat_map(|_| [0, int]).collect();
        let prototype = blob.add(FUNC_PROTO, "", *count, int, &tail);
        blob.add(FUNC, &format!("bpf_lsm_{hook}"), 0, prototype, &[]);
    }
    blob.bytes()
}

#[test]
fn functions_are_found_by_their_names() {
    let mut blob = complete();
    blob.structure("ima_file_hash", &[]);
    assert!(!kernel(blob.bytes()).has_function("ima_file_hash").unwrap());
    let mut blob = complete();
    blob.add(FUNC, "ima_file_hash", 0, 0, &[]);
    assert!(kernel(blob.bytes()).has_function("ima_file_hash").unwrap());
}

fn kernel(bytes: Vec<u8>) -> KernelBtf {
    KernelBtf { path: PathBuf::from("/btf"), bytes }
}

#[test]
fn every_member_gets_its_offset() {
    let offsets = kernel(complete().bytes()).offsets().unwrap();
    assert_eq!(offsets.len(), MEMBERS.len());
    assert_eq!(offsets[0], ("BPRM_FILE", 0));
    assert_eq!(offsets[1], ("BPRM_FILENAME", 16));
    assert_eq!(offsets[2], ("BPRM_INTERP", 32));
}

#[test]
fn hooks_are_found_by_their_functions() {
    let blob = complete();
    let last = blob.next_id - 1;
    let kernel = kernel(blob.bytes());
    assert_eq!(kernel.hook_ids(["file_open", "other"]).unwrap(), [last, last - 1]);
    assert_eq!(
        kernel.hook_ids(["file_open", "file_truncate"]).unwrap_err().to_string(),
        "this kernel has no LSM hook `file_truncate`, which SAC attaches to; it needs CONFIG_BPF_LSM=y"
    );
}

#[test]
fn parameters_of_hooks_are_counted() {
    let hooks = kernel(with_hooks(&[("none", 0), ("two", 2), ("three", 3)]));
    let counts = hooks.hook_parameters(["three", "two", "none", "missing"]).unwrap();
    assert_eq!(counts, [Some(3), Some(2), Some(0), None]);
}

#[test]
fn what_is_called_like_a_hook_and_is_no_function_is_none() {
    let mut blob = complete();
    let int = blob.int(4);
    blob.structure("bpf_lsm_struct", &[]);
    blob.add(FUNC, "bpf_lsm_of_a_number", 0, int, &[]);
    blob.add(FUNC, "bpf_lsm_of_nothing", 0, u32::MAX, &[]);
    let hooks = ["struct", "of_a_number", "of_nothing"];
    assert_eq!(kernel(blob.bytes()).hook_parameters(hooks).unwrap(), [None, None, None]);
}

#[test]
fn what_is_no_btf_is_refused() {
    let mut unknown = Blob::new();
    unknown.add(31, "", 0, 0, &[]);
    let mut damaged = Blob::new();
    damaged.add(STRUCT, "s", 2, 8, &[0, 0, 0]);
    let whole = complete().bytes();
    let cases = [
        (b"\x7fELF\x02\x01\x01".to_vec(), "it does not begin with BTF's mark"),
        (Vec::new(), "it does not begin with BTF's mark"),
        (whole[..20].to_vec(), "it ends too early"),
        (whole[..whole.len() - 1].to_vec(), "it ends too early"),
        (unknown.bytes(), "it has a kind of type that SAC does not know"),
        (damaged.bytes(), "a type is damaged"),
    ];
    for (bytes, fault) in cases {
        assert_eq!(
            kernel(bytes).offsets().unwrap_err().to_string(),
            format!("/btf is not the BTF of a kernel: {fault}")
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = KernelBtf::read(Path::new("/nonexistent/vmlinux")).err().unwrap();
    assert!(error.to_string().contains("/nonexistent/vmlinux"), "{error}");
}

#[test]
fn no_part_of_btf_is_taken_for_the_whole() {
    let whole = complete().bytes();
    for len in 0..whole.len() {
        assert!(kernel(whole[..len].to_vec()).offsets().is_err(), "{len} bytes");
    }
}

proptest! {
    #[test]
    fn damage_never_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = complete().bytes();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        let damaged = kernel(bytes);
        let _whatever_it_says = damaged.offsets();
        let _whatever_it_says = damaged.hook_ids(["file_open"]);
        let _whatever_it_says = damaged.hook_parameters(["file_open"]);
    }

    #[test]
    fn anything_behind_the_mark_never_panics(behind in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
        bytes.extend(behind);
        let _whatever_it_says = kernel(bytes).offsets();
    }
}
