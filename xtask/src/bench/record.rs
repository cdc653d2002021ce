// SPDX-License-Identifier: MIT OR Apache-2.0
//! What it costs to record executions, beside the kernel's own audit for the same load: instructions for each execution, those of whoever
//! writes the record included, what was lost on the way, and how long it takes until a line is in the file.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::table::Cost;
use super::{Bench, PLACE, median, policies, results};
use crate::{process, vm};

/// Executions in each round: enough that what is written in the background is written within it, for the most part.
const RUNS: u32 = 2000;
const ROUNDS: u32 = 3;

/// How often the way of one line is measured.
const DELAYS: u32 = 25;

/// Where auditd writes, and what it is told: each execution of a person.
pub(super) const AUDIT_LOG: &str = "/var/log/audit/audit.log";
const AUDIT_RULE: &str =
    "-a always,exit -F arch=b64 -S execve -S execveat -F 'auid>=1000' -F 'auid!=unset' -k exec";

/// Where the record is.
const RECORD: &str = "/var/log/sac";

/// What was measured of one way to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) cost: Cost,
    /// Executions that are in no record, of all that there were.
    pub(super) lost: u64,
    /// Nanoseconds until a line is in the file; `None` where nothing is recorded.
    pub(super) delay_ns: Option<u64>,
}

/// Has each execution of a person audited.
pub(super) fn start_auditd() -> String {
    format!(
        "install -d -m 700 /var/log/audit && systemd-run --quiet --unit=bench-auditd auditd -n && sleep 2 && \
         auditctl {AUDIT_RULE} && auditctl -e 1"
    )
}

impl Bench {
    /// Measures with nothing, with auditd, and, after installing the package, with each `audit` of a policy.
    pub(super) fn record(&self, deb: &Path) -> Result<Vec<Recorded>> {
        let mut all = vec![self.recorded("nothing recorded", None)?];
        self.root(&start_auditd())?;
        all.push(self.recorded("auditd, a rule for execve", Some(AUDIT_LOG))?);
        self.root("auditctl -D && auditctl -e 0 && systemctl stop bench-auditd")?;
        vm::install(&self.guest, deb)?;
        for audit in ["blocked", "full", "strict"] {
            let policy = format!("policy: bench\\napplies_to: everyone\\naudit: {audit}\\n");
            self.root(&format!(
                "rm -rf /etc/sac/policies/* && printf '{policy}' >/etc/sac/policies/bench.yaml && sac-loader reload && sleep 5"
            ))?;
            let file = (audit != "blocked").then_some(RECORD);
            all.push(self.recorded(&format!("SAC, audit: {audit}"), file)?);
        }
        Ok(all)
    }

    /// Logs somebody in who executes, and looks at what was written to `file`, which is a file or a directory of files.
    fn recorded(&self, title: &str, file: Option<&str>) -> Result<Recorded> {
        self.settle()?;
        let program = policies::measured(Path::new(PLACE));
        let program = program.display();
        // The record of an earlier row is there still.
        let word: String = title.chars().filter(char::is_ascii_alphabetic).collect();
        let count =
            format!("{PLACE}/xtask bench-inside count --rounds {ROUNDS} --runs {RUNS} -- {program} {word}");
        let cost = Cost::of(title, self.count("alice", &count)?)?;
        let Some(file) = file else { return Ok(Recorded { cost, lost: 0, delay_ns: None }) };
        let all = u64::from(ROUNDS * RUNS);
        // Whoever writes may be behind. The program that counts has its arguments too, among others.
        let found = format!(
            "sleep 10; grep -rhE '\"{word}\"' {file} | \
             grep -cE 'type=EXECVE .*argc=2 |\"event\":\"executed\".*\"arguments\":\\[\"[^\"]*\",\"{word}\"\\]'"
        );
        let found: u64 = self.root(&found)?.trim().parse().context("counting lines")?;
        ensure!(found <= all, "{title}: {found} of {all} executions are recorded");
        let wait = format!("{PLACE}/xtask bench-inside await --rounds {DELAYS} {file}");
        let mark = format!("{PLACE}/xtask bench-inside mark --rounds {DELAYS} {program}");
        let (marked, seen) = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| self.root(&wait));
            let marked = self.run("alice", &mark)?;
            let seen = waiting.join().map_err(|_panic| anyhow::anyhow!("the one who waits panicked"))?;
            anyhow::Ok((results(&marked), results(&seen?)))
        })?;
        ensure!(marked.len() == seen.len(), "{title}: {marked:?}, {seen:?}");
        let delays = seen.iter().zip(&marked).map(|(seen, marked)| seen.saturating_sub(*marked));
        let delay_ns = median(delays.collect())?;
        let recorded = Recorded { cost, lost: all - found, delay_ns: Some(delay_ns) };
        process::note(&format!("{title}: {recorded:?}"));
        Ok(recorded)
    }
}

/// What an execution has among its arguments whose line is waited for.
pub(super) fn mark(number: u32) -> String {
    format!("mark-{number}-of-the-benchmark")
}
