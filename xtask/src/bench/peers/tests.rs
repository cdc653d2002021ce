// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is compared, and that no command is broken by its quotes.

use std::process::Command;

use super::peer::Peer;
use super::{Compared, Comparison, Cost, EMPTY, NOTHING, OPERATIONS, RECORDED, RULES};

fn cost(title: &str, instructions: u64) -> Cost {
    Cost::of(title, vec![instructions]).unwrap()
}

/// Executions and opens with nothing, under SAC three times, and with all others.
fn comparison(ours: u64, open: [u64; 2], theirs: u64) -> Comparison {
    let mut comparison = Comparison::new();
    let mut add = |title: &str, execution, open| {
        let operations = OPERATIONS.map(|_| cost(title, open)).into();
        let alone = Some(cost(title, execution));
        comparison.add(Compared { execution: cost(title, execution), alone, operations });
    };
    add(NOTHING, 100_000, 10_000);
    add(EMPTY, 100_000, open[0]);
    add(RULES, ours, open[1]);
    add(RECORDED, ours, open[1]);
    for peer in Peer::ALL {
        add(peer.title(), theirs, 20_000);
    }
    comparison
}

#[test]
fn each_bar_is_at_its_number() {
    let held =
        |comparison: Comparison| comparison.bars().into_iter().map(|(_, holds)| holds).collect::<Vec<_>>();
    assert_eq!(held(comparison(102_000, [10_100, 10_300], 102_001)), [true; 4]);
    assert_eq!(held(comparison(102_001, [10_101, 10_301], 102_001)), [false; 4]);
    assert_eq!(held(Comparison::new()), [false; 4]);
}

#[test]
fn what_was_not_measured_misses_a_bar() {
    let findings = comparison(1, [1, 1], 2).findings(vec![("snoopy is measured".to_owned(), false)]);
    assert!(findings.bars.iter().any(|(_, holds)| !holds));
    assert_eq!(findings.groups.len(), 2 + OPERATIONS.len());
}

#[test]
fn commands_are_shell_and_words_tell_the_others_apart() {
    for peer in Peer::ALL {
        let around = peer.around("sh -c 'true one && true two'");
        for command in [peer.start(), around, peer.proof(), peer.stop()] {
            let parsed = Command::new("sh").args(["-n", "-c", &command]).status().unwrap();
            assert!(parsed.success(), "{peer:?}: {command}");
        }
        let alike = Peer::ALL.into_iter().filter(|other| other.word().contains(peer.word()));
        assert_eq!(alike.count(), 1, "{peer:?}");
    }
}
