// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order of processes, and what is told of one that is really there.

use super::*;
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

/// Processes with these numbers, parents and moments of their start.
fn processes_of(list: &[(i32, i32, u64)]) -> Vec<Process> {
    let any = Process::of(std::process::id().cast_signed()).unwrap();
    let process = |&(pid, parent, started): &(i32, i32, u64)| {
        let mut process = any.clone();
        (process.pid, process.parent, process.started) = (pid, parent, started);
        process
    };
    list.iter().map(process).collect()
}

fn order(list: &[(i32, i32, u64)]) -> Vec<(usize, i32)> {
    in_order(&processes_of(list)).into_iter().map(|(depth, process)| (depth, process.pid)).collect()
}

#[test]
fn each_stands_behind_its_parent_and_the_older_sibling_first() {
    // The numbers have begun anew at 5.
    let list = [(5, 100, 9), (100, 1, 1), (101, 100, 2), (102, 101, 3), (103, 1, 5), (6, 103, 10)];
    assert_eq!(order(&list), [(0, 100), (1, 101), (2, 102), (1, 5), (0, 103), (1, 6)]);
    assert_eq!(order(&[]), []);
}

#[test]
fn nobody_is_lost_where_the_tree_is_none() {
    let mut ring = order(&[(1, 1, 1), (7, 8, 2), (8, 7, 3), (9, 8, 4)]);
    assert_eq!(ring.first(), Some(&(0, 1)));
    ring.sort_unstable_by_key(|(_, pid)| *pid);
    assert_eq!(ring.iter().map(|(_, pid)| *pid).collect::<Vec<_>>(), [1, 7, 8, 9]);
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let chain: Vec<_> =
        (1_u16..3000).map(|pid| (i32::from(pid), i32::from(pid) - 1, u64::from(pid))).collect();
    assert_eq!(order(&chain).last(), Some(&(2998, 2999)));
}

#[test]
fn what_is_told_of_a_process_is_true() {
    let before = Timestamp::now();
    let mut child = Command::new("sh")
        .args(["-c", "echo; read line", "", "it"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Until it has begun to run it has no command line.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("cgroup.procs"), format!("{}\n", child.id())).unwrap();
    let found = processes(directory.path(), &CommandLines::patient());
    child.kill().unwrap();
    child.wait().unwrap();
    let [process] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(process.pid.unsigned_abs(), child.id());
    assert_eq!(process.parent_pid.unsigned_abs(), std::process::id());
    assert_eq!((process.depth, process.command_cut), (0, false));
    let words = ["sh", "-c", "echo; read line", "", "it"].map(sac_audit::text::Text::from);
    assert_eq!(process.command.as_deref(), Some(&words[..]));
    let age = process.started.parse::<Timestamp>().unwrap().duration_since(before);
    assert!(age.as_millis().abs() < 2000, "{age:?}");
    assert!(processes(directory.path(), &CommandLines::patient()).is_empty(), "it has gone");
}
