// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a login costs with more and more sessions open: the call of pam_open_session, the memory that a session holds, and the loader's work
//! when one ends, when nothing happens, and when policies are exchanged.
//!
//! Sessions are opened by PAM, with pam_sac alone in the stack, by a small program in a service of its own: a thousand of sshd's processes
//! would need more memory than a guest has, and cost what sshd costs. A session that stays holds one process, which waits. What a cgroup
//! and such a process need by themselves is measured first and taken off.
//!
//! Whoever moves a process to another cgroup waits for the kernel (one grace period of RCU), also where SAC has nothing to do with it, unless
//! cgroupfs is mounted with `favordynmods`. Here a wait is no instructions, so all but two rows are with that option.

use std::path::Path;

use anyhow::{Context, Result};

use super::operations::Under;
use super::part::{Part, Parts};
use super::results::{Findings, Group, INSTRUCTIONS, Row};
use super::table::{Cost, is_within};
use super::{Bench, LONG_PATIENCE, PLACE, grouped, policies, results};
use crate::guest::Kernel;
use crate::{process, vm};

/// How many sessions are open while logins are measured.
const OPEN: [u32; 4] = [0, 100, 1_000, 5_000];

/// How many logins are measured each time.
const LOGINS: u32 = 200;

/// How many sessions there are while nothing happens, and for how long that is looked at.
const IDLE_SESSIONS: u32 = 100;
const IDLE_S: u64 = 60;

/// How often policies are exchanged.
const SWAPS: u32 = 3;

/// Bars. A login: 5 ms on a processor that does two instructions in a nanosecond, 99 times of 100.
const LOGIN_P99_MAX: u64 = 10_000_000;
/// And with the most sessions open hardly more than with none, in the middle.
const LOGIN_GROWTH_PERCENT_MAX: u64 = 10;
/// Kernel and loader together.
const SESSION_BYTES_MAX: u64 = 32 << 10;
const LOADER_BYTES_MAX: u64 = 20 << 20;
/// Of a processor, in thousandths.
const IDLE_THOUSANDTHS_MAX: u64 = 1;

/// The services, and what is in their stacks.
const SERVICES: [(&str, &str); 2] = [(NOBODY, "pam_permit.so"), (OURS, "pam_sac.so")];
const NOBODY: &str = "bench-nobody";
const OURS: &str = "bench-sac";

/// The unit of the cgroups without SAC.
const PLAIN: &str = "bench-plain";
const PLAIN_CGROUP: &str = "cgroup:/sys/fs/cgroup/system.slice/bench-plain.service";

/// Who logs in.
const WHO: &str = "alice";

/// Boots a guest and measures.
///
/// # Errors
/// When something cannot be measured.
pub(super) fn measure(kernel: Kernel, deb: &Path) -> Result<Findings> {
    let bench = Bench::boot(kernel, &Parts::alone(Part::Logins))?;
    bench.compile("logins", "-l:libpam.so.0")?;
    for (service, module) in SERVICES {
        bench.root(&format!("echo 'session required {module}' >/etc/pam.d/{service}"))?;
    }
    let mut measured = Measured::default();
    measured.logins.push(bench.logins("PAM without SAC", NOBODY, 0)?);
    measured.waited.push(bench.entered("a cgroup made and entered, without SAC", LOGINS)?);
    bench.root("mount -o remount,favordynmods /sys/fs/cgroup")?;
    let plain = bench.plain_cgroups(&mut measured)?;
    vm::install(&bench.guest, deb)?;
    bench.put_in_force(Under::Empty, "blocked")?;
    bench.sessions(plain, &mut measured)?;
    // With a source to it, mount(8) takes these options and no others.
    bench.root("mount -o remount,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup")?;
    measured.waited.push(bench.logins("pam_sac, 0 sessions open", OURS, 0)?);
    Ok(measured.findings())
}

