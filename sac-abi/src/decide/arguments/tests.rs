// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions on arguments against a slow, obvious oracle.

use super::super::tests::{Table, any_action, hash};
use super::*;
use crate::rule::{Contents, Operation};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// A program's arguments; `None` is one that cannot be read.
struct List<'l>(&'l [Option<&'static str>]);

impl Arguments for List<'_> {
    fn count(&self) -> u32 {
        self.0.len().try_into().unwrap()
    }
    fn each(&mut self, rules: &impl Rules, matching: &mut Matching) {
        for argument in self.0 {
            let argument = argument.map_or(Argument::Unreadable, |text| Argument::Known(hash(text)));
            if !matching.add(rules, argument) {
                return;
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Condition {
    /// In this order; `None` is any one. Whether more may follow.
    All(Vec<Option<&'static str>>, bool),
    /// At least one of them.
    Any(Vec<&'static str>),
}

impl Condition {
    fn holds(&self, arguments: &[&str]) -> bool {
        match self {
            Self::All(patterns, more) => {
                let fits = |(pattern, argument): (&Option<&str>, &&str)| {
                    pattern.is_none_or(|text| text == *argument)
                };
                (arguments.len() == patterns.len() || *more && arguments.len() > patterns.len())
                    && patterns.iter().zip(arguments).all(fits)
            }
            Self::Any(texts) => arguments.iter().any(|argument| texts.contains(argument)),
        }
    }

    fn enter(&self, table: &mut Table, group: u32, index: u32) {
        let mut set = |key| *table.entries.entry(key).or_insert(0) |= 1 << index;
        match self {
            Self::All(patterns, more) => {
                let own = u32::try_from(patterns.len()).unwrap();
                let last = if *more { ARGUMENTS_MAX } else { own };
                (own..=last).for_each(|count| set(RuleKey::argument_count(group, count)));
                for (position, pattern) in (1..).zip(patterns) {
                    set(match pattern {
                        Some(text) => RuleKey::argument_at(group, position, hash(text)),
                        None => RuleKey::any_argument_at(group, position),
                    });
                }
                (own + 1..=last).for_each(|position| set(RuleKey::any_argument_at(group, position)));
            }
            Self::Any(texts) => {
                texts.iter().for_each(|text| set(RuleKey::argument_anywhere(group, hash(text))))
            }
        }
    }
}

fn table(group: u32, conditions: &[(Condition, RuleValue)]) -> Table {
    let mut table = Table::default();
    for (index, (condition, value)) in (0..).zip(conditions) {
        condition.enter(&mut table, group, index);
        table.entries.insert(RuleKey::condition(group, index), value.to_bits());
    }
    table
}

const DEFAULT: Verdict = Verdict::new(Action::Allow, 0);

fn stop() -> Table {
    let condition = Condition::All(vec![Some("stop"), None], false);
    table(3, &[(condition, RuleValue::rule(1, Action::Deny))])
}

#[test]
fn what_blocks_here_kills() {
    let verdict = decide_arguments(&stop(), 3, DEFAULT, &mut List(&[Some("stop"), Some("sshd")]));
    assert_eq!(verdict, Verdict::new(Action::Kill, 1));
    let denied = Verdict::new(Action::Deny, 0);
    assert_eq!(decide_arguments(&stop(), 3, denied, &mut List(&[Some("stop")])).action(), Action::Kill);
}

#[test]
fn another_group_is_not_looked_at() {
    assert_eq!(decide_arguments(&stop(), 4, DEFAULT, &mut List(&[Some("stop"), Some("sshd")])), DEFAULT);
}

#[test]
fn what_cannot_be_read_is_killed_unless_nothing_is_blocked() {
    let many = [Some("x"); ARGUMENTS_MAX as usize + 1];
    let mut rules = stop();
    for arguments in [&[Some("start"), None][..], &many] {
        assert_eq!(decide_arguments(&rules, 3, DEFAULT, &mut List(arguments)), Verdict::ARGUMENTS_UNREADABLE);
    }
    assert_eq!(decide_arguments(&rules, 3, DEFAULT, &mut List(&many[1..])), DEFAULT);
    let audited = RuleValue::policy(Action::Allow, Contents::AUDITED);
    rules.entries.insert(RuleKey::policy(Operation::Execute), audited.to_bits());
    assert_eq!(decide_arguments(&rules, 3, DEFAULT, &mut List(&many)).action(), Action::Audit);
}

#[test]
fn the_last_condition_and_the_last_argument_count() {
    let mut conditions = vec![(Condition::Any(vec!["x"]), RuleValue::rule(1, Action::Allow)); 31];
    conditions.push((Condition::Any(vec!["-delete"]), RuleValue::rule(32, Action::Kill)));
    assert_eq!(conditions.len(), CONDITIONS_MAX as usize);
    let mut arguments = [Some("x"); ARGUMENTS_MAX as usize];
    arguments[ARGUMENTS_MAX as usize - 1] = Some("-delete");
    let verdict = decide_arguments(&table(1, &conditions), 1, DEFAULT, &mut List(&arguments));
    assert_eq!(verdict, Verdict::new(Action::Kill, 32));
}

#[test]
fn a_file_that_is_audited_stays_so_under_allowed_arguments() {
    let rules = table(1, &[(Condition::Any(vec!["-x"]), RuleValue::rule(1, Action::Allow))]);
    let audited = Verdict::new(Action::Audit, 7);
    assert_eq!(decide_arguments(&rules, 1, audited, &mut List(&[Some("-x")])), audited);
    let default = Verdict::new(Action::Audit, 0);
    let allowed = Verdict::new(Action::Allow, 1);
    assert_eq!(decide_arguments(&rules, 1, default, &mut List(&[Some("-x")])), allowed);
}

const WORDS: [&str; 4] = ["status", "stop", "-x", ""];

fn any_word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&WORDS[..])
}

fn any_condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        (prop::collection::vec(prop::option::of(any_word()), 0..4), any::<bool>())
            .prop_map(|(patterns, more)| Condition::All(patterns, more)),
        prop::collection::vec(any_word(), 1..3).prop_map(Condition::Any),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_reading_the_conditions(
        conditions in prop::collection::vec((any_condition(), any_action(), any::<bool>()), 0..6),
        arguments in prop::collection::vec(any_word(), 0..6),
        otherwise in any_action(),
        by_default: bool,
    ) {
        let valued: Vec<_> = (1..).zip(&conditions).map(|(number, (condition, action, overrides))| {
            let value = RuleValue::rule(number, *action);
            (condition.clone(), if *overrides { value.overriding() } else { value })
        }).collect();
        let otherwise = Verdict::new(otherwise, if by_default { 0 } else { 99 });
        let known: Vec<_> = arguments.iter().map(|text| Some(*text)).collect();
        let verdict = decide_arguments(&table(7, &valued), 7, otherwise, &mut List(&known));

        let holding: Vec<_> = conditions.iter().filter(|(condition, ..)| condition.holds(&arguments)).collect();
        let strictest = holding.iter().map(|(_, action, _)| *action).filter(|action| *action > Action::Allow).max();
        let allowed = holding.iter().any(|(_, action, _)| *action == Action::Allow);
        let overridden = holding.iter().any(|(_, action, overrides)| *action == Action::Allow && *overrides);
        let expected = match strictest {
            _ if overridden => Action::Allow,
            Some(strictest) => strictest,
            None if allowed && (by_default || otherwise.action() == Action::Allow) => Action::Allow,
            None => otherwise.action(),
        };
        let expected = if expected.blocks() { Action::Kill } else { expected };
        prop_assert_eq!(verdict.action(), expected);
    }
}
