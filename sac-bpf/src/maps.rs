// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! The maps that the kernel half shares with the loader.

use crate::kernel::CurrentTask;
use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, HashMap, HashOfMaps, LruHashMap, RingBuf},
    helpers::{
        bpf_get_current_ancestor_cgroup_id, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns,
        generated::bpf_ringbuf_query,
    },
    macros::btf_map,
};
use sac_abi::{
    Action, HashKey, RuleKey, Rules,
    event::{EVENTS_BYTES, ExecEvent},
    hash::KernelHashKey,
    rule::InodeId,
    scope::{Counters, Layer, SCOPE_POLICIES, SIGHTING_EVERY_S, Scope, Sighting},
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
static SCOPES: aya_ebpf::btf_maps::CgroupStorage<Scope> = aya_ebpf::btf_maps::CgroupStorage::new();

/// Counters by the scope's cgroup id.
#[btf_map]
static COUNTERS: HashMap<u64, Counters, 65_536, ON_DEMAND> = HashMap::new();

/// Events for the loader.
#[btf_map]
pub(crate) static EVENTS: RingBuf<ExecEvent, { EVENTS_BYTES as usize }> = RingBuf::new();

/// The key that texts are hashed with, set by the loader before anything is attached.
#[btf_map]
static HASH_KEY: Array<KernelHashKey, 1> = Array::new();

/// When each program was last reported as executed, in seconds since boot. What does not fit is only reported more often.
#[btf_map]
static SIGHTINGS: LruHashMap<Sighting, u32, 16_384> = LruHashMap::new();

/// The key that texts are hashed with.
#[inline(always)]
pub(crate) fn hash_key() -> HashKey {
    match HASH_KEY.get(0) {
        Some(key) => key.key,
        // Never: an array has all of its entries.
        None => HashKey { k0: 0, k1: 0 },
    }
}

/// A scope that the loader has filled in, with its counters.
pub(crate) struct ReadyScope {
    pub(crate) layer: Layer,
    pub(crate) cgroup: u64,
    owner: u32,
    counters: *mut Counters,
    /// Counters of the session that this is happening in, if it is in one.
    session: Option<*mut Counters>,
}

impl ReadyScope {
    /// Makes the running program one that has a scope, and does nothing with it.
    #[inline(always)]
    pub(crate) fn create() {
        // SAFETY: as below; volatile, so that the look-up is not optimised away.
        let _scope = unsafe { SCOPES.get_ptr_mut().read_volatile() };
    }

    /// The scope of the running program, or `None` where it is not ready and nothing may pass.
    #[inline(always)]
    pub(crate) fn of_this_program() -> Option<Self> {
        let place = SCOPES.get_ptr_mut().cast_const();
        // SAFETY: the kernel guarantees a value for each attachment; the loader replaces it as a whole (RCU).
        let scope = unsafe { &*place };
        let layer = scope.layer()?;
        let counters = COUNTERS.get_ptr_mut(scope.cgroup)?;
        let session = match layer {
            Layer::Session => Some(counters),
            Layer::User => {
                // SAFETY: the helper returns 0 for a level that the current cgroup does not have.
                let session = unsafe { bpf_get_current_ancestor_cgroup_id(scope.session_level as i32) };
                COUNTERS.get_ptr_mut(session)
            }
        };
        Some(Self { layer, cgroup: scope.cgroup, owner: scope.owner, counters, session })
    }

    /// Whether the session's own program, which ran before this one, has judged under the session's policy.
    #[inline(always)]
    pub(crate) fn is_judged_by_session(&self) -> bool {
        matches!(self.layer, Layer::User) && self.session.is_some()
    }

    /// Whether root does this for itself, and not for or as the person whom the policy is for:
    ///
    /// - the login service before anything of the user's has run, see [`Counters::SETTING_UP`]; the first execution that
    ///   is not root's closes that window;
    /// - in a user's slice, outside of sessions, what PID 1 runs as root to prepare and clear away the user's runtime
    ///   directory. What somebody becomes root for has a login uid.
    #[inline(always)]
    pub(crate) fn is_roots_own(&self) -> bool {
        let real_uid = bpf_get_current_uid_gid() as u32;
        let Some(session) = self.session else {
            return real_uid == 0 && CurrentTask::get().is_of_no_login();
        };
        let setting_up = session.wrapping_byte_add(core::mem::offset_of!(Counters, setting_up)).cast::<u64>();
        // SAFETY: that is a `u64` in `Counters`, and the value lives as long as the program runs.
        if unsafe { setting_up.read_volatile() } != Counters::SETTING_UP {
            return false;
        }
        if real_uid != 0 {
            // SAFETY: as above; another CPU can only write the same.
            unsafe { setting_up.write_volatile(0) };
        }
        real_uid == 0
    }

    /// Counts an execution: the first stage that goes ahead, or any that is blocked.
    #[inline(always)]
    pub(crate) fn count(&self, action: Action, stage: Stage) {
        match (action.blocks(), stage) {
            (true, Stage::First) => self.add(core::mem::offset_of!(Counters, blocked), 1),
            (true, Stage::Interpreter) => {
                self.add(core::mem::offset_of!(Counters, blocked), 1);
                // The script was counted when it passed; the execution as a whole does not go ahead.
                self.add(core::mem::offset_of!(Counters, executed), u64::MAX);
            }
            (false, Stage::First) => self.add(core::mem::offset_of!(Counters, executed), 1),
            (false, Stage::Interpreter) => {}
        }
    }

    /// Counts an event that found no room.
    #[inline(always)]
    pub(crate) fn count_lost_event(&self) {
        self.add(core::mem::offset_of!(Counters, events_lost), 1);
    }

    #[inline(always)]
    fn add(&self, offset: usize, amount: u64) {
        let counter = self.counters.wrapping_byte_add(offset).cast::<u64>();
        // SAFETY: `offset` is that of a `u64` in `Counters`, and the value lives as long as the program runs.
        unsafe { atomic_add(counter, amount) };
    }
}

/// The policies of the scope of the running program, which is ready.
pub(crate) struct ScopeSlots(*const Scope);

impl ScopeSlots {
    #[inline(always)]
    pub(crate) fn of_this_program() -> Self {
        Self(SCOPES.get_ptr_mut().cast_const())
    }

    /// Whether the second hook of an execution judges here as well.
    #[inline(always)]
    pub(crate) fn judges_twice(&self) -> bool {
        // SAFETY: as below.
        unsafe { (*self.0).judges_twice() }
    }

    /// The slot of the `index`th policy that holds for the current task; 0 behind the last one.
    #[inline(always)]
    pub(crate) fn slot(&self, index: usize) -> u32 {
        if index >= SCOPE_POLICIES {
            return 0;
        }
        // SAFETY: the kernel guarantees a value for each attachment; the loader replaces it as a whole (RCU).
        let layer = unsafe { (*self.0).layer() };
        if matches!(layer, Some(Layer::User)) {
            return self.slot_at(index);
        }
        if index > 0 {
            return 0;
        }
        let on_terminal = self.slot_at(1);
        if on_terminal != 0 && CurrentTask::get().has_tty() { on_terminal } else { self.slot_at(0) }
    }

    /// What stands in the list; `index` must be within it, or the verifier refuses the program.
    #[inline(always)]
    fn slot_at(&self, index: usize) -> u32 {
        let slots: *const u32 = self.0.wrapping_byte_add(core::mem::offset_of!(Scope, slots)).cast();
        // SAFETY: within the list, and the value lives as long as the program runs.
        unsafe { slots.wrapping_add(index).read_volatile() }
    }
}

/// How much of the ring buffer waits to be read.
#[inline(always)]
fn events_waiting_bytes() -> u64 {
    // `BPF_RB_AVAIL_DATA`.
    const AVAILABLE_DATA: u64 = 0;
    // SAFETY: the map is a ring buffer.
    unsafe { bpf_ringbuf_query((&raw const EVENTS).cast_mut().cast(), AVAILABLE_DATA) }
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
    if events_waiting_bytes() > EVENTS_BYTES as u64 / 2 {
        return false;
    }
    SIGHTINGS.insert(sighting, now_boot_s, 0).is_ok()
}

/// `bprm_check_security` runs once for a binary, and for a script once more with its interpreter.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// The file that was named to `execve`.
    First,
    /// What the file before asked to be run by.
    Interpreter,
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
        match HASH_KEY.get_ptr(0) {
            // SAFETY: an array has all of its entries, for as long as the program runs.
            Some(key) => unsafe {
                key.wrapping_byte_add(core::mem::offset_of!(KernelHashKey, zero))
                    .cast::<u64>()
                    .read_volatile()
            },
            None => 0,
        }
    }

    #[inline(always)]
    fn now_boot_s(&self) -> u32 {
        now_boot_s()
    }
}

/// Seconds since boot, suspended time included.
#[inline(always)]
pub(crate) fn now_boot_s() -> u32 {
    // SAFETY: the helper has no preconditions.
    (unsafe { bpf_ktime_get_boot_ns() } / 1_000_000_000) as u32
}

/// Adds to a counter that other CPUs add to at the same time.
///
/// An intrinsic, because the target has the instruction but not the compare-and-swap that `AtomicU64::fetch_add` is
/// made available with.
///
/// # Safety
///
/// `counter` must be valid and aligned.
#[cfg(target_arch = "bpf")]
#[inline(always)]
unsafe fn atomic_add(counter: *mut u64, amount: u64) {
    use core::intrinsics::{AtomicOrdering, atomic_xadd};
    // SAFETY: by the contract of this function.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(counter, amount) };
}

/// As above, for lints on the host.
///
/// # Safety
///
/// `counter` must be valid and aligned.
#[cfg(not(target_arch = "bpf"))]
unsafe fn atomic_add(counter: *mut u64, amount: u64) {
    use core::sync::atomic::{AtomicU64, Ordering};
    // SAFETY: by the contract of this function.
    unsafe { AtomicU64::from_ptr(counter) }.fetch_add(amount, Ordering::Relaxed);
}