/// What a number of processes in cgroups holds, and what holds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Memory {
    /// What the kernel has taken for itself and for what is in memory file systems.
    kernel_bytes: u64,
    /// The loader's resident set.
    loader_bytes: u64,
}

/// All results.
#[derive(Debug, Default)]
struct Measured {
    /// Instructions of each login, by title, in the order in which they were measured.
    logins: Vec<(String, Vec<u64>)>,
    /// The same with waits, in nanoseconds.
    waited: Vec<(String, Vec<u64>)>,
    /// What each session more holds, with the most of them open.
    kernel_bytes_each: u64,
    loader_bytes_each: u64,
    /// The loader with [`IDLE_SESSIONS`].
    idle_bytes: u64,
    idle_ns: u64,
    end_ns: u64,
    swaps: Option<Cost>,
}

impl Bench {
    /// Opens and closes sessions, and returns what each opening took.
    fn logins(&self, title: &str, service: &str, first: u32) -> Result<(String, Vec<u64>)> {
        let waiting = policies::waiting(&self.place);
        // In a service, like sshd: root's own session is none that others would open theirs in.
        let command = format!(
            "systemd-run --quiet --wait --pipe --collect -p Delegate=yes {PLACE}/logins {service} {WHO} {first} {LOGINS} leave {}",
            waiting.display()
        );
        let all = results(&self.root(&command)?);
        process::note(&format!(
            "{title}: {} at p50, {} at p99",
            grouped(part_of(&all, 50)),
            grouped(part_of(&all, 99))
        ));
        Ok((title.to_owned(), all))
    }

    /// Opens `count` sessions, in the unit `unit`, that stay until [`Bench::leave`].
    fn stay(&self, unit: &str, service: &str, first: u32, count: u32) -> Result<()> {
        let waiting = policies::waiting(&self.place);
        self.root(&format!(
            "systemd-run --quiet --unit={unit} -p Delegate=yes -p TasksMax=infinity \
             -p StandardOutput=truncate:{PLACE}/{unit} {PLACE}/logins {service} {WHO} {first} {count} stay {}",
            waiting.display()
        ))?;
        let wait = format!(
            "until tail -qn 1 {PLACE}/{unit} 2>/dev/null | grep -qx open; do \
             systemctl is-active -q {unit} || exit 1; sleep 1; done"
        );
        let waited = self.run_within(LONG_PATIENCE, "root", &wait);
        waited.with_context(|| format!("{count} sessions in {unit}")).map(drop)
    }

    /// Ends the sessions that [`Bench::stay`] opened.
    fn leave(&self, unit: &str) -> Result<()> {
        self.root(&format!("systemctl stop {unit}")).map(drop)
    }

    /// Makes cgroups and enters them, and returns what each took.
    fn entered(&self, title: &str, count: u32) -> Result<(String, Vec<u64>)> {
        self.stay(PLAIN, PLAIN_CGROUP, 0, count)?;
        let took = results(&self.root(&format!("cat {PLACE}/{PLAIN}"))?);
        self.leave(PLAIN)?;
        Ok((title.to_owned(), took))
    }

    /// After what can be given back was.
    fn memory(&self) -> Result<Memory> {
        // What can be given back is not held by anybody. Some of it takes a while to be free.
        let kernel = self.root(
            "sync; sleep 3; echo 3 >/proc/sys/vm/drop_caches; sleep 3; \
             awk '/^(Slab|Percpu|VmallocUsed|PageTables|Shmem):/ { sum += $2 } END { print sum }' /proc/meminfo",
        )?;
        Ok(Memory { kernel_bytes: kibibytes(&kernel)?, loader_bytes: self.loader_bytes()? })
    }

    /// The loader's resident set; 0 where there is none.
    pub(super) fn loader_bytes(&self) -> Result<u64> {
        let loader = self.root(
            "awk '/^VmRSS:/ { print $2 }' /proc/$(systemctl show -P MainPID sac-loader)/status 2>/dev/null || echo 0",
        )?;
        kibibytes(if loader.trim().is_empty() { "0" } else { &loader })
    }

