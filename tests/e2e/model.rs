// SPDX-License-Identifier: MIT OR Apache-2.0
//! People come, execute, become somebody else, go and are thrown out, policies change and the loader dies, in an order that chance gives. A
//! model says what each execution has to come to, and after each step the kernel, what the loader has written down and what it says
//! are what the model says.

use crate::{
    Test,
    chance::{Chance, SEED},
    dialogue::Dialogue,
    fixture::{Fixture, equal},
    record::records,
    restart::{counter, kill_daemon},
};
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _, time::Duration};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[("random_sequences", random_sequences)];

/// How many steps there are, and with `SAC_E2E_EVERYWHERE`: one takes some seconds.
const STEPS: usize = 40;
const STEPS_THOROUGH: usize = 400;

/// More sessions at a time take memory and show nothing new.
const SESSIONS_MAX: usize = 5;

/// How long what is done meanwhile, the end of a session above all, may take to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is executed, with what makes it succeed where it may.
const PROGRAMS: [(&str, &str); 3] = [("/usr/bin/df", "/"), ("/usr/bin/nproc", ""), ("/usr/bin/id", "")];

/// The policies, with whom they are for.
const POLICIES: [(&str, &str); 3] =
    [("developers", "{groups: [developers]}"), ("dba", "{groups: [dba]}"), ("default", "everyone")];

/// The people, each with the number of their policy. A password is the name.
const PEOPLE: [(&str, usize); 4] = [("alice", 0), ("dave", 0), ("bob", 1), ("carol", 2)];

/// What a rule does, and what the shell then says of the program.
const ACTIONS: [(&str, i32); 2] = [("kill", 137), ("deny", 126)];

/// What kernel, registry and command line say, in parts.
const FACTS: &str = "sac-loader list-sessions --json
echo; echo ---; ls /run/sac/sessions
echo ---; find /sys/fs/cgroup -type d -name 'sac-*' ! -name sac-anchor ! -name 'sac-loader*' -printf '%i %p\\n'
echo ---; ls /sys/fs/bpf/sac/v*/scopes
echo ---; find /sys/fs/cgroup/user.slice -maxdepth 1 -name 'user-*.slice' -printf '%i\\n'";

/// A session that the model knows of.
struct Open {
    id: String,
    user: &'static str,
    policy: usize,
    shell: Dialogue,
    executed: u64,
    blocked: u64,
}

/// One that has ended, with what was blocked in it.
struct Ended {
    id: String,
    blocked: u64,
}

/// What the model says.
struct Model {
    /// For each policy the action for each program, if there is a rule for it.
    rules: [[Option<usize>; PROGRAMS.len()]; POLICIES.len()],
    open: Vec<Open>,
    ended: Vec<Ended>,
    /// How many steps were taken: what a shell is asked needs a mark of its own.
    steps: usize,
}

/// Promise: whatever people, administrators and accidents do in whatever order, an execution comes to what the policy of that moment
/// says, and kernel, registry and list know the same sessions, with what was done in them.
fn random_sequences(fixture: &Fixture) -> anyhow::Result<()> {
    let mut chance = Chance::new()?;
    let seed = chance.seed();
    let steps = if crate::is_thorough() { STEPS_THOROUGH } else { STEPS };
    let mut model = Model { rules: Default::default(), open: Vec::new(), ended: Vec::new(), steps: 0 };
    let mut done = String::new();
    let walked = walk(fixture, &mut model, &mut chance, steps, &mut done);
    walked.with_context(|| format!("with {SEED}={seed}, after:\n{done}"))
}

fn walk(
    fixture: &Fixture,
    model: &mut Model,
    chance: &mut Chance,
    steps: usize,
    done: &mut String,
) -> anyhow::Result<()> {
    model.change_policies(fixture, chance)?;
    for _ in 0..steps {
        let what = model.step(fixture, chance)?;
        writeln!(done, "{what}")?;
        model.agrees(fixture)?;
    }
    for session in std::mem::take(&mut model.open) {
        model.ended.push(Ended { id: session.id, blocked: session.blocked });
        session.shell.end()?;
    }
    model.agrees(fixture)?;
    model.agrees_with_the_record(fixture)?;
    fixture.nothing_stays()
}

impl Model {
    /// Does something that chance gives, and says what it was.
    fn step(&mut self, fixture: &Fixture, chance: &mut Chance) -> anyhow::Result<String> {
        self.steps += 1;
        let choice = if self.open.is_empty() { 0 } else { chance.below(20) };
        match choice {
            0..=3 if self.open.len() < SESSIONS_MAX => self.come(fixture, chance),
            0..=9 => self.execute(chance),
            10..=12 => self.execute_as_another(fixture, chance),
            13..=15 => self.change_policies(fixture, chance),
            16 => self.throw_out(fixture, chance),
            17 => self.leave(chance),
            18 => self.lose_the_connection(chance),
            _ => {
                fixture.root("systemctl reset-failed sac-loader")?;
                kill_daemon(fixture)?;
                Ok("the loader is killed".to_owned())
            }
        }
    }

