// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The maps that the kernel half shares with the loader.

use crate::scope::ReadyScope;
use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_NOEXIST},
    btf_maps::{Array, HashMap, HashOfMaps, LruHashMap, RingBuf},
    helpers::{bpf_ktime_get_boot_ns, generated::bpf_ringbuf_query},
    macros::btf_map,
};
use sac_abi::{
    HashKey, RuleKey, Rules,
    activity::ACTIVITY_BYTES,
    event::{EVENTS_BYTES, Event},
    hash::KernelHashKey,
    rule::InodeId,
    scope::{Counters, EndedProcess, SIGHTING_EVERY_S, Scope, Sighting},
    sieve::{Grain, SIEVE_WORDS, Sieve},
};

const ON_DEMAND: usize = BPF_F_NO_PREALLOC as usize;

/// One policy's rules, as [`sac_abi::RuleValue::to_bits`] writes them. The loader gives each map its own size.
pub(crate) type Policy = HashMap<RuleKey, u64, 1, ON_DEMAND>;

/// Policies by slot. Exchanging one entry exchanges a policy, whole, for every session that has it.
#[btf_map]
static POLICIES: HashOfMaps<u32, Policy, 65_536, ON_DEMAND> = HashOfMaps::new();

/// The scope of the cgroup that the running program is attached to. Cgroup storage, not the id of the current cgroup:
/// a process may sit in a cgroup nested below the session's. The newer `CGRP_STORAGE` does not exist on 6.1.
#[expect(deprecated, reason = "its successor needs kernel 6.2")]
#[btf_map]
pub(crate) static SCOPES: aya_ebpf::btf_maps::CgroupStorage<Scope> = aya_ebpf::btf_maps::CgroupStorage::new();

/// The same scopes by their cgroups' ids, for programs that are attached to the machine and not to a cgroup.
#[btf_map]
pub(crate) static SCOPES_BY_CGROUP: HashMap<u64, Scope, 65_536, ON_DEMAND> = HashMap::new();

/// Counters by the scope's cgroup id.
#[btf_map]
pub(crate) static COUNTERS: HashMap<u64, Counters, 65_536, ON_DEMAND> = HashMap::new();

/// Events for the loader.
#[btf_map]
pub(crate) static EVENTS: RingBuf<Event, { EVENTS_BYTES as usize }> = RingBuf::new();

/// What goes on without being blocked, so that it takes no room from what is. Records are of several lengths.
#[btf_map]
pub(crate) static ACTIVITY: RingBuf<u64, { ACTIVITY_BYTES as usize }> = RingBuf::new();

/// Processes with several threads that have just ended.
#[btf_map]
static ENDED: LruHashMap<EndedProcess, u8, 4096> = LruHashMap::new();

/// The key that texts are hashed with, set by the loader before anything is attached.
#[btf_map]
static HASH_KEY: Array<KernelHashKey, 1> = Array::new();

/// What rules about opening files name; see [`sac_abi::sieve`].
#[btf_map]
static SIEVE: Array<Sieve, 1> = Array::new();

/// The loader's process id; 0 while there is none.
#[btf_map]
static LOADER: Array<u32, 1> = Array::new();

/// When each program was last reported as executed, in seconds since boot. What does not fit is only reported more often.
#[btf_map]
static SIGHTINGS: LruHashMap<Sighting, u32, 16_384> = LruHashMap::new();

/// The loader's process id; 0 while there is none.
#[inline(always)]
pub(crate) fn loader() -> u32 {
    LOADER.get(0).copied().unwrap_or(0)
}

/// Whether a policy has rules for programs by their content. Most machines have none.
#[inline(always)]
pub(crate) fn has_contents_anywhere() -> bool {
    match SIEVE.get_ptr(0) {
        // SAFETY: an array has all of its entries, for as long as the program runs.
        Some(sieve) => unsafe {
            sieve.wrapping_byte_add(core::mem::offset_of!(Sieve, has_contents)).cast::<u64>().read_volatile()
                != 0
        },
        None => true,
    }
}

/// Whether the sieve holds this: if not, no rule is about it.
#[inline(always)]
pub(crate) fn is_held(grain: Grain) -> bool {
    SieveWords::get().is_none_or(|words| grain.is_held(words.reader()))
}

/// The sieve's words.
#[derive(Clone, Copy)]
pub(crate) struct SieveWords(*const u64);

impl SieveWords {
    /// `None` is never: an array has all of its entries.
    #[inline(always)]
    pub(crate) fn get() -> Option<Self> {
        let sieve = SIEVE.get_ptr(0)?;
        Some(Self(sieve.wrapping_byte_add(core::mem::offset_of!(Sieve, words)).cast()))
    }

