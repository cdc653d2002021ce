// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict: one pure function for each kind of object, written once, compiled for the kernel and for the host.
//!
//! It sees a policy through [`Rules`] and what somebody wants to use through [`Object`], so that the same code runs over a
//! BPF map and over a table in a test. It never allocates, panics or loops without bound, and whatever it cannot know it
//! denies.

mod address;
mod arguments;

use crate::hash::TextHash;
use crate::rule::{Action, Contents, InodeId, Operation, RuleKey, RuleValue};

pub use address::{Address, AddressSearch, decide_address};
pub use arguments::{
    ARGUMENT_BYTES_MAX, ARGUMENTS_MAX, Argument, Arguments, CONDITIONS_MAX, Matching, decide_arguments,
    decide_conditions, matching_conditions, possible_conditions,
};

/// How many directories above a file are looked at. What lies deeper is denied where a policy has trees for the operation.
pub const LEVELS_MAX: u32 = 48;

/// Look-ups in one policy.
pub trait Rules {
    /// The value of `key` as it stands in the map; 0 if the policy has none.
    fn get(&self, key: &RuleKey) -> u64;
    /// 0, in the kernel half from a place that the verifier does not know the value of. Where code goes on after a branch, a
    /// number that it knows on one side and not on the other is two states to it, and that multiplies with each look-up. So
    /// whatever a branch has changed has this added to it: then the verifier knows nothing of it on either side.
    fn zero(&self) -> u64 {
        0
    }
    /// Seconds since boot, suspended time included (`CLOCK_BOOTTIME`).
    fn now_boot_s(&self) -> u32;
}

/// The file or directory that somebody wants to use.
///
/// The methods with a body are there for the kernel half, which has its own ways: there is little room on its stack, and a plain
/// loop over directories is too much for the verifier.
pub trait Object {
    /// What it is.
    fn inode(&self) -> InodeId;
    /// Where it is. Asked for at most once, and only if a rule could match, because resolving costs.
    fn path(&mut self) -> TextLookup;
    /// Its own name. Asked for as the path is.
    fn name(&mut self) -> TextLookup;
    /// The directory that it is in.
    fn parent(&mut self) -> DirectoryLookup;
    /// The directory that it is in, then the one that this is in, and so on up to the root of its file system.
    fn next_directory(&mut self) -> DirectoryLookup;

    /// Whether the person whom the policy is for, or somebody like them, could have written it. Asked for at most once, and only if
    /// there is a rule for that.
    #[inline(always)]
    fn is_untrusted(&mut self) -> bool {
        false
    }

    /// Takes into account what the object is.
    #[inline(always)]
    fn identity(&mut self, rules: &impl Rules, search: &mut Search) {
        let inode = self.inode();
        search.add_inode(rules, inode);
    }

    /// Takes path, name and place into account, as far as [`Search`] wants them.
    #[inline(always)]
    fn each_text(&mut self, rules: &impl Rules, search: &mut Search) {
        if search.wants_path() {
            let path = self.path();
            search.add_path(rules, path);
        }
        if search.wants_name() || search.wants_entry() {
            let (name, directory) = (self.name(), self.parent());
            search.add_name(rules, name);
            search.add_entry(rules, directory, name);
        }
    }

    /// Takes each of the directories into account, until [`Search::add_directory`] says that there is no use in going on.
    #[inline(always)]
    fn each_directory(&mut self, rules: &impl Rules, search: &mut Search) {
        for _ in 0..=LEVELS_MAX {
            if !search.add_directory(rules, self.next_directory()) {
                return;
            }
        }
    }
}

/// A text that had to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLookup {
    /// Its hash.
    Known(TextHash),
    /// Longer than [`crate::hash::TEXT_BYTES_MAX`], so that no rule can name it.
    TooLong,
    /// The kernel would not say.
    Unreadable,
}

/// A directory that had to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryLookup {
    /// What it is.
    Known(InodeId),
    /// There is none further up.
    End,
}

/// What is done about a request, and which rule says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The action as a number, read only at the end: telling actions apart is a branch for each.
    action_byte: u8,
    /// Number of the rule in its policy; 0 where none matched and the default holds; otherwise one of the constants here.
    pub rule: u32,
}