    fn come(&mut self, fixture: &Fixture, chance: &mut Chance) -> anyhow::Result<String> {
        let &(user, policy) = chance.one_of(&PEOPLE);
        let shell = Dialogue::shell(&fixture.ssh(user))?;
        let known: BTreeSet<_> = self.open.iter().map(|session| session.id.as_str()).collect();
        let sessions = fixture.sessions()?;
        let new = sessions.iter().find(|session| {
            session["user"] == user && session["id"].as_str().is_some_and(|id| !known.contains(id))
        });
        let new = new.with_context(|| format!("{user} is in no session: {sessions:?}"))?;
        let id = new["id"].as_str().context("a session without an id")?.to_owned();
        let (executed, blocked) = (counter(new, "executed")?, counter(new, "blocked")?);
        ensure!(blocked == 0, "something is blocked before anything was tried: {new}");
        let what = format!("{user} comes: {id}");
        self.open.push(Open { id, user, policy, shell, executed, blocked });
        Ok(what)
    }

    /// Somebody's session, by chance. There is one.
    fn somebody(&mut self, chance: &mut Chance) -> anyhow::Result<(&mut Open, usize)> {
        let index = usize::try_from(chance.below(self.open.len() as u64))?;
        Ok((self.open.get_mut(index).context("nobody is in")?, index))
    }

    /// What the rules say of an execution: the status, and whether it is blocked.
    fn verdict(&self, policy: usize, program: usize) -> (i32, bool) {
        match self.rules[policy][program] {
            Some(action) => (ACTIONS[action].1, true),
            None => (0, false),
        }
    }

    fn execute(&mut self, chance: &mut Chance) -> anyhow::Result<String> {
        let program = usize::try_from(chance.below(PROGRAMS.len() as u64))?;
        let mark = format!("step-{}", self.steps);
        let (_, index) = self.somebody(chance)?;
        let (wanted, is_blocked) = self.verdict(self.open[index].policy, program);
        let session = &mut self.open[index];
        let (path, argument) = PROGRAMS[program];
        let status = session.shell.status(&mark, &format!("{path} {argument} >/dev/null 2>&1"))?;
        equal(status, wanted, &format!("{} in {}: {path}", session.user, session.id))?;
        session.blocked += u64::from(is_blocked);
        session.executed += u64::from(!is_blocked);
        Ok(format!("{} in {} executes {path}: {status}", session.user, session.id))
    }

    /// Somebody becomes another one by su, and stays under the policy of the session.
    fn execute_as_another(&mut self, fixture: &Fixture, chance: &mut Chance) -> anyhow::Result<String> {
        let program = usize::try_from(chance.below(PROGRAMS.len() as u64))?;
        let &(other, _) = chance.one_of(&PEOPLE);
        let mark = format!("step-{}", self.steps);
        let (_, index) = self.somebody(chance)?;
        let (wanted, is_blocked) = self.verdict(self.open[index].policy, program);
        let session = &mut self.open[index];
        let (path, argument) = PROGRAMS[program];
        let line = format!(
            "[ \"$(echo {other} | su {other} -c '{path} {argument} >/dev/null 2>&1; echo $?' 2>/dev/null)\" = {wanted} ]"
        );
        let status = session.shell.status(&mark, &line)?;
        equal(status, 0, &format!("{} as {other} in {}: {path} with {wanted}", session.user, session.id))?;
        session.blocked += u64::from(is_blocked);
        // What su executes besides differs between releases.
        let now = fixture.sessions()?;
        let now = now.iter().find(|now| now["id"] == session.id.as_str()).context("the session has gone")?;
        let executed = counter(now, "executed")?;
        let least = session.executed + 2 + u64::from(!is_blocked);
        ensure!(executed >= least, "{executed} executions instead of {least} or more: {now}");
        session.executed = executed;
        Ok(format!("{} as {other} in {} executes {path}: {wanted}", session.user, session.id))
    }

    fn change_policies(&mut self, fixture: &Fixture, chance: &mut Chance) -> anyhow::Result<String> {
        for rules in &mut self.rules {
            for rule in rules.iter_mut() {
                *rule = usize::try_from(chance.below(3))?.checked_sub(1);
            }
        }
        let texts: Vec<_> = POLICIES
            .iter()
            .zip(&self.rules)
            .map(|((name, applies_to), rules)| (*name, text(name, applies_to, rules)))
            .collect();
        let policies: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        fixture.policies(&policies)?;
        Ok(format!("policies change: {:?}", self.rules))
    }

    fn throw_out(&mut self, fixture: &Fixture, chance: &mut Chance) -> anyhow::Result<String> {
        let (_, index) = self.somebody(chance)?;
        let Open { id, user, shell, blocked, .. } = self.open.swap_remove(index);
        fixture.root(&format!("sac-loader kill-session {id} --reason 'a test'"))?;
        shell.end()?;
        let what = format!("{user} is thrown out of {id}");
        self.ended.push(Ended { id, blocked });
        Ok(what)
    }