    /// How long the loader has run, threads that have ended included; whole microseconds.
    pub(super) fn loader_ns(&self) -> Result<u64> {
        let used =
            self.root("sed -n 's/^usage_usec //p' /sys/fs/cgroup/system.slice/sac-loader.service/cpu.stat")?;
        let used: u64 = used.trim().parse().with_context(|| format!("no time in {used:?}"))?;
        Ok(used.saturating_mul(1_000))
    }

    /// What a cgroup with a waiting process costs without SAC; how many bytes each holds.
    fn plain_cgroups(&self, measured: &mut Measured) -> Result<u64> {
        let count = OPEN.into_iter().max().unwrap_or_default();
        let before = self.memory()?;
        self.stay(PLAIN, PLAIN_CGROUP, 0, count)?;
        let after = self.memory()?;
        let took = results(&self.root(&format!("cat {PLACE}/{PLAIN}"))?);
        measured.logins.push(("a cgroup made and entered, without SAC".to_owned(), took));
        self.leave(PLAIN)?;
        Ok(after.kernel_bytes.saturating_sub(before.kernel_bytes) / u64::from(count))
    }

    /// Everything with SAC. A cgroup and its process hold `plain` bytes by themselves.
    fn sessions(&self, plain: u64, measured: &mut Measured) -> Result<()> {
        let before = self.memory()?;
        let mut open = 0;
        let mut units = Vec::new();
        for wanted in OPEN {
            if wanted > open {
                let unit = format!("bench-sac-{wanted}");
                self.stay(&unit, OURS, open, wanted - open)?;
                units.push(unit);
                open = wanted;
            }
            let title = format!("pam_sac, {} sessions open", grouped(u64::from(open)));
            measured.logins.push(self.logins(&title, OURS, open)?);
            if open == IDLE_SESSIONS {
                self.idle(measured)?;
            }
        }
        let after = self.memory()?;
        let sessions = u64::from(open.max(1));
        let kernel = after.kernel_bytes.saturating_sub(before.kernel_bytes) / sessions;
        measured.kernel_bytes_each = kernel.saturating_sub(plain);
        measured.loader_bytes_each = after.loader_bytes.saturating_sub(before.loader_bytes) / sessions;
        let swaps = (0..SWAPS).map(|number| self.swap_one(number)).collect::<Result<_>>()?;
        measured.swaps = Some(Cost::of(format!("swap under {} sessions", grouped(sessions)), swaps)?);
        let begin = self.loader_ns()?;
        for unit in units {
            self.leave(&unit)?;
        }
        let over = "until test \"$(sac-loader list-sessions | wc -l)\" -eq 1; do sleep 5; done";
        self.run_within(LONG_PATIENCE, "root", over).context("the end of all sessions")?;
        // To have asked for the list is work too; it is little beside the end of a thousand sessions.
        measured.end_ns = self.loader_ns()?.saturating_sub(begin) / sessions;
        Ok(())
    }

    /// The loader while nothing happens.
    fn idle(&self, measured: &mut Measured) -> Result<()> {
        measured.idle_bytes = self.memory()?.loader_bytes;
        let before = self.loader_ns()?;
        self.root(&format!("sleep {IDLE_S}"))?;
        measured.idle_ns = self.loader_ns()?.saturating_sub(before);
        Ok(())
    }

    /// Puts another policy in force; how many instructions until `sac-loader reload` has ended.
    fn swap_one(&self, number: u32) -> Result<u64> {
        let denied = policies::denied(&self.place, number as usize);
        let text = format!(
            "policy: bench\\napplies_to: everyone\\nprograms:\\n  deny:\\n    - {}\\n",
            denied.display()
        );
        // The daemon sees the change by itself too, and looks at the same set once more a little later; that has to be over.
        let command = format!(
            "printf '{text}' >/etc/sac/policies/bench.yaml && {PLACE}/xtask bench-inside count -- sac-loader reload && sleep 10"
        );
        super::median(self.count("root", &command)?)
    }
}

