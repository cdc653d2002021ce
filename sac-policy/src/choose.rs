// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which policy holds for a person.
//!
//! Several can name one person. Those drop out whose conditions the login does not meet. Of the others the greater priority
//! wins; then the one that names the person more closely: by user, by group, as everyone; then the one with more conditions;
//! then the one whose name sorts first. No policy holds for uid 0, whatever it names: nothing that is written into a policy
//! can lock root out.

use crate::policy::{AccountId, AppliesTo, Origin, Policy, Who};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::net::IpAddr;

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

/// How somebody logs in. The loader takes this from the PAM module, which is root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The PAM service.
    pub service: String,
    /// Where the login comes from.
    pub from: RemoteHost,
    /// Whether there is a terminal.
    pub terminal: bool,
}

/// Where a login comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteHost {
    /// From the machine itself.
    Local,
    /// From this address.
    Address(IpAddr),
    /// From a host of which only the name is known; it is in no network.
    Name(String),
}

/// The policy that holds for a person, and how it came to that.
#[derive(Clone, Debug)]
pub struct Choice<'s> {
    /// The policy that holds; `None` where none is for this person.
    pub winner: Option<Match<'s>>,
    /// The others that are for this person, in the order in which they would have won.
    pub losers: Vec<Loser<'s>>,
    /// Those that are for this person and not for this login, in the same order.
    pub excluded: Vec<Excluded<'s>>,
}

/// A policy that is for a person.
#[derive(Clone, Copy, Debug)]
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
#[derive(Clone, Copy, Debug)]
pub struct Loser<'s> {
    /// The policy.
    pub matched: Match<'s>,
    /// What the winner has over it.
    pub because: LostBy,
}

/// A policy that is for a person, and not for this login.
#[derive(Clone, Copy, Debug)]
pub struct Excluded<'s> {
    /// The policy.
    pub matched: Match<'s>,
    /// The first of its conditions that the login does not meet.
    pub because: Unmet,
}

/// A condition that a login does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// `services`.
    Service,
    /// `from`.
    Origin,
    /// `terminal`.
    Terminal,
    /// `when`.
    Time,
}

/// What a winner has over a loser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostBy {
    /// A greater priority.
    Priority,
    /// It names the person more closely.
    Specificity,
    /// More conditions on the login.
    Conditions,
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
    fn conditions(&self) -> usize {
        self.policy.applies_to.conditions()
    }

    fn lost_to(&self, winner: &Self) -> LostBy {
        if self.policy.priority != winner.policy.priority {
            LostBy::Priority
        } else if self.by.specificity() != winner.by.specificity() {
            LostBy::Specificity
        } else if self.conditions() != winner.conditions() {
            LostBy::Conditions
        } else {
            LostBy::Name
        }
    }
}

pub(crate) fn choose<'s>(
    policies: &'s [Policy],
    person: &Person,
    login: &Login,
    at: Timestamp,
) -> Choice<'s> {
    let mut choice = Choice { winner: None, losers: Vec::new(), excluded: Vec::new() };
    for matched in matches(policies, person) {
        if let Some(because) = unmet(&matched.policy.applies_to, login, at) {
            choice.excluded.push(Excluded { matched, because });
        } else if let Some(winner) = choice.winner {
            choice.losers.push(Loser { matched, because: matched.lost_to(&winner) });
        } else {
            choice.winner = Some(matched);
        }
    }
    choice
}

/// The policies that are for a person, whatever the login, in the order in which they would win.
pub(crate) fn matches<'s>(policies: &'s [Policy], person: &Person) -> Vec<Match<'s>> {
    if person.uid == 0 {
        return Vec::new();
    }
    let mut matches: Vec<Match<'s>> = policies
        .iter()
        .filter_map(|policy| Some(Match { policy, by: matched_by(&policy.applies_to.who, person)? }))
        .collect();
    matches.sort_by_key(|found| {
        let specificity = (found.by.specificity(), found.conditions());
        (Reverse(found.policy.priority), Reverse(specificity), found.policy.name.as_str())
    });
    matches
}

/// The first condition that a login does not meet.
fn unmet(applies_to: &AppliesTo, login: &Login, at: Timestamp) -> Option<Unmet> {
    let AppliesTo { services, from, terminal, when, .. } = applies_to;
    if !services.is_empty() && !services.contains(&login.service) {
        Some(Unmet::Service)
    } else if !from.is_empty() && !from.iter().any(|origin| is_from(origin, &login.from)) {
        Some(Unmet::Origin)
    } else if terminal.is_some_and(|terminal| terminal != login.terminal) {
        Some(Unmet::Terminal)
    } else if when.as_ref().is_some_and(|when| !when.holds(at)) {
        Some(Unmet::Time)
    } else {
        None
    }
}

fn is_from(origin: &Origin, host: &RemoteHost) -> bool {
    match (origin, host) {
        (Origin::Local, RemoteHost::Local) => true,
        (Origin::Network(network), RemoteHost::Address(address)) => network.contains(*address),
        _ => false,
    }
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
