// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! An operation on files as questions to policies, and the strictest answer.
//!
//! A rename is several questions about two names, and each goes to each policy that judges. All of them are rounds of one
//! loop, so that the verifier sees the verdict's code once.

use crate::{
    kernel::{CurrentTask, Dentry, File},
    maps::{Policy, PolicyRules, zero},
    object::{Entry, Text, look_at_name},
    scope::{JUDGES_MAX, Judges},
    strictest::{ALLOWED, NO_POLICY, is_stricter},
};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, RuleKey, RuleValue, Rules as _, Verdict, decide,
    decide::Decision,
    rule::{Contents, Operations},
};

/// At most eight questions, a byte each: the operation, and whether it is about the second name. 0 ends them.
#[derive(Clone, Copy)]
pub(crate) struct Questions(u64);

/// In a question: it is about the second name.
const SECOND: u32 = 16;

/// In a question: the operation.
const OPERATION: u32 = 15;

impl Questions {
    /// None.
    pub(crate) const NONE: Self = Self(0);

    /// One more question, which is asked first.
    #[inline(always)]
    const fn with(self, question: u32) -> Self {
        Self(self.0 << 8 | question as u64)
    }

    /// Whether something may be done with the first name.
    #[inline(always)]
    pub(crate) const fn of_first(self, operation: Operation) -> Self {
        self.with(operation as u32)
    }

    /// Whether something may be done with the second name.
    #[inline(always)]
    pub(crate) const fn of_second(self, operation: Operation) -> Self {
        self.with(operation as u32 | SECOND)
    }

    /// How many there are.
    #[inline(always)]
    const fn count(self) -> u32 {
        (u64::BITS - self.0.leading_zeros()).div_ceil(8)
    }

    #[inline(always)]
    const fn has_second(self) -> bool {
        self.0 & (SECOND as u64 * 0x0101_0101_0101_0101) != 0
    }

    /// The operations that are asked about.
    #[inline(always)]
    pub(crate) const fn operations(self) -> Operations {
        let mut operations = Operations::NONE;
        let mut left = self.0;
        while left != 0 {
            if let Some(operation) = Operation::from_number((left as u32 & OPERATION) as u16) {
                operations = operations.with(operation);
            }
            left >>= 8;
        }
        operations
    }
}

/// Beside a question: it cannot be told what it is about.
const HIDDEN: u32 = 32;

/// Beside a question: root may be asking, see [`Operation::Administer`].
const PRIVILEGED: u32 = 64;

/// What is asked of whom, and what has been found.
#[repr(C)]
pub(crate) struct Inquiry {
    pub(crate) judges: Judges,
    first: Dentry,
    second: Dentry,
    first_name: Text,
    second_name: Text,
    questions: u64,
    /// [`HIDDEN`], [`PRIVILEGED`], or both.
    flags: u32,
    /// The round that the decision is from: a question and a judge.
    decisive: u32,
    /// [`Decision::to_bits`].
    decision: u64,
}

impl Inquiry {
    /// Nobody judges yet, and nothing is found.
    #[inline(always)]
    pub(crate) fn new(questions: Questions, first: Dentry, second: Dentry) -> Self {
        let zero = zero();
        // Made in place: there is no room on the stack for a copy.
        let judges = Judges::none(questions.operations(), zero);
        Self {
            judges,
            first,
            second,
            first_name: Text::NONE,
            second_name: Text::NONE,
            questions: questions.0,
            flags: zero as u32,
            decisive: zero as u32,
            decision: ALLOWED.wrapping_add(zero),
        }
    }

    /// The same questions about a file that is open: it may be another one than its name leads to.
    #[inline(always)]
    pub(crate) fn about_file(self, file: File) -> Self {
        Self { flags: self.flags.wrapping_add(hidden(file) as u32), ..self }
    }

    /// Asks all of it.
    #[inline(always)]
    pub(crate) fn ask(&mut self, questions: Questions) -> Verdict {
        self.flags |= privileged() as u32;
        if questions.has_second() {
            self.flags |= moves_file_of_root(self.first) as u32;
        }
        look_at_name(self.first, &mut self.first_name);
        if questions.has_second() {
            look_at_name(self.second, &mut self.second_name);
        }
        let rounds = questions.count() * JUDGES_MAX as u32;
        let round = if questions.has_second() { round::<true> } else { round::<false> };
        // SAFETY: the callback takes such a value, which lives until the helper returns.
        let _asked = unsafe { bpf_loop(rounds, round as *mut c_void, (&raw mut *self).cast(), 0) };
        Decision::from_bits(self.decision).verdict
    }