    fn leave(&mut self, chance: &mut Chance) -> anyhow::Result<String> {
        let (_, index) = self.somebody(chance)?;
        let Open { id, user, shell, blocked, .. } = self.open.swap_remove(index);
        shell.end()?;
        let what = format!("{user} leaves {id}");
        self.ended.push(Ended { id, blocked });
        Ok(what)
    }

    fn lose_the_connection(&mut self, chance: &mut Chance) -> anyhow::Result<String> {
        let (_, index) = self.somebody(chance)?;
        let Open { id, user, shell, blocked, .. } = self.open.swap_remove(index);
        shell.cut()?;
        let what = format!("{user} loses the connection of {id}");
        self.ended.push(Ended { id, blocked });
        Ok(what)
    }

    /// Wants kernel, registry and list to say what the model says, in the end.
    fn agrees(&self, fixture: &Fixture) -> anyhow::Result<()> {
        let mut difference = String::new();
        let agreed = wait_until("the model being right", PATIENCE, || {
            let facts = fixture.root(FACTS)?;
            match self.compare(&facts) {
                Ok(()) => Ok(Some(())),
                Err(error) => {
                    difference = format!("{error:#}\n{facts}");
                    Ok(None)
                }
            }
        });
        agreed.with_context(|| difference)
    }

    fn compare(&self, facts: &str) -> anyhow::Result<()> {
        let parts: Vec<_> = facts.split("---\n").collect();
        let [list, registry, cgroups, scopes, slices] = parts.as_slice() else {
            bail!("{} parts instead of 5", parts.len())
        };
        let list: Vec<Value> = serde_json::from_str(list).context("the list")?;
        let wanted: BTreeSet<_> = self
            .open
            .iter()
            .map(|open| {
                (open.id.clone(), open.user, POLICIES[open.policy].0, Some(open.executed), Some(open.blocked))
            })
            .collect();
        let listed: BTreeSet<_> = list
            .iter()
            .map(|session| {
                let text = |key: &str| session[key].as_str().unwrap_or_default();
                let (executed, blocked) = (session["executed"].as_u64(), session["blocked"].as_u64());
                (text("id").to_owned(), text("user"), text("policy"), executed, blocked)
            })
            .collect();
        equal(listed, wanted, "sessions in the list: id, user, policy, executed, blocked")?;
        let ids: BTreeSet<_> = self.open.iter().map(|open| open.id.as_str()).collect();
        equal(registry.lines().collect(), ids, "sessions that are written down")?;
        let cgroups: BTreeSet<_> = cgroups.lines().filter_map(|line| line.split_once(' ')).collect();
        let places = cgroups.iter().map(|(_, path)| *path).collect::<BTreeSet<_>>();
        let listed = list.iter().filter_map(|session| session["cgroup"].as_str()).collect();
        equal(places, listed, "cgroups of sessions")?;
        let held: BTreeSet<_> = scopes.lines().collect();
        let of_sessions: BTreeSet<_> = cgroups.iter().map(|(inode, _)| *inode).collect();
        ensure!(
            held.is_superset(&of_sessions),
            "programs hold {held:?}, and sessions are in {of_sessions:?}"
        );
        // The slice of whoever has just left may have gone a moment ago.
        let of_slices: BTreeSet<_> = slices.lines().collect();
        let others: Vec<_> =
            held.iter().filter(|id| !of_sessions.contains(*id) && !of_slices.contains(*id)).collect();
        ensure!(others.is_empty(), "programs hold {others:?}, which are neither sessions nor slices");
        Ok(())
    }

    /// Wants the record to have the end of each session, with what was blocked in it.
    fn agrees_with_the_record(&self, fixture: &Fixture) -> anyhow::Result<()> {
        let wanted: BTreeSet<_> =
            self.ended.iter().map(|ended| (ended.id.clone(), Some(ended.blocked))).collect();
        wait_until("the ends of all sessions in the record", PATIENCE, || {
            let records = records(fixture)?;
            let ends = records.iter().filter(|record| record["event"] == "session-closed");
            let ends: BTreeSet<_> = ends
                .map(|end| {
                    let id = end["session"]["id"].as_str().unwrap_or_default().to_owned();
                    (id, end["totals"]["blocked"].as_u64())
                })
                .collect();
            Ok(wanted.is_subset(&ends).then_some(()))
        })
        .with_context(|| format!("wanted, with what was blocked: {wanted:?}"))
    }
}

/// A policy's text.
fn text(name: &str, applies_to: &str, rules: &[Option<usize>]) -> String {
    let mut text =
        format!("policy: {name}\napplies_to: {applies_to}\nprograms:\n  deny:\n    - /usr/bin/lsblk\n");
    for ((path, _), rule) in PROGRAMS.iter().zip(rules) {
        if let Some(action) = rule {
            text.push_str(&format!("    - {{path: {path}, action: {}}}\n", ACTIONS[*action].0));
        }
    }
    text
}
