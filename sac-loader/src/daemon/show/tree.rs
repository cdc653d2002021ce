// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a session as a tree: each behind its parent, and siblings in the order in which they were started.

use super::CommandLines;
use crate::{cgroup, control::ProcessInfo, logins::Process};
use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ` of include/asm-generic/param.h.
const TICKS_A_SECOND: u64 = 100;

/// The processes in a session's cgroup now. One that goes meanwhile is left out.
pub(in crate::daemon) fn processes(directory: &Path, command_lines: &CommandLines) -> Vec<ProcessInfo> {
    let pids = cgroup::processes(directory).unwrap_or_default();
    let processes: Vec<Process> = pids.into_iter().filter_map(Process::of).collect();
    let mut commands = command_lines.read(processes.iter().map(|process| process.pid).collect());
    let booted = booted();
    let info = |(depth, process): (usize, &Process)| {
        let (command, command_cut) = commands.remove(&process.pid).unwrap_or_default();
        ProcessInfo {
            pid: process.pid,
            parent_pid: process.parent,
            depth,
            uid: process.uid,
            started: started(booted, process.started),
            name: process.name(),
            command: (!command.is_empty()).then_some(command),
            command_cut,
        }
    };
    in_order(&processes).into_iter().map(info).collect()
}

/// When the machine was started, by the clock as it goes now.
fn booted() -> Timestamp {
    let since = clock_gettime(ClockId::Boottime);
    let nanoseconds = i32::try_from(since.tv_nsec).unwrap_or(0);
    Timestamp::now().saturating_sub(SignedDuration::new(since.tv_sec, nanoseconds)).unwrap_or(Timestamp::MIN)
}

/// The moment so many ticks after the start of the machine, to the hundredth of a second that the kernel tells.
fn started(booted: Timestamp, ticks: u64) -> String {
    let milliseconds = i64::try_from(ticks.saturating_mul(1000 / TICKS_A_SECOND)).unwrap_or(i64::MAX);
    let at = booted.saturating_add(SignedDuration::from_millis(milliseconds)).unwrap_or(Timestamp::MAX);
    Timestamp::from_millisecond(at.as_millisecond() / 10 * 10).unwrap_or(at).to_string()
}

/// Processes in the order of a tree, each with how many of its ancestors are among them.
fn in_order(processes: &[Process]) -> Vec<(usize, &Process)> {
    let known: BTreeSet<i32> = processes.iter().map(|process| process.pid).collect();
    let mut children: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    let mut first = Vec::new();
    for process in processes {
        let is_below = process.parent != process.pid && known.contains(&process.parent);
        let of = if is_below { children.entry(process.parent).or_default() } else { &mut first };
        of.push(process);
    }
    // The last in is the first out.
    let newest_first = |list: &mut Vec<&Process>| {
        list.sort_unstable_by_key(|process| std::cmp::Reverse((process.started, process.pid)));
    };
    children.values_mut().for_each(newest_first);
    newest_first(&mut first);
    let mut pending: Vec<(usize, &Process)> = first.into_iter().map(|process| (0, process)).collect();
    let mut ordered = Vec::with_capacity(processes.len());
    loop {
        while let Some((depth, process)) = pending.pop() {
            ordered.push((depth, process));
            let below = children.remove(&process.pid).into_iter().flatten();
            pending.extend(below.map(|child| (depth + 1, child)));
        }
        // Processes that came and went while they were read can seem to be each other's parents.
        match children.pop_first() {
            Some((_, ring)) => pending.extend(ring.into_iter().map(|process| (0, process))),
            None => return ordered,
        }
    }
}

#[cfg(test)]
mod tests;
