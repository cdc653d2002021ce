// SPDX-License-Identifier: MIT OR Apache-2.0
//! The places, in the order in which a session meets them.

macro_rules! places {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// A place.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Failpoint {
            $($(#[doc = $doc])* $name,)*
        }

        impl Failpoint {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name: of the file that says what happens there.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

places! {
    /// A login is asked for, and nothing has been done.
    LoginAsked = "login-asked",
    /// A user's slice has its programs and is not written down.
    SlicePinned = "slice-pinned",
    /// A session has an empty cgroup and nothing else.
    SessionCgroup = "session-cgroup",
    /// A session's counters are in the kernel.
    SessionCounters = "session-counters",
    /// A session has its programs, which nothing but the loader holds, and no scope.
    SessionAttached = "session-attached",
    /// A cgroup gets the program for files that are opened, which nothing but the loader holds.
    ScopeOpening = "scope-opening",
    /// The machine gets the programs for what a policy judges, and has one of them.
    MachineJudging = "machine-judging",
    /// The machine-wide programs know a scope that the cgroup's own do not know yet.
    ScopeByCgroup = "scope-by-cgroup",
    /// A cgroup has its scope.
    ScopeSet = "scope-set",
    /// One of a cgroup's programs is pinned, and the others are not.
    ScopeHalfPinned = "scope-half-pinned",
    /// All of a session's programs are pinned, and the session is not written down.
    SessionPinned = "session-pinned",
    /// A session or a slice is written down in a file that does not have its name yet.
    RecordWritten = "record-written",
    /// A session is written down, and who logs in has no answer.
    SessionWritten = "session-written",
    /// Who logs in has been answered, and is entering.
    SessionAnswered = "session-answered",
    /// A policy is in a map that no slot points to yet.
    PolicyFilled = "policy-filled",
    /// A policy is in a slot that nobody is under yet.
    PolicyPublished = "policy-published",
    /// All policies are published, and nobody has moved.
    PoliciesReplaced = "policies-replaced",
    /// A session is under its new policy in the kernel, and under the old one in its record.
    SessionMoved = "session-moved",
    /// Everybody has moved, and what nobody is under is still there.
    EverybodyMoved = "everybody-moved",
    /// Some of what nobody is under has been removed.
    PolicyWithdrawn = "policy-withdrawn",
    /// Grants are written in a file that does not have its name yet.
    GrantWritten = "grant-written",
    /// A grant is written down, and nobody has it yet.
    GrantGiven = "grant-given",
    /// A grant is taken back, and whoever had it has it still.
    GrantRevoked = "grant-revoked",
    /// So many attempts were blocked that something is to be done about it.
    StrikesOut = "strikes-out",
    /// A session is frozen or killed, and nothing says so.
    SessionControlled = "session-controlled",
    /// A session's cgroup is removed.
    ClosingCgroup = "closing-cgroup",
    /// A session's end is told to the record.
    ClosingTold = "closing-told",
    /// What was written down of a session is removed, and what is in the kernel is not.
    ClosingForgotten = "closing-forgotten",
    /// A session's scope is gone from the maps, and its pins are there.
    ClosingUnmapped = "closing-unmapped",
    /// A loader has its maps and programs.
    StartLoaded = "start-loaded",
    /// The machine-wide programs are attached.
    StartMachine = "start-machine",
    /// A program of the anchor's is not pinned for a moment.
    StartAnchor = "start-anchor",
    /// A loader has taken over one of the sessions that it finds.
    StartAdopted = "start-adopted",
    /// A loader has taken over all of them, and has loaded no policies.
    StartCleared = "start-cleared",
    /// A loader is about to say that it is ready.
    StartReady = "start-ready",
    /// Events of the kernel half have been read and are not in the record.
    EventsRead = "events-read",
    /// Lines of the record are about to be written.
    RecordBefore = "record-before",
    /// Lines are written, and nothing is said of that.
    RecordAfter = "record-after",
    /// A file of the record is full, and there is no other.
    RecordRotate = "record-rotate",
    /// A file of the record is new and empty.
    RecordRotated = "record-rotated",
    /// How far sessions have come is about to be written beside the record.
    RecordSave = "record-save",
}

#[cfg(test)]
mod tests {
    use super::Failpoint;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_places_have_the_same_name_and_each_can_be_a_file() {
        let names: BTreeSet<_> = Failpoint::ALL.iter().map(|place| place.name()).collect();
        assert_eq!(names.len(), Failpoint::ALL.len());
        let is_plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(names.iter().all(is_plain));
    }
}