impl Measured {
    fn findings(self) -> Findings {
        Findings { part: Part::Logins, bars: self.bars(), groups: self.groups() }
    }

    fn groups(&self) -> Vec<Group> {
        let rows_at = |percent, logins: &[(String, Vec<u64>)]| {
            let row = move |(title, all): &(String, Vec<u64>)| {
                let (least, most) = (part_of(all, 0), part_of(all, 100));
                Row { title: title.clone(), value: part_of(all, percent), least, most }
            };
            logins.iter().map(row).collect()
        };
        let at = |percent| Group {
            title: format!("opening a session, p{percent}"),
            unit: INSTRUCTIONS,
            rows: rows_at(percent, &self.logins),
        };
        let waited = Group {
            title: "the same where cgroupfs is mounted as usual, p50".to_owned(),
            unit: "instructions and nanoseconds waited",
            rows: rows_at(50, &self.waited),
        };
        let bytes = vec![
            Row::once("kernel, each session more", self.kernel_bytes_each),
            Row::once("loader, each session more", self.loader_bytes_each),
            Row::once(format!("loader with {IDLE_SESSIONS} sessions"), self.idle_bytes),
        ];
        let mut work = vec![
            Row::once("end of a session", self.end_ns),
            Row::once(
                format!("{IDLE_S} s with {IDLE_SESSIONS} sessions in which nothing happens"),
                self.idle_ns,
            ),
        ];
        work.extend(self.swaps.as_ref().map(Row::from));
        vec![
            at(50),
            at(99),
            waited,
            Group { title: "memory of sessions".to_owned(), unit: "bytes", rows: bytes },
            Group { title: "the loader's work with sessions".to_owned(), unit: INSTRUCTIONS, rows: work },
        ]
    }

    fn bars(&self) -> Vec<(String, bool)> {
        let ours: Vec<_> = self.logins.iter().filter(|(title, _)| title.starts_with("pam_sac")).collect();
        let p99 = ours.iter().all(|(_, all)| !all.is_empty() && part_of(all, 99) <= LOGIN_P99_MAX);
        let middle = |row: Option<&&(String, Vec<u64>)>| row.map(|(_, all)| part_of(all, 50));
        let is_flat = middle(ours.first())
            .zip(middle(ours.last()))
            .is_some_and(|(none, most)| is_within(most, none, LOGIN_GROWTH_PERCENT_MAX));
        let each = self.kernel_bytes_each + self.loader_bytes_each;
        vec![
            (
                format!(
                    "pam_sac takes at most {} instructions of a login, 99 times of 100",
                    grouped(LOGIN_P99_MAX)
                ),
                ours.len() == OPEN.len() && p99,
            ),
            (format!("and at most {LOGIN_GROWTH_PERCENT_MAX} % more with the most sessions open"), is_flat),
            (
                format!("a session holds at most {} bytes of kernel and loader", grouped(SESSION_BYTES_MAX)),
                each > 0 && each <= SESSION_BYTES_MAX,
            ),
            (
                format!(
                    "the loader has at most {} bytes with {IDLE_SESSIONS} sessions",
                    grouped(LOADER_BYTES_MAX)
                ),
                self.idle_bytes > 0 && self.idle_bytes <= LOADER_BYTES_MAX,
            ),
            (
                "and hardly runs while nothing happens".to_owned(),
                self.idle_ns <= IDLE_S * 1_000_000 * IDLE_THOUSANDTHS_MAX,
            ),
        ]
    }
}

/// The least of these that so many in a hundred are not above; 0 if there are none.
fn part_of(all: &[u64], percent: usize) -> u64 {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn kibibytes(text: &str) -> Result<u64> {
    let number: u64 = text.trim().parse().with_context(|| format!("no number in {text:?}"))?;
    Ok(number << 10)
}

#[cfg(test)]
mod tests;
