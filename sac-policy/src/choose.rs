// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which policy holds for a person.
//!
//! Several can name one person. The greater priority wins; then the one that names the person more closely: by user,
//! by group, as everyone; then the one whose name sorts first. No policy holds for uid 0, whatever it names: nothing
//! that is written into a policy can lock root out.

use crate::policy::{AccountId, Policy, Who};
use std::cmp::Reverse;

/// Somebody who logs in, as the system's user database knows them. The loader fills this in; a client never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// User name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// All groups, the primary one included.
    pub groups: Vec<Group>,
}

/// A group that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Group id.
    pub gid: u32,
    /// Group name.
    pub name: String,
}

/// The policy that holds for a person, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<'s> {
    /// The policy that holds; `None` where none is for this person.
    pub winner: Option<Match<'s>>,
    /// The others that are for this person, in the order in which they would have won.
    pub losers: Vec<Loser<'s>>,
}

/// A policy that is for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'s> {
    /// The policy.
    pub policy: &'s Policy,
    /// How it names the person.
    pub by: MatchedBy<'s>,
}

/// How a policy names a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedBy<'s> {
    /// As a user.
    User(&'s AccountId),
    /// As a member of a group.
    Group(&'s AccountId),
    /// As one of everyone.
    Everyone,
}

/// A policy that is for a person and does not hold, because the winner comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loser<'s> {
    /// The policy.
    pub matched: Match<'s>,
    /// What the winner has over it.
    pub because: LostBy,
}

/// What a winner has over a loser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostBy {
    /// A greater priority.
    Priority,
    /// It names the person more closely.
    Specificity,
    /// A name that sorts first.
    Name,
}

impl MatchedBy<'_> {
    /// Greater where the person is named more closely.
    const fn specificity(&self) -> u8 {
        match self {
            Self::User(_) => 2,
            Self::Group(_) => 1,
            Self::Everyone => 0,
        }
    }
}

impl Match<'_> {
    fn lost_to(&self, winner: &Self) -> LostBy {
        if self.policy.priority != winner.policy.priority {
            LostBy::Priority
        } else if self.by.specificity() != winner.by.specificity() {
            LostBy::Specificity
        } else {
            LostBy::Name
        }
    }
}

pub(crate) fn choose<'s>(policies: &'s [Policy], person: &Person) -> Choice<'s> {
    if person.uid == 0 {
        return Choice { winner: None, losers: Vec::new() };
    }
    let mut matches: Vec<Match<'s>> = policies
        .iter()
        .filter_map(|policy| Some(Match { policy, by: matched_by(&policy.applies_to, person)? }))
        .collect();
    matches.sort_by_key(|found| {
        (Reverse(found.policy.priority), Reverse(found.by.specificity()), found.policy.name.as_str())
    });
    let mut matches = matches.into_iter();
    let Some(winner) = matches.next() else {
        return Choice { winner: None, losers: Vec::new() };
    };
    let losers = matches.map(|matched| Loser { matched, because: matched.lost_to(&winner) }).collect();
    Choice { winner: Some(winner), losers }
}

/// The closest way in which a policy names a person.
fn matched_by<'s>(who: &'s Who, person: &Person) -> Option<MatchedBy<'s>> {
    let Who::Accounts { users, groups } = who else {
        return Some(MatchedBy::Everyone);
    };
    let user = users.iter().find(|user| user.id.matches(&person.name, person.uid));
    let in_group = |id: &AccountId| person.groups.iter().any(|group| id.matches(&group.name, group.gid));
    let group = groups.iter().find(|group| in_group(&group.id));
    user.map(|user| MatchedBy::User(&user.id)).or(group.map(|group| MatchedBy::Group(&group.id)))
}

#[cfg(test)]
mod tests;