impl Verdict {
    /// In place of a rule number: there is no policy yet, or no more.
    pub const RULE_NO_POLICY: u32 = u32::MAX;
    /// In place of a rule number: the file's path or name could not be read although the policy has rules for those.
    pub const RULE_UNREADABLE_PATH: u32 = u32::MAX - 1;
    /// In place of a rule number: there are more directories above the file than are looked at.
    pub const RULE_TOO_DEEP: u32 = u32::MAX - 2;
    /// In place of a rule number: there are more or longer arguments than are looked at, or they could not be read.
    pub const RULE_ARGUMENTS_UNREADABLE: u32 = u32::MAX - 3;
    /// In place of a rule number: there are conditions on the arguments of what is no program but a script.
    pub const RULE_ARGUMENTS_OF_SCRIPT: u32 = u32::MAX - 4;
    /// In place of a rule number: there are conditions on the arguments of what is not executed but mapped.
    pub const RULE_ARGUMENTS_OF_MAPPING: u32 = u32::MAX - 6;
    /// In place of a rule number: a grant, whose number is not told.
    pub const RULE_GRANT: u32 = u32::MAX - 5;

    /// In place of a rule number: what is recorded strictly could not be recorded.
    pub const RULE_UNRECORDED: u32 = u32::MAX - 7;

    /// Where no policy can be found, nothing is allowed.
    pub const NO_POLICY: Self = Self::new(Action::Deny, Self::RULE_NO_POLICY);
    /// Where a rule may match and it cannot be told, nothing is allowed.
    pub const UNREADABLE_PATH: Self = Self::new(Action::Deny, Self::RULE_UNREADABLE_PATH);
    /// As above.
    pub const TOO_DEEP: Self = Self::new(Action::Deny, Self::RULE_TOO_DEEP);
    /// As above; it is decided when the program that called has gone, so nobody is left to get an error.
    pub const ARGUMENTS_UNREADABLE: Self = Self::new(Action::Kill, Self::RULE_ARGUMENTS_UNREADABLE);
    /// Conditions on arguments are looked at where the program that called has gone; a script's are its interpreter's then.
    pub const ARGUMENTS_OF_SCRIPT: Self = Self::new(Action::Deny, Self::RULE_ARGUMENTS_OF_SCRIPT);
    /// Who maps a program to run it has given it no arguments that anybody could look at.
    pub const ARGUMENTS_OF_MAPPING: Self = Self::new(Action::Deny, Self::RULE_ARGUMENTS_OF_MAPPING);
    /// No record, no execution.
    pub const UNRECORDED: Self = Self::new(Action::Deny, Self::RULE_UNRECORDED);
    /// As above, where the program that called has gone.
    pub const UNRECORDED_PROGRAM: Self = Self::new(Action::Kill, Self::RULE_UNRECORDED);
    /// What somebody was granted.
    pub const GRANTED: Self = Self::new(Action::Allow, Self::RULE_GRANT);

    /// What a verdict that stands for "it cannot be told" amounts to in a policy with these contents.
    #[must_use]
    #[inline(always)]
    pub const fn under(self, contents: Contents) -> Self {
        if contents.has(Contents::AUDITED) { Self::new(Action::Audit, self.rule) } else { self }
    }

    /// A verdict.
    #[must_use]
    #[inline(always)]
    pub const fn new(action: Action, rule: u32) -> Self {
        Self { action_byte: action as u8, rule }
    }

    /// What is done.
    #[must_use]
    #[inline(always)]
    pub const fn action(self) -> Action {
        Action::from_byte(self.action_byte)
    }

    /// The action as a number: greater is stricter.
    #[must_use]
    #[inline(always)]
    pub const fn action_byte(self) -> u8 {
        self.action_byte
    }
}

impl From<RuleValue> for Verdict {
    #[inline(always)]
    fn from(value: RuleValue) -> Self {
        Self { action_byte: value.action_byte(), rule: value.number() }
    }
}

/// What [`decide`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is done, unless there are conditions.
    pub verdict: Verdict,
    /// The group of conditions on the program's arguments that can still change the verdict; 0 for none. See
    /// [`decide_arguments`].
    pub group: u32,
}

impl Decision {
    /// As one number, which is what a function of the kernel half can return.
    #[must_use]
    #[inline(always)]
    pub const fn to_bits(self) -> u64 {
        self.verdict.rule as u64 | (self.verdict.action_byte as u64) << 32 | (self.group as u64) << 40
    }

    /// From the number that [`Decision::to_bits`] gives.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "parts of the number are meant")]
    pub const fn from_bits(bits: u64) -> Self {
        let verdict = Verdict { action_byte: (bits >> 32) as u8, rule: bits as u32 };
        Self { verdict, group: (bits >> 40) as u32 }
    }

