// SPDX-License-Identifier: MIT OR Apache-2.0
//! Work without a pause: what stress-ng gets done in a session, with every program that starts in the record, beside what it gets done without
//! SAC; what the record lacks of it; and what the loader needs meanwhile.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::operations::Under;
use super::part::{self, Part, Parts};
use super::results::{Findings, Group, Row};
use super::{Bench, LONG_PATIENCE, grouped, process};
use crate::guest::Kernel;
use crate::vm;

/// How long each is worked, in seconds of the guest: an instruction is a nanosecond, so each of them takes longer here.
const SECONDS: u32 = 20;

/// Who works.
const WHO: &str = "alice";

/// Kinds of work, by the names that stress-ng has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    /// fork and execve
    Exec,
    /// fork
    Fork,
    /// unlink of files that are open
    Unlink,
}

impl Work {
    const ALL: [Self; 3] = [Self::Exec, Self::Fork, Self::Unlink];

    /// The person's command. Before it had a stressor for unlink, the one for names was the nearest.
    fn command(self) -> String {
        let name = part::name(self);
        let instead = if self == Self::Unlink { "dentry" } else { name.as_str() };
        format!(
            "cd /tmp && work={name} && {{ stress-ng --stressors | tr ' ' '\\n' | grep -qx $work || work={instead}; }} && \
             rm -f ~/stress.yaml && stress-ng --$work 2 --timeout {SECONDS}s --metrics-brief --yaml ~/stress.yaml --quiet >/dev/null && cat ~/stress.yaml"
        )
    }
}

/// What the record and the loader have of a time of work.
const SEEN: &str = r#"
import glob, json
executed = lost = 0
for name in glob.glob('/var/log/sac/*.jsonl'):
    for line in open(name, errors='replace'):
        if '"executed"' in line or '"events-lost"' in line:
            event = json.loads(line)
            executed += event.get('event') == 'executed'
            lost += event['count'] if event.get('event') == 'events-lost' else 0
print(executed, lost)
"#;

/// Boots a guest and measures.
///
/// # Errors
/// When something cannot be measured.
pub(super) fn measure(kernel: Kernel, deb: &Path) -> Result<Findings> {
    let bench = Bench::boot(kernel, &Parts::alone(Part::Stress))?;
    let mut throughput = Vec::new();
    for work in Work::ALL {
        throughput.push((work, vec![bench.work(work, "without SAC")?]));
    }
    vm::install(&bench.guest, deb)?;
    bench.put_in_force(Under::EveryKind, "full")?;
    let mut loader = Vec::new();
    let mut lost = Vec::new();
    for (work, rows) in &mut throughput {
        let name = part::name(*work);
        let (ns, before) = (bench.loader_ns()?, bench.seen()?);
        rows.push(bench.work(*work, "in a session, 10,000 rules of every kind, audit: full")?);
        let (ns, after) = (bench.loader_ns()?.saturating_sub(ns), bench.seen()?);
        loader.push(Row::once(format!("{name}, instructions"), ns));
        loader.push(Row::once(format!("{name}, bytes at the end"), bench.loader_bytes()?));
        lost.push(Row::once(format!("{name}, executions in the record"), after.0.saturating_sub(before.0)));
        lost.push(Row::once(format!("{name}, events lost"), after.1.saturating_sub(before.1)));
    }
    Ok(findings(throughput, loader, lost))
}

fn findings(throughput: Vec<(Work, Vec<Row>)>, loader: Vec<Row>, lost: Vec<Row>) -> Findings {
    let is_whole = !lost.is_empty() && lost.iter().all(|row| !row.title.ends_with("lost") || row.value == 0);
    let executed = lost.iter().any(|row| row.title.starts_with("exec, executions") && row.value > 0);
    let group = |(work, rows): (Work, Vec<Row>)| Group {
        title: format!("stress-ng, {}", part::name(work)),
        unit: "bogo-ops in 1,000 s",
        rows,
    };
    let mut groups: Vec<_> = throughput.into_iter().map(group).collect();
    groups.push(Group { title: "the loader under stress".to_owned(), unit: "as said", rows: loader });
    groups.push(Group { title: "the record under stress".to_owned(), unit: "events", rows: lost });
    let bars = vec![("under stress no event is lost".to_owned(), is_whole && executed)];
    Findings { part: Part::Stress, groups, bars }
}

impl Bench {
    /// How much gets done. One of stress-ng's bogo-ops can be hundreds of executions, so few of them fit into a second.
    fn work(&self, work: Work, title: &str) -> Result<Row> {
        let done = in_1000_seconds(&self.run_within(LONG_PATIENCE, WHO, &work.command())?)?;
        process::note(&format!("{}, {title}: {} in 1,000 s", part::name(work), grouped(done)));
        Ok(Row::once(title, done))
    }

    /// How many executions are in the record, and how many events it says it lacks.
    fn seen(&self) -> Result<(u64, u64)> {
        // Whoever writes may be behind.
        let output =
            self.guest.ssh("root").deadline(super::PATIENCE).stdin(SEEN).run("sleep 15; python3 -")?;
        let output = output.success()?;
        let mut numbers = output.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(executed)), Some(Ok(lost))) => Ok((executed, lost)),
            _ => bail!("no numbers in {output:?}"),
        }
    }
}

/// What stress-ng says in its file; of a second of the clock, which the work of others is in.
fn in_1000_seconds(yaml: &str) -> Result<u64> {
    let key = "bogo-ops-per-second-real-time:";
    let line =
        yaml.lines().find_map(|line| line.trim().strip_prefix(key)).context("stress-ng did nothing")?;
    let (whole, part) = line.trim().split_once('.').unwrap_or((line.trim(), ""));
    format!("{whole}{part:0<3.3}").parse().with_context(|| format!("no number in {line:?}"))
}

#[cfg(test)]
mod tests;
