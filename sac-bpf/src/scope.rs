// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Scopes: which policies hold for the current task, and what is counted of it.

use crate::{
    kernel::CurrentTask,
    label,
    maps::{COUNTERS, Policy, SCOPES, SCOPES_BY_CGROUP, zero},
    strictest::Strictest,
};
use aya_ebpf::helpers::{
    bpf_get_current_ancestor_cgroup_id, bpf_get_current_pid_tgid, bpf_get_current_uid_gid,
    generated::bpf_loop,
};
use core::ffi::c_void;
use sac_abi::{
    Action,
    rule::Operations,
    scope::{Counters, Layer, Recording, SCOPE_POLICIES, Scope},
};

/// A scope that the loader has filled in, with its counters.
pub(crate) struct ReadyScope {
    pub(crate) layer: Layer,
    pub(crate) cgroup: u64,
    pub(crate) owner: u32,
    /// What is told of beside what is blocked.
    pub(crate) recording: Recording,
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
        let (counters, session) = match layer {
            Layer::Session => {
                let counters = COUNTERS.get_ptr_mut(scope.cgroup)?;
                (counters, Some(counters))
            }
            Layer::User => {
                // SAFETY: the helper returns 0 for a level that the current cgroup does not have.
                let session = unsafe { bpf_get_current_ancestor_cgroup_id(scope.session_level as i32) };
                match COUNTERS.get_ptr_mut(session) {
                    // What a session's own program judges is counted by that one.
                    Some(of_session) => (of_session, Some(of_session)),
                    None => (COUNTERS.get_ptr_mut(scope.cgroup)?, None),
                }
            }
        };
        let (cgroup, owner, recording) = (scope.cgroup, scope.owner, scope.recorded());
        Some(Self { layer, cgroup, owner, recording, counters, session })
    }

    /// Whether the session's own program, which ran before this one, has judged under the session's policy.
    #[inline(always)]
    pub(crate) fn is_judged_by_session(&self) -> bool {
        matches!(self.layer, Layer::User) && self.session.is_some()
    }

    /// Whether root does this for itself, and not for or as the person whom the policy is for:
    ///
    /// - the login service before anything of the user's has run, see [`Counters::SETTING_UP`];
    /// - in a user's slice, outside of sessions, what PID 1 runs as root to prepare and clear away the user's runtime
    ///   directory. What somebody becomes root for has a login uid.
    #[inline(always)]
    pub(crate) fn is_roots_own(&self) -> bool {
        is_root()
            && match self.session {
                Some(session) => is_setting_up(session),
                None => CurrentTask::get().is_of_no_login(),
            }
    }

    /// As above, for what is not executed: the login service's own work lasts as long as the session, and begins in the slice, before
    /// there is one.
    #[inline(always)]
    pub(crate) fn is_roots_or_services_own(&self) -> bool {
        is_root()
            && match self.session {
                Some(session) => is_setting_up(session) || is_service(session),
                None => has_executed_nothing_here() || CurrentTask::get().is_of_no_login(),
            }
    }

    /// The login service has set up the session when something is executed that is not root's, and a process is none any more when it
    /// executes something itself.
    #[inline(always)]
    pub(crate) fn note_execution(&self) {
        let Some(session) = self.session else { return };
        if !is_root() && is_setting_up(session) {
            // SAFETY: the value lives as long as the program runs; another CPU can only write the same.
            unsafe { setting_up(session).write_volatile(0) };
        }
        if is_service(session) {
            // SAFETY: as above.
            unsafe { service(session).write_volatile(0) };
        }
    }

    /// Labels the current task, unless a session's own program has done so.
    #[inline(always)]
    pub(crate) fn label_task(&self) {
        if !self.is_judged_by_session() {
            label::label_current_task(self.cgroup);
        }
    }

    /// Counts an operation that was blocked.
    #[inline(always)]
    pub(crate) fn count_blocked(&self) {
        self.add(core::mem::offset_of!(Counters, blocked), 1);
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

    /// Counts that a program was killed, that was counted as executed, before it had run.
    #[inline(always)]
    pub(crate) fn count_unrecorded(&self) {
        self.count(Action::Kill, Stage::Interpreter);
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

/// Whether the current task has executed nothing in any scope, and no process that it comes from has: somebody put it there, as
/// pam_systemd puts the login service into its user's slice.
#[inline(always)]
fn has_executed_nothing_here() -> bool {
    label::of_current_task() == 0
}

/// Whether the current task is root's.
#[inline(always)]
fn is_root() -> bool {
    bpf_get_current_uid_gid() as u32 == 0
}

#[inline(always)]
fn setting_up(counters: *mut Counters) -> *mut u32 {
    counters.wrapping_byte_add(core::mem::offset_of!(Counters, setting_up)).cast()
}

/// Whether the login service is still setting up the session of these counters.
#[inline(always)]
fn is_setting_up(counters: *mut Counters) -> bool {
    // SAFETY: that is a `u32` in `Counters`, and the value lives as long as the program runs.
    unsafe { setting_up(counters).read_volatile() == Counters::SETTING_UP }
}

#[inline(always)]
fn service(counters: *mut Counters) -> *mut u32 {
    counters.wrapping_byte_add(core::mem::offset_of!(Counters, service)).cast()
}

/// Whether the current task is the login service in the session of these counters.
#[inline(always)]
fn is_service(counters: *mut Counters) -> bool {
    // SAFETY: as in `is_setting_up`.
    let service = unsafe { service(counters).read_volatile() };
    service != 0 && service == (bpf_get_current_pid_tgid() >> 32) as u32
}

/// The scope is not there yet: nothing may pass.
pub(crate) const NOT_READY: u64 = 0;
/// It is for this program to judge.
pub(crate) const JUDGE: u64 = 1;
/// Somebody else has judged, or nobody has to.
pub(crate) const PASS: u64 = 2;

/// Whether it is for the running program, which is attached to a cgroup, to judge what is not an execution: one of the constants above. A function of its
/// own, so that what it keeps on the stack is there only meanwhile, and a number; see [`sac_abi::Rules::zero`].
#[inline(never)]
pub(crate) fn stance() -> u64 {
    if is_certainly_judged() {
        return JUDGE;
    }
    match ReadyScope::of_this_program() {
        None => NOT_READY,
        Some(scope) if scope.is_roots_or_services_own() || scope.is_judged_by_session() => PASS,
        Some(_) => JUDGE,
    }
}

/// Whether it is for the running program to judge, as next to always: in a session whoever is not root is judged by the session's own
/// program. To find that out takes no look-up.
#[inline(always)]
pub(crate) fn is_certainly_judged() -> bool {
    ScopeSlots::of_this_program().is_of_session() && !is_root()
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

    /// Whether the second hook of an execution has nothing to judge or to tell here. Not so where the scope is not there yet.
    #[inline(always)]
    pub(crate) fn is_done_after_first_hook(&self) -> bool {
        // SAFETY: as below.
        let scope = unsafe { &*self.0 };
        scope.layer().is_some() && !scope.judges_twice() && !scope.recorded().has_activity()
    }

    /// Whether nothing may be executed that cannot be recorded.
    #[inline(always)]
    pub(crate) fn is_strict(&self) -> bool {
        // SAFETY: as below.
        unsafe { (*self.0).recorded() }.is_strict()
    }

    /// Whether the policies say anything about these operations. Also so where the scope is not there yet.
    #[inline(always)]
    pub(crate) fn judges(&self, operations: Operations) -> bool {
        // SAFETY: as below.
        let scope = unsafe { &*self.0 };
        scope.layer().is_none() || scope.operations().has_any(operations)
    }

    /// Whether the sieve tells what no rule for these operations is about. Not so where the scope is not there yet.
    #[inline(always)]
    pub(crate) fn sifts(&self, operations: Operations) -> bool {
        // SAFETY: as below.
        unsafe { (*self.0).sifts(operations) }
    }

    /// Whether it is a session's, and there.
    #[inline(always)]
    fn is_of_session(&self) -> bool {
        // SAFETY: as below.
        matches!(unsafe { (*self.0).layer() }, Some(Layer::Session))
    }

    /// Whose scope it is.
    #[inline(always)]
    pub(crate) fn owner(&self) -> u32 {
        // SAFETY: as below.
        unsafe { (*self.0).owner }
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

    /// The strictest of what these policies say.
    #[inline(always)]
    pub(crate) fn strictest(&self, judge: impl FnMut(&Policy) -> u64) -> Strictest {
        Strictest::of(SCOPE_POLICIES, |index| self.slot(index), judge)
    }

    /// What stands in the list; `index` must be within it, or the verifier refuses the program.
    #[inline(always)]
    fn slot_at(&self, index: usize) -> u32 {
        let slots: *const u32 = self.0.wrapping_byte_add(core::mem::offset_of!(Scope, slots)).cast();
        // SAFETY: within the list, and the value lives as long as the program runs.
        unsafe { slots.wrapping_add(index).read_volatile() }
    }
}

/// How many policies can judge an operation that a program for the whole machine sees: one of each session that the task is in.
pub(crate) const JUDGES_MAX: usize = 4;

/// How many levels of cgroups are looked at for sessions. Sessions are few levels deep; what they nest below does not matter.
pub(crate) const LEVELS: u32 = 15;

/// The policies that judge what the current task does, for programs that are attached to the machine.
#[repr(C)]
pub(crate) struct Judges {
    /// Slots of the policies, 0 behind the last one.
    pub(crate) slots: [u32; JUDGES_MAX],
    /// The cgroups' levels, a byte for each slot.
    levels: u32,
    /// Not 0 where it cannot be told who judges, so nothing may pass.
    pub(crate) unknown: u16,
    has_session: u16,
    asked: Operations,
    has_scope: u16,
    /// Not 0 where the task is in none of our cgroups, and judged by its label.
    pub(crate) by_label: u16,
}

impl Judges {
    /// Nobody yet. `zero` is [`sac_abi::Rules::zero`].
    #[inline(always)]
    pub(crate) fn none(asked: Operations, zero: u64) -> Self {
        let zero = zero as u32;
        Self {
            slots: [zero, zero, zero, zero],
            levels: zero,
            unknown: zero as u16,
            has_session: zero as u16,
            asked,
            has_scope: zero as u16,
            by_label: zero as u16,
        }
    }

    /// The policies of a cgroup program's own scope.
    #[inline(always)]
    pub(crate) fn add_own(&mut self, scope: &ScopeSlots) {
        self.add(scope.slot(1), 0);
        self.add(scope.slot(0), 0);
    }

    /// Looks for the sessions that the current task is in, or else for its user's slice, or else for the session that it comes from.
    #[inline(always)]
    pub(crate) fn find(&mut self) {
        // SAFETY: the callback takes such a value, which lives until the helper returns.
        let _looked_at =
            unsafe { bpf_loop(LEVELS, look_at_level as *mut c_void, (&raw mut *self).cast(), 0) };
        if self.has_scope == 0 {
            self.find_by_label();
        }
    }

    /// A session whose cgroup has gone has no scope any more, so whoever root had moved out of it is nobody's.
    #[inline(always)]
    fn find_by_label(&mut self) {
        let cgroup = label::of_current_task();
        if cgroup == 0 {
            return;
        }
        // SAFETY: the map is not preallocated, so an entry is never reused while this program runs.
        let Some(scope) = (unsafe { SCOPES_BY_CGROUP.get(cgroup) }) else { return };
        let slots = ScopeSlots(scope);
        self.by_label = 1;
        if slots.judges(self.asked) {
            // There is a second one for a user's slice only.
            self.add(slots.slot(1), 0);
            self.add(slots.slot(0), 0);
        }
    }

    #[inline(always)]
    fn add(&mut self, slot: u32, level: u32) {
        if slot == 0 {
            return;
        }
        if self.slots[JUDGES_MAX - 1] != 0 {
            self.unknown = 1;
        }
        self.slots = [slot, self.slots[0], self.slots[1], self.slots[2]];
        self.levels = self.levels << 8 | level;
    }

    /// The strictest of what they say.
    #[inline(always)]
    pub(crate) fn strictest(&self, judge: impl FnMut(&Policy) -> u64) -> Strictest {
        Strictest::of(JUDGES_MAX, |index| self.slots[index], judge)
    }

    /// The slot of the policy with this index.
    #[inline(always)]
    pub(crate) fn slot(&self, index: u32) -> u32 {
        let slots = (&raw const self.slots).cast::<u32>();
        // SAFETY: within the list. Volatile, or the verifier would meet a choice between places.
        unsafe { slots.wrapping_add(index as usize & (JUDGES_MAX - 1)).read_volatile() }
    }

    /// The cgroup whose policy has the `index`th slot.
    #[inline(always)]
    pub(crate) fn cgroup(&self, index: u32) -> u64 {
        if self.by_label != 0 {
            return label::of_current_task();
        }
        let level = self.levels >> (8 * (index & 3)) & 0xff;
        // SAFETY: the helper has no preconditions.
        unsafe { bpf_get_current_ancestor_cgroup_id(level as i32) }
    }
}

/// Looks at the cgroup at one level; returns 1 to stop.
///
/// # Safety
///
/// `judges` must be [`Judges`] that nobody else uses.
unsafe extern "C" fn look_at_level(index: u32, judges: *mut c_void) -> i64 {
    // SAFETY: `Judges::find` passes itself, and nobody else uses it meanwhile.
    let judges = unsafe { &mut *judges.cast::<Judges>() };
    let level = index.wrapping_add(1);
    // SAFETY: the helper has no preconditions.
    let cgroup = unsafe { bpf_get_current_ancestor_cgroup_id(level as i32) };
    if cgroup == 0 {
        return 1;
    }
    // SAFETY: the map is not preallocated, so an entry is never reused while this program runs.
    let Some(scope) = (unsafe { SCOPES_BY_CGROUP.get(cgroup) }) else { return 0 };
    judges.has_scope = 1;
    let slots = ScopeSlots(scope);
    let Some(counters) = COUNTERS.get_ptr_mut(cgroup) else {
        judges.unknown = 1;
        return 1;
    };
    match scope.layer() {
        None => {
            judges.unknown = 1;
            return 1;
        }
        Some(Layer::User)
            if is_root() && (has_executed_nothing_here() || CurrentTask::get().is_of_no_login()) => {}
        Some(Layer::User) => {
            if slots.judges(judges.asked) {
                judges.add(slots.slot(1), level);
                judges.add(slots.slot(0), level);
            }
        }
        Some(Layer::Session) => {
            if judges.has_session == 0 {
                // What happens in a session is judged by the session alone.
                let nobody = zero() as u32;
                judges.slots = [nobody, nobody, nobody, nobody];
                judges.has_session = 1;
            }
            if slots.judges(judges.asked) && !(is_root() && (is_setting_up(counters) || is_service(counters)))
            {
                judges.add(slots.slot(0), level);
            }
        }
    }
    0
}

/// Whether the policies of the scope that a label names say anything about these operations. Also so where the scope is not there yet.
#[inline(always)]
pub(crate) fn label_judges(cgroup: u64, operations: Operations) -> bool {
    // SAFETY: the map is not preallocated, so an entry is never reused while this program runs.
    match unsafe { SCOPES_BY_CGROUP.get(cgroup) } {
        Some(scope) => ScopeSlots(scope).judges(operations),
        None => false,
    }
}

/// Counters and layer of the scope of a cgroup, for the record.
#[inline(always)]
pub(crate) fn scope_of_cgroup(cgroup: u64) -> Option<ReadyScope> {
    // SAFETY: the map is not preallocated, so an entry is never reused while this program runs.
    with_counters(cgroup, unsafe { SCOPES_BY_CGROUP.get(cgroup) }?)
}

/// As above, where more is recorded of it than what is blocked.
#[inline(always)]
pub(crate) fn scope_that_records_activity(cgroup: u64) -> Option<ReadyScope> {
    // SAFETY: as above.
    let scope = unsafe { SCOPES_BY_CGROUP.get(cgroup) }?;
    if scope.recorded().has_activity() { with_counters(cgroup, scope) } else { None }
}

#[inline(always)]
fn with_counters(cgroup: u64, scope: &Scope) -> Option<ReadyScope> {
    let layer = scope.layer()?;
    let counters = COUNTERS.get_ptr_mut(cgroup)?;
    let session = match layer {
        Layer::Session => Some(counters),
        Layer::User => None,
    };
    let (owner, recording) = (scope.owner, scope.recorded());
    Some(ReadyScope { layer, cgroup, owner, recording, counters, session })
}

/// `bprm_check_security` runs once for a binary, and for a script once more with its interpreter.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// The file that was named to `execve`.
    First,
    /// What the file before asked to be run by.
    Interpreter,
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