    /// What this decision on executing a file amounts to where the file is not executed but mapped into a program that runs
    /// already. Libraries are mapped like that, and no policy lists those, so the default does not hold.
    #[must_use]
    #[inline(always)]
    pub const fn of_mapping(self, contents: Contents) -> Verdict {
        if self.group != 0 {
            Verdict::ARGUMENTS_OF_MAPPING.under(contents)
        } else if self.verdict.rule == 0 {
            Verdict::new(Action::Allow, 0)
        } else {
            self.verdict
        }
    }

    #[inline(always)]
    const fn final_verdict(verdict: Verdict) -> Self {
        Self { verdict, group: 0 }
    }
}

/// Decides whether something may be done with a file or directory.
///
/// A file is known by what it is, by where it is, by its name, and by the directories that it is in. Of everything that
/// denies the strictest holds, before everything that allows; only a grant, and an allow rule that overrides, come before
/// that. Without any rule the policy's default holds.
///
/// Only what a file is, and the directories that it is really in, can allow; for files, not for programs, also its name in such a
/// directory. In a mount namespace of their own users choose what stands at a path, so a path is no proof that a file is the
/// one that was meant, and neither is a name alone.
#[must_use]
#[inline(always)]
pub fn decide(rules: &impl Rules, operation: Operation, object: &mut impl Object) -> Decision {
    let policy = RuleValue::from_bits(rules.get(&RuleKey::policy(operation)));
    if !policy.is_some() {
        return Decision::final_verdict(Verdict::NO_POLICY);
    }
    let contents = policy.contents();
    let mut search = Search::new(rules, operation, contents);
    object.identity(rules, &mut search);
    if search.granted != 0 {
        return Decision::final_verdict(Verdict::GRANTED);
    }
    if contents.has(Contents::UNTRUSTED) && object.is_untrusted() {
        search.add_text(rules, &RuleKey::untrusted());
    }
    if search.wants_texts() {
        object.each_text(rules, &mut search);
        if search.failed != 0 {
            return Decision::final_verdict(Verdict::UNREADABLE_PATH.under(contents));
        }
    }
    if search.wants_directories() {
        object.each_directory(rules, &mut search);
        if search.is_at_top == 0 {
            return Decision::final_verdict(Verdict::TOO_DEEP.under(contents));
        }
    }
    search.decision(policy)
}

/// What [`decide`] gives for what no rule is about.
#[must_use]
#[inline(always)]
pub fn decide_unnamed(rules: &impl Rules, operation: Operation) -> Decision {
    let policy = RuleValue::from_bits(rules.get(&RuleKey::policy(operation)));
    Decision::final_verdict(if policy.is_some() { policy.into() } else { Verdict::NO_POLICY })
}

/// Decides whether memory that comes from no file may be made executable.
#[must_use]
#[inline(always)]
pub fn decide_executable_memory(rules: &impl Rules) -> Verdict {
    own_rule(rules, Operation::Execute, &RuleKey::executable_memory())
}

/// Decides whether root may do something that could free a session of its policy.
#[must_use]
#[inline(always)]
pub fn decide_administration(rules: &impl Rules) -> Verdict {
    own_rule(rules, Operation::Administer, &RuleKey::administration())
}

/// Decides whether root may connect to the socket that is this file: one behind which others do as they are asked.
#[must_use]
#[inline(always)]
pub fn decide_socket(rules: &impl Rules, socket: InodeId) -> Verdict {
    let key = RuleKey::inode(Operation::Administer, socket.of_any_generation());
    own_rule(rules, Operation::Administer, &key)
}

/// Decides by the content of a program: the first half of its SHA-256, as two numbers whose bytes in the memory are its bytes.
#[must_use]
#[inline(always)]
pub fn decide_content(rules: &impl Rules, first: u64, second: u64) -> Verdict {
    own_rule(rules, Operation::Execute, &RuleKey::content(first, second))
}

/// What a rule says that has a key of its own; without the rule it is allowed, and without a policy nothing is.
#[inline(always)]
fn own_rule(rules: &impl Rules, operation: Operation, key: &RuleKey) -> Verdict {
    let policy = RuleValue::from_bits(rules.get(&RuleKey::policy(operation)));
    if !policy.is_some() {
        return Verdict::NO_POLICY;
    }
    let rule = RuleValue::from_bits(rules.get(key));
    if rule.is_some() { rule.into() } else { Verdict::new(Action::Allow, 0) }
}