    /// What gives each of them. To look the sieve up again for each would cost as much as what is done with it.
    #[inline(always)]
    pub(crate) fn reader(self) -> impl Fn(usize) -> u64 {
        // SAFETY: within the words, as long as the program runs. The loader replaces them, and a word that it replaces has all bits that are in
        // both.
        move |index| unsafe { self.0.wrapping_add(index & (SIEVE_WORDS - 1)).read_volatile() }
    }
}

/// The key that texts are hashed with.
#[inline(always)]
pub(crate) fn hash_key() -> HashKey {
    match HASH_KEY.get(0) {
        Some(key) => key.key,
        // Never: an array has all of its entries.
        None => HashKey { k0: 0, k1: 0 },
    }
}

/// How much of a ring buffer waits to be read.
#[inline(always)]
fn waiting_bytes<T, const BYTES: usize>(ring: &RingBuf<T, BYTES>) -> u64 {
    // `BPF_RB_AVAIL_DATA`.
    const AVAILABLE_DATA: u64 = 0;
    // SAFETY: the map is a ring buffer.
    unsafe { bpf_ringbuf_query((&raw const *ring).cast_mut().cast(), AVAILABLE_DATA) }
}

/// How much room there is in the ring buffer of events.
#[inline(always)]
pub(crate) fn events_room_bytes() -> u64 {
    u64::from(EVENTS_BYTES).saturating_sub(waiting_bytes(&EVENTS))
}

/// How much room there is in the ring buffer of activity.
#[inline(always)]
pub(crate) fn activity_room_bytes() -> u64 {
    u64::from(ACTIVITY_BYTES).saturating_sub(waiting_bytes(&ACTIVITY))
}

/// Whether no other thread has told of this process's end. Where that cannot be said it is told of twice rather than never.
#[inline(always)]
pub(crate) fn is_first_to_end(process: EndedProcess) -> bool {
    const EXISTS: i32 = -17;
    ENDED.insert(process, 0, u64::from(BPF_NOEXIST)) != Err(EXISTS)
}

/// Whether it is time to report that a program was executed, and that it was from now on.
#[inline(always)]
pub(crate) fn is_worth_a_sighting(scope: &ReadyScope, inode: InodeId, now_boot_s: u32) -> bool {
    let sighting = Sighting {
        owner: scope.owner,
        dev: inode.dev,
        ino: inode.ino,
        generation: inode.generation.unwrap_or_default(),
        reserved: 0,
    };
    if let Some(last) = SIGHTINGS.get_ptr(sighting) {
        // SAFETY: an entry may come to be another program's meanwhile; the worst of it is one report more or less.
        let last = unsafe { last.read_volatile() };
        if now_boot_s.wrapping_sub(last) < SIGHTING_EVERY_S {
            return false;
        }
    }
    // Where half of the ring buffer waits to be read, the rest is for what was blocked; the next execution tries again.
    if waiting_bytes(&EVENTS) > u64::from(EVENTS_BYTES) / 2 {
        return false;
    }
    SIGHTINGS.insert(sighting, now_boot_s, 0).is_ok()
}

/// A policy's map as [`sac_abi::decide`] sees it.
pub(crate) struct PolicyRules<'a>(&'a Policy);

impl<'a> PolicyRules<'a> {
    /// The policy that has this map.
    #[inline(always)]
    pub(crate) fn new(map: &'a Policy) -> Self {
        Self(map)
    }

    /// The policy's map.
    #[inline(always)]
    pub(crate) fn map(&self) -> &'a Policy {
        self.0
    }
}

impl PolicyRules<'static> {
    /// The policy in `slot`.
    #[inline(always)]
    pub(crate) fn of_slot(slot: u32) -> Option<Self> {
        // SAFETY: the map is not preallocated, so an entry is never reused while this program runs.
        unsafe { POLICIES.get(&slot) }.map(Self)
    }
}

impl Rules for PolicyRules<'_> {
    #[inline(always)]
    fn get(&self, key: &RuleKey) -> u64 {
        // SAFETY: as for `of_slot`; the value is copied out at once.
        match unsafe { self.0.get(key) } {
            Some(bits) => *bits,
            None => self.zero(),
        }
    }

    #[inline(always)]
    fn zero(&self) -> u64 {
        zero()
    }

    #[inline(always)]
    fn now_boot_s(&self) -> u32 {
        now_boot_s()
    }
}

/// 0, from a place that the verifier does not know the value of; see [`Rules::zero`].
#[inline(always)]
pub(crate) fn zero() -> u64 {
    match HASH_KEY.get_ptr(0) {
        // SAFETY: an array has all of its entries, for as long as the program runs.
        Some(key) => unsafe {
            key.wrapping_byte_add(core::mem::offset_of!(KernelHashKey, zero)).cast::<u64>().read_volatile()
        },
        None => 0,
    }
}

/// Seconds since boot, suspended time included.
#[inline(always)]
pub(crate) fn now_boot_s() -> u32 {
    // SAFETY: the helper has no preconditions.
    (unsafe { bpf_ktime_get_boot_ns() } / 1_000_000_000) as u32
}
