// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which policies each session is under, and so all the sessions of a person together: counted, so that a login costs the same however many are
//! open.

use super::{place::Placement, policies::Variant};
use sac_abi::SessionId;
use std::collections::BTreeMap;

/// The placements of the open sessions. One that no policy is for any more, and that keeps its own, has none.
#[derive(Default)]
pub(super) struct Placements {
    sessions: BTreeMap<SessionId, (u32, Placement)>,
    /// How many sessions of a person are under a variant.
    people: BTreeMap<u32, BTreeMap<Variant, usize>>,
}

impl Placements {
    /// Notes what a session of a person is under, in place of what it was.
    pub(super) fn put(&mut self, id: SessionId, uid: u32, placement: Placement) {
        self.remove(id);
        let of_person = self.people.entry(uid).or_default();
        for variant in &placement {
            *of_person.entry(variant.clone()).or_default() += 1;
        }
        self.sessions.insert(id, (uid, placement));
    }

    /// Forgets a session.
    pub(super) fn remove(&mut self, id: SessionId) {
        let Some((uid, placement)) = self.sessions.remove(&id) else { return };
        let Some(of_person) = self.people.get_mut(&uid) else { return };
        for variant in &placement {
            if let Some(count) = of_person.get_mut(variant) {
                *count -= 1;
            }
        }
        of_person.retain(|_, count| *count > 0);
        if of_person.is_empty() {
            self.people.remove(&uid);
        }
    }

    /// All that the sessions of a person are under, each once and in order.
    pub(super) fn of_person(&self, uid: u32) -> Placement {
        self.people.get(&uid).map(|variants| variants.keys().cloned().collect()).unwrap_or_default()
    }

    /// Each session that has one.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, &Placement)> {
        self.sessions.iter().map(|(id, (_, placement))| (*id, placement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(policy: &str) -> Variant {
        Variant { policy: policy.to_owned(), grants_of: None }
    }

    fn session(number: u64) -> SessionId {
        SessionId::from_number(number).unwrap()
    }

    #[test]
    fn a_person_is_under_what_any_of_their_sessions_is_under_until_the_last_of_those_ends() {
        let mut placements = Placements::default();
        placements.put(session(1), 1000, vec![variant("b"), variant("a")]);
        placements.put(session(2), 1000, vec![variant("b")]);
        placements.put(session(3), 1001, vec![variant("c")]);
        assert_eq!(placements.of_person(1000), [variant("a"), variant("b")]);
        placements.remove(session(1));
        assert_eq!(placements.of_person(1000), [variant("b")]);
        placements.remove(session(1));
        assert_eq!(placements.of_person(1000), [variant("b")], "a session is forgotten once");
        placements.remove(session(2));
        assert!(placements.of_person(1000).is_empty());
        assert_eq!(placements.of_person(1001), [variant("c")]);
        assert_eq!(placements.people.len(), 1, "nobody is kept who has no session");
    }

    #[test]
    fn a_session_that_is_moved_leaves_nothing_where_it_was() {
        let mut placements = Placements::default();
        placements.put(session(1), 1000, vec![variant("a")]);
        placements.put(session(1), 1000, vec![variant("b")]);
        assert_eq!(placements.of_person(1000), [variant("b")]);
        assert_eq!(placements.sessions().count(), 1);
    }
}