/// Looks for a grant that has not ended.
#[inline(always)]
fn is_granted(rules: &impl Rules, inode: InodeId) -> bool {
    let now = rules.now_boot_s();
    let exact = RuleValue::from_bits(rules.get(&RuleKey::grant(inode)));
    let numbered = RuleValue::from_bits(rules.get(&RuleKey::grant(inode.of_any_generation())));
    now < exact.until_boot_s() || now < numbered.until_boot_s()
}

/// The search for the rules that hold for an object, and what it has found. Plain numbers and no `Option`s: the compiler would
/// carry the undefined half of a `None` over the next look-up, and the verifier reads that as a register that was never written.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Search {
    /// The strictest rule that restricts; 0 for none.
    restriction: u64,
    /// A rule that allows; 0 for none.
    permission: u64,
    /// An allow rule that comes before those that deny; 0 for none.
    override_: u64,
    /// A group of conditions; 0 for none.
    group: u64,
    contents: Contents,
    operation: Operation,
    /// Not 0 where a text could not be read.
    failed: u16,
    /// Not 0 where the object is granted.
    granted: u64,
    /// Directories looked at.
    level: u32,
    /// Not 0 where every directory was looked at that had to be.
    is_at_top: u32,
}

impl Search {
    /// Everything begins as [`Rules::zero`]: before 6.7 the verifier goes through a callback of `bpf_loop` only once, takes numbers
    /// that it knows then for constants, and removes the code that they make unreachable.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "it is 0")]
    fn new(rules: &impl Rules, operation: Operation, contents: Contents) -> Self {
        let zero = rules.zero();
        Self {
            restriction: zero,
            permission: zero,
            override_: zero,
            group: zero,
            contents,
            operation,
            failed: zero as u16,
            granted: zero,
            level: zero as u32,
            is_at_top: zero as u32,
        }
    }

    /// Whether the object's path matters.
    #[must_use]
    #[inline(always)]
    pub const fn wants_path(&self) -> bool {
        self.contents.has(Contents::PATHS)
    }

    /// Whether the object's name matters.
    #[must_use]
    #[inline(always)]
    pub const fn wants_name(&self) -> bool {
        self.contents.has(Contents::NAMES)
    }

    /// Whether it matters which name it has in which directory.
    #[must_use]
    #[inline(always)]
    pub const fn wants_entry(&self) -> bool {
        self.contents.has(Contents::ENTRIES)
    }

    #[inline(always)]
    const fn wants_texts(&self) -> bool {
        self.contents.has(Contents::PATHS.and(Contents::NAMES).and(Contents::ENTRIES))
    }

    #[inline(always)]
    const fn wants_directories(&self) -> bool {
        self.contents.has(Contents::DIRECTORIES.and(Contents::TREES))
    }

    /// Takes into account what the object is.
    #[inline(always)]
    pub fn add_inode(&mut self, rules: &impl Rules, inode: InodeId) {
        let operation = self.operation;
        if self.contents.has(Contents::GRANTS) && is_granted(rules, inode) {
            self.granted = 1;
        }
        self.add_file(rules, |inode| RuleKey::inode(operation, inode), inode, true);
        if self.contents.has(Contents::TREES) {
            // Who may not touch what is in a tree may not touch the tree either; who may need not be able to remove it.
            let mut bits = rules.get(&RuleKey::tree(operation, inode));
            if bits == 0 && self.contents.has(Contents::NUMBERED_DIRECTORIES) {
                bits = rules.get(&RuleKey::tree(operation, inode.of_any_generation()));
            }
            self.add_restriction(RuleValue::from_bits(bits), rules.zero());
        }
    }

    /// Takes the object's path into account.
    #[inline(always)]
    pub fn add_path(&mut self, rules: &impl Rules, path: TextLookup) {
        match path {
            TextLookup::Known(path) => self.add_text(rules, &RuleKey::path(self.operation, path)),
            TextLookup::TooLong => {}
            TextLookup::Unreadable => self.failed = 1,
        }
    }

    /// Takes the object's own name into account, if that matters.
    #[inline(always)]
    pub fn add_name(&mut self, rules: &impl Rules, name: TextLookup) {
        if !self.wants_name() {
            return;
        }
        match name {
            TextLookup::Known(name) => self.add_text(rules, &RuleKey::name(self.operation, name)),
            TextLookup::TooLong => {}
            TextLookup::Unreadable => self.failed = 1,
        }
    }

