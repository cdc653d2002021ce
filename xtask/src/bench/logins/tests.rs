// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parts of a hundred, and bars.

use super::{Cost, IDLE_S, LOADER_BYTES_MAX, LOGIN_P99_MAX, Measured, OPEN, SESSION_BYTES_MAX, part_of};

#[test]
fn a_part_of_a_hundred_is_the_least_that_so_many_are_not_above() {
    let hundred: Vec<u64> = (1..=100).rev().collect();
    assert_eq!([0, 50, 99, 100].map(|percent| part_of(&hundred, percent)), [1, 50, 99, 100]);
    assert_eq!([50, 99].map(|percent| part_of(&[7, 5, 6], percent)), [6, 7]);
    assert_eq!(part_of(&[], 99), 0);
}

fn measured(last_login: u64) -> Measured {
    let mut logins = vec![("PAM without SAC".to_owned(), vec![1])];
    for open in OPEN {
        let is_last = Some(&open) == OPEN.last();
        logins.push((
            format!("pam_sac, {open} sessions open"),
            vec![if is_last { last_login } else { 1_000_000 }; 3],
        ));
    }
    Measured {
        logins,
        waited: vec![("the same".to_owned(), vec![1])],
        kernel_bytes_each: SESSION_BYTES_MAX - 1_000,
        loader_bytes_each: 1_000,
        idle_bytes: LOADER_BYTES_MAX,
        idle_ns: IDLE_S * 1_000_000,
        end_ns: 1,
        swaps: Some(Cost::of("swap", vec![3]).unwrap()),
    }
}

#[test]
fn each_bar_is_at_its_number() {
    let held = |measured: Measured| measured.bars().into_iter().map(|(_, holds)| holds).collect::<Vec<_>>();
    assert_eq!(held(measured(1_100_000)), [true; 5]);
    assert_eq!(held(measured(1_100_001)), [true, false, true, true, true]);
    assert_eq!(held(measured(LOGIN_P99_MAX + 1))[..2], [false, false]);
    let more = Measured {
        loader_bytes_each: 1_001,
        idle_bytes: LOADER_BYTES_MAX + 1,
        idle_ns: IDLE_S * 1_000_000 + 1,
        ..measured(1)
    };
    assert_eq!(held(more), [true, true, false, false, false]);
    assert_eq!(held(Measured::default()), [false, false, false, false, true]);
}

#[test]
fn every_result_is_in_a_group() {
    let groups = measured(1_000_000).findings().groups;
    assert_eq!(groups.iter().map(|group| group.rows.len()).collect::<Vec<_>>(), [5, 5, 1, 3, 3]);
}
