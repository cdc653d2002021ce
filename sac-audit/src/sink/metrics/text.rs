// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted, and its text for Prometheus (exposition format, version 0.0.4).
//!
//! Names and labels are fixed here. Values of labels are names of policies and sinks, so that there are never more of them than
//! an administrator has written.

use crate::chain::Written;
use crate::record::{Event, Record};
use crate::sink::facts::{is_blocked, verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// The type of the answer's content.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Sessions that are open.
    pub sessions: u64,
    /// Executions, by verdict.
    pub executions: BTreeMap<String, u64>,
    /// What was blocked, by policy.
    pub blocked: BTreeMap<String, u64>,
    /// Events that could not be recorded or delivered, by what had no room for them.
    pub events_lost: BTreeMap<String, u64>,
    /// Records that a sink has before it.
    pub sink_queue: BTreeMap<String, u64>,
    /// Records that a sink got.
    pub sink_delivered: BTreeMap<String, u64>,
    /// Failures of a sink.
    pub sink_errors: BTreeMap<String, u64>,
    /// Bytes that were written to the record.
    pub record_bytes: u64,
    /// How long the kernel judged an execution that went on.
    pub decision: Histogram<10>,
    /// How long it took to attach the programs for a login.
    pub attach: Histogram<10>,
    /// How long it took from an event to its line in the record.
    pub record_delay: Histogram<10>,
}

/// The label of what was blocked where no policy could be asked.
const NO_POLICY: &str = "";

/// Bounds of [`Metrics::decision`], in microseconds.
const DECISION_BOUNDS_US: [u64; 10] = [1, 2, 3, 5, 10, 25, 50, 100, 1_000, 10_000];

/// Bounds of [`Metrics::attach`], in microseconds.
const ATTACH_BOUNDS_US: [u64; 10] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// Bounds of [`Metrics::record_delay`], in microseconds.
const RECORD_DELAY_BOUNDS_US: [u64; 10] =
    [100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];

/// How many observations were how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram<const N: usize> {
    /// Observations up to each bound, those up to the one before left out.
    counts: [u64; N],
    /// Observations beyond all bounds.
    beyond: u64,
    sum_ns: u64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { counts: [0; N], beyond: 0, sum_ns: 0 }
    }
}

impl<const N: usize> Histogram<N> {
    fn observe(&mut self, bounds_us: &[u64; N], took: Duration) {
        let bound = bounds_us.iter().position(|bound| took <= Duration::from_micros(*bound));
        match bound.and_then(|index| self.counts.get_mut(index)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
        self.sum_ns = self.sum_ns.saturating_add(took.as_nanos().try_into().unwrap_or(u64::MAX));
    }
}

impl Metrics {
    /// The kernel has judged an execution and let it go on.
    pub fn decided(&mut self, took: Duration) {
        self.decision.observe(&DECISION_BOUNDS_US, took);
    }

    /// The programs for a login were attached.
    pub fn attached(&mut self, took: Duration) {
        self.attach.observe(&ATTACH_BOUNDS_US, took);
    }

    /// An event is in the record.
    pub fn recorded(&mut self, delay: Duration) {
        self.record_delay.observe(&RECORD_DELAY_BOUNDS_US, delay);
    }

    /// A record is in its file, at `boot_ns`.
    pub fn wrote(&mut self, written: &Written, boot_ns: u64) {
        let Record { entry, .. } = &written.record;
        self.record_bytes += written.line.len() as u64 + 1;
        self.recorded(Duration::from_nanos(boot_ns.saturating_sub(entry.boot_ns)));
        let count = match &entry.event {
            Event::EventsLost { count, by } => return add(&mut self.events_lost, by, *count),
            Event::Operation(operation) => operation.count,
            _ => 1,
        };
        let Some(verdict) = verdict(&entry.event) else { return };
        if matches!(entry.event, Event::Executed(_) | Event::Blocked(_)) {
            add(&mut self.executions, &verdict.action, count);
        }
        if is_blocked(&entry.event) {
            add(&mut self.blocked, verdict.policy.as_deref().unwrap_or(NO_POLICY), count);
        }
    }

    /// A sink got so many records, and has so many before it.
    pub fn sink_stepped(&mut self, sink: &str, delivered: u64, queue: u64) {
        add(&mut self.sink_delivered, sink, delivered);
        add(&mut self.sink_errors, sink, 0);
        self.sink_queue.insert(sink.to_owned(), queue);
    }

    /// A sink failed.
    pub fn sink_failed(&mut self, sink: &str) {
        add(&mut self.sink_errors, sink, 1);
    }

    /// The text that is served.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        page.single("sac_sessions", "gauge", "Sessions that are open.", self.sessions);
        page.by("sac_executions_total", "counter", "Executions in sessions.", "verdict", &self.executions);
        page.by("sac_blocked_total", "counter", "What was blocked.", "policy", &self.blocked);
        page.by(
            "sac_events_lost_total",
            "counter",
            "Events that could not be recorded or delivered.",
            "by",
            &self.events_lost,
        );
        page.by("sac_sink_queue", "gauge", "Records that a sink has before it.", "sink", &self.sink_queue);
        page.by(
            "sac_sink_delivered_total",
            "counter",
            "Records that were handed over to a sink.",
            "sink",
            &self.sink_delivered,
        );
        page.by("sac_sink_errors_total", "counter", "Failures of a sink.", "sink", &self.sink_errors);
        page.single("sac_record_bytes_total", "counter", "Bytes written to the record.", self.record_bytes);
        page.histogram(
            "sac_decision_seconds",
            "Time that the kernel judged an execution that went on.",
            &DECISION_BOUNDS_US,
            &self.decision,
        );
        page.histogram(
            "sac_attach_seconds",
            "Time to attach the programs for a login.",
            &ATTACH_BOUNDS_US,
            &self.attach,
        );
        page.histogram(
            "sac_record_delay_seconds",
            "Time from an event to its line in the record.",
            &RECORD_DELAY_BOUNDS_US,
            &self.record_delay,
        );
        page.text
    }
}

fn add(counts: &mut BTreeMap<String, u64>, key: &str, count: u64) {
    match counts.get_mut(key) {
        Some(sum) => *sum += count,
        None => drop(counts.insert(key.to_owned(), count)),
    }
}

/// The text as it grows. Formatting into it cannot fail.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n").unwrap_or_default();
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        writeln!(self.text, "{name} {value}").unwrap_or_default();
    }

    fn by(&mut self, name: &str, kind: &str, help: &str, label: &str, values: &BTreeMap<String, u64>) {
        self.head(name, kind, help);
        for (key, value) in values {
            writeln!(self.text, "{name}{{{label}=\"{}\"}} {value}", escaped(key)).unwrap_or_default();
        }
    }

    fn histogram<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        bounds_us: &[u64; N],
        histogram: &Histogram<N>,
    ) {
        self.head(name, "histogram", help);
        let mut total = 0;
        for (bound, count) in bounds_us.iter().zip(histogram.counts) {
            total += count;
            writeln!(self.text, "{name}_bucket{{le=\"{}\"}} {total}", seconds(*bound * 1_000))
                .unwrap_or_default();
        }
        total += histogram.beyond;
        writeln!(self.text, "{name}_bucket{{le=\"+Inf\"}} {total}").unwrap_or_default();
        writeln!(self.text, "{name}_sum {}", seconds(histogram.sum_ns)).unwrap_or_default();
        writeln!(self.text, "{name}_count {total}").unwrap_or_default();
    }
}

/// Nanoseconds as seconds, without zeros at the end.
fn seconds(nanoseconds: u64) -> String {
    let text = format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests;