    /// Takes into account which name the object has in which directory, if that matters.
    #[inline(always)]
    pub fn add_entry(&mut self, rules: &impl Rules, directory: DirectoryLookup, name: TextLookup) {
        if !self.wants_entry() {
            return;
        }
        // The root of a file system has no name in it.
        let DirectoryLookup::Known(directory) = directory else { return };
        match name {
            TextLookup::Known(name) => {
                let operation = self.operation;
                let numbered = self.contents.has(Contents::NUMBERED_DIRECTORIES);
                self.add_file(rules, |inode| RuleKey::entry(operation, inode, name), directory, numbered);
            }
            TextLookup::TooLong => {}
            TextLookup::Unreadable => self.failed = 1,
        }
    }

    /// Takes the next directory into account; `false` where the rest does not matter any more.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "it is 0")]
    pub fn add_directory(&mut self, rules: &impl Rules, directory: DirectoryLookup) -> bool {
        let DirectoryLookup::Known(directory) = directory else {
            self.is_at_top = 1;
            return false;
        };
        if self.level >= LEVELS_MAX {
            return false;
        }
        let operation = self.operation;
        let numbered = self.contents.has(Contents::NUMBERED_DIRECTORIES);
        if self.level == 0 && self.contents.has(Contents::DIRECTORIES) {
            self.add_file(rules, |inode| RuleKey::directory(operation, inode), directory, numbered);
        }
        if !self.contents.has(Contents::TREES) {
            self.is_at_top = 1;
            return false;
        }
        self.add_file(rules, |inode| RuleKey::tree(operation, inode), directory, numbered);
        self.level = self.level.wrapping_add(1 + rules.zero() as u32);
        true
    }

    /// Adds the rule for a file or directory: that very one, or where `numbered` is set and there is none, whichever has its
    /// number.
    #[inline(always)]
    fn add_file(
        &mut self,
        rules: &impl Rules,
        key: impl Fn(InodeId) -> RuleKey,
        inode: InodeId,
        numbered: bool,
    ) {
        let mut bits = rules.get(&key(inode));
        if bits == 0 && numbered {
            bits = rules.get(&key(inode.of_any_generation()));
        }
        self.add_value(bits, rules.zero());
    }

    /// Adds a rule that may allow or restrict; `zero` is [`Rules::zero`].
    #[inline(always)]
    fn add_value(&mut self, bits: u64, zero: u64) {
        let value = RuleValue::from_bits(bits.wrapping_add(zero));
        if value.action_byte() == Action::Allow as u8 {
            self.permission = value.to_bits();
            if value.overrides() {
                self.override_ = value.to_bits();
            }
        }
        self.permission = self.permission.wrapping_add(zero);
        self.override_ = self.override_.wrapping_add(zero);
        self.add_restriction(value, zero);
    }

    /// Adds the rule for a text, or for what is untrusted: it can restrict and never allow.
    #[inline(always)]
    fn add_text(&mut self, rules: &impl Rules, key: &RuleKey) {
        let zero = rules.zero();
        self.add_restriction(RuleValue::from_bits(rules.get(key)), zero);
    }

    /// Adds a rule that may restrict; `zero` is [`Rules::zero`].
    #[inline(always)]
    fn add_restriction(&mut self, value: RuleValue, zero: u64) {
        let strictest = RuleValue::from_bits(self.restriction).action_byte();
        if value.action_byte() > Action::Allow as u8 && value.action_byte() > strictest {
            self.restriction = value.to_bits();
        }
        if self.group == 0 {
            self.group = value.group() as u64;
        }
        self.restriction = self.restriction.wrapping_add(zero);
        self.group = self.group.wrapping_add(zero);
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a group has 32 bits")]
    fn decision(&self, policy: RuleValue) -> Decision {
        if self.override_ != 0 {
            return Decision::final_verdict(RuleValue::from_bits(self.override_).into());
        }
        let restriction = RuleValue::from_bits(self.restriction);
        if restriction.is_some() {
            let group = if restriction.action_byte() > Action::Audit as u8 { 0 } else { self.group as u32 };
            return Decision { verdict: restriction.into(), group };
        }
        let value = if self.permission == 0 { policy } else { RuleValue::from_bits(self.permission) };
        Decision { verdict: value.into(), group: self.group as u32 }
    }
}

#[cfg(test)]
mod tests;
