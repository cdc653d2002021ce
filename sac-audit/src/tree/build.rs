// SPDX-License-Identifier: MIT OR Apache-2.0
//! From records to the tree.

use super::{Act, Command, End, Moment, Process, STEPS_MAX, Tree, What};
use crate::record::{self, Event, Execution, Record};
use crate::text::Text;
use std::collections::HashMap;

impl Tree {
    /// The tree of one session's records. Their order does not matter: what is blocked may be recorded before or after what happened
    /// at the same time.
    #[must_use]
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut steps: Vec<(Moment, Step)> = Vec::new();
        let mut left_out = 0;
        for record in records {
            let at = Moment { time: record.entry.time, boot_ns: record.entry.boot_ns };
            match step(record) {
                Some(_) if steps.len() == STEPS_MAX => left_out += 1,
                Some(step) => steps.push((at, step)),
                None => {}
            }
        }
        steps.sort_by_key(|(at, _step)| at.boot_ns);
        let mut builder = Builder { tree: Self { left_out, ..Self::default() }, living: HashMap::new() };
        steps.into_iter().for_each(|(at, step)| builder.step(at, step));
        builder.tree
    }
}

/// A record, as far as the tree is concerned.
enum Step {
    Opened { pid: u32, service: Text },
    Closed,
    Forked { pid: u32, parent_pid: u32, comm: Text },
    Acted { by: record::Process, what: Box<What> },
    Ended { pid: u32, code: Option<u8>, signal: Option<u8>, run_time_ns: u64 },
}

fn step(record: Record) -> Option<Step> {
    let service = record.entry.session.map(|session| session.service);
    Some(match record.entry.event {
        Event::SessionOpened { pid, .. } => {
            Step::Opened { pid, service: Text::from(service.unwrap_or_default().as_str()) }
        }
        Event::SessionClosed { .. } => Step::Closed,
        Event::Forked { pid, parent_pid, comm } => Step::Forked { pid, parent_pid, comm },
        Event::Executed(Execution { process, file, arguments, arguments_cut, .. }) => {
            let command = Command { path: file.path, arguments, is_cut: arguments_cut };
            acted(process, What::Executed(command))
        }
        Event::Blocked(Execution { process, file, arguments, arguments_cut, verdict, .. }) => {
            let command = Command { path: file.path, arguments, is_cut: arguments_cut };
            acted(process, What::Blocked(command, verdict))
        }
        Event::Operation(operation) => acted(operation.process.clone(), What::Operation(operation)),
        Event::Ended { pid, code, signal, run_time_ns } => Step::Ended { pid, code, signal, run_time_ns },
        _ => return None,
    })
}

fn acted(by: record::Process, what: What) -> Step {
    Step::Acted { by, what: Box::new(what) }
}

struct Builder {
    tree: Tree,
    /// The last process of each id.
    living: HashMap<u32, usize>,
}

impl Builder {
    fn step(&mut self, at: Moment, step: Step) {
        match step {
            Step::Opened { pid, service } => {
                self.process(pid, None, service, at);
            }
            Step::Closed => self.tree.is_closed = true,
            Step::Forked { pid, parent_pid, comm } => {
                let parent = self.process(parent_pid, None, comm.clone(), at);
                let child = self.add(pid, Some(parent), comm, at);
                self.change(child, |process| process.is_fork_known = true);
            }
            Step::Acted { by: record::Process { pid, parent_pid, comm, .. }, what } => {
                let actor = self.process(pid, Some(parent_pid), comm, at);
                let forked_by = self.tree.processes.get(actor).and_then(|process| process.parent);
                let forked_by =
                    forked_by.and_then(|parent| self.tree.processes.get(parent)).map(|parent| parent.pid);
                self.change(actor, |process| {
                    process.acts.push(Act { at, what: *what });
                    process.adopted_by =
                        Some(parent_pid).filter(|pid| forked_by.is_some_and(|by| by != *pid));
                });
            }
            Step::Ended { pid, code, signal, run_time_ns } => {
                let ended = self.process(pid, None, Text::Unreadable, at);
                self.change(ended, |process| process.end = Some(End { at, code, signal, run_time_ns }));
            }
        }
    }

    /// The place of the process that has this id now. One that nothing is known of yet is added, below its parent if that one is known.
    fn process(&mut self, pid: u32, parent_pid: Option<u32>, comm: Text, at: Moment) -> usize {
        let known = self.living.get(&pid).copied();
        let lives = |place: &usize| {
            let process = self.tree.processes.get(*place);
            process.is_some_and(|process| process.end.is_none_or(|end| end.at.boot_ns >= at.boot_ns))
        };
        if let Some(place) = known.filter(lives) {
            return place;
        }
        let parent =
            parent_pid.filter(|parent| *parent != pid).and_then(|parent| self.living.get(&parent).copied());
        self.add(pid, parent, comm, at)
    }

    fn add(&mut self, pid: u32, parent: Option<usize>, comm: Text, began: Moment) -> usize {
        let place = self.tree.processes.len();
        self.tree.processes.push(Process {
            pid,
            parent,
            children: Vec::new(),
            began,
            is_fork_known: false,
            comm,
            adopted_by: None,
            acts: Vec::new(),
            end: None,
        });
        self.living.insert(pid, place);
        match parent {
            Some(parent) => self.change(parent, |process| process.children.push(place)),
            None => self.tree.roots.push(place),
        }
        place
    }

    fn change(&mut self, place: usize, change: impl FnOnce(&mut Process)) {
        if let Some(process) = self.tree.processes.get_mut(place) {
            change(process);
        }
    }
}