    /// The question of a round, as in [`Questions`].
    #[inline(always)]
    fn question(&self, round: u32) -> u32 {
        (self.questions >> ((round / JUDGES_MAX as u32 * 8) & 63)) as u32 & (SECOND | OPERATION)
    }

    /// What was asked about in the decisive round.
    #[inline(always)]
    pub(crate) fn decisive_entry(&self) -> Dentry {
        // Both are read before one is chosen: the choice of a place to read from would lose the pointer's type.
        let (first, second) = (self.first, self.second);
        if self.question(self.decisive) & SECOND == 0 { first } else { second }
    }

    /// What was done or tried, as the decisive round asked; where only root may not, what was asked first.
    #[inline(always)]
    pub(crate) fn decisive_operation(&self) -> u16 {
        let decisive = self.question(self.decisive) & OPERATION;
        let asked =
            if decisive == Operation::Administer as u32 { self.question(0) & OPERATION } else { decisive };
        asked as u16
    }

    /// Which policy answered in the decisive round.
    #[inline(always)]
    pub(crate) fn decisive_judge(&self) -> u32 {
        self.decisive & (JUDGES_MAX as u32 - 1)
    }
}

/// [`HIDDEN`] where that holds. These two are functions of their own for the stack's sake.
#[inline(never)]
fn hidden(file: File) -> u64 {
    let flag = if file.is_hidden() { u64::from(HIDDEN) } else { 0 };
    flag.wrapping_add(zero())
}

/// [`PRIVILEGED`] where that holds.
#[inline(never)]
fn privileged() -> u64 {
    let flag = if CurrentTask::get().is_privileged() { u64::from(PRIVILEGED) } else { 0 };
    flag.wrapping_add(zero())
}

/// [`PRIVILEGED`] where it is root's file that gets another name, whoever gives it: root could have made it somewhere and given up
/// its rights before.
#[inline(never)]
fn moves_file_of_root(file: Dentry) -> u64 {
    let flag = if file.is_of_root() { u64::from(PRIVILEGED) } else { 0 };
    flag.wrapping_add(zero())
}

/// Asks one question of one policy; returns 1 to stop. `TWO` is whether any is about a second name: where none is, the verifier has half the
/// work.
///
/// # Safety
///
/// `inquiry` must be an [`Inquiry`] that nobody else uses.
unsafe extern "C" fn round<const TWO: bool>(index: u32, inquiry: *mut c_void) -> i64 {
    // SAFETY: `Inquiry::ask` passes itself, and nobody else uses it meanwhile.
    let inquiry = unsafe { &mut *inquiry.cast::<Inquiry>() };
    let slot = inquiry.judges.slot(index);
    if slot == 0 {
        return 0;
    }
    let question = inquiry.question(index) | inquiry.flags;
    if question & OPERATION == Operation::Administer as u32 && question & PRIVILEGED == 0 {
        return 0;
    }
    let bits = match PolicyRules::of_slot(slot) {
        None => NO_POLICY,
        Some(rules) if !TWO || question & SECOND == 0 => {
            judge(rules.map(), question, inquiry.first, &inquiry.first_name)
        }
        Some(rules) => judge(rules.map(), question, inquiry.second, &inquiry.second_name),
    };
    if is_stricter(bits, inquiry.decision) {
        inquiry.decision = bits;
        inquiry.decisive = index;
    }
    inquiry.decision = inquiry.decision.wrapping_add(zero());
    0
}

/// What a policy says, as [`Decision::to_bits`].
#[inline(never)]
fn judge(policy: &Policy, question: u32, dentry: Dentry, name: &Text) -> u64 {
    let rules = PolicyRules::new(policy);
    let Some(operation) = Operation::from_number((question & OPERATION) as u16) else {
        return NO_POLICY;
    };
    if question & HIDDEN != 0 {
        let contents = RuleValue::from_bits(rules.get(&RuleKey::policy(operation))).contents();
        let verdict = if contents.has(Contents::RULES) {
            Verdict::UNREADABLE_PATH.under(contents)
        } else {
            Verdict::new(Action::Allow, 0)
        };
        return Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero());
    }
    let decision = decide(&rules, operation, &mut Entry::new(dentry, name, policy));
    decision.to_bits().wrapping_add(rules.zero())
}
