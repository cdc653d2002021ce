// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Metrics;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn counted() -> Metrics {
    let by = |key: &str, value| BTreeMap::from([(key.to_owned(), value)]);
    let mut metrics = Metrics {
        sessions: 3,
        executions: BTreeMap::from([("allow".to_owned(), 7), ("deny".to_owned(), 2)]),
        blocked: by("a\"b\\c\nd", 2),
        events_lost: by("kernel", 1),
        sink_queue: by("siem", 5),
        sink_delivered: by("siem", 6),
        sink_errors: by("siem", 4),
        record_bytes: 1000,
        ..Metrics::default()
    };
    for took_us in [1, 500, 501, 2_000_000] {
        metrics.attached(Duration::from_micros(took_us));
    }
    metrics.recorded(Duration::from_micros(100));
    metrics.decided(Duration::from_nanos(3_100));
    metrics
}

/// Names of metrics as Prometheus stores them, read line by line as the format says.
fn names(text: &str) -> BTreeSet<String> {
    let mut kinds = BTreeMap::new();
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(kinds.insert(name, kind).is_none(), "{name} twice");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = series.split('{').next().unwrap();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(
                kinds.contains_key(name) || base.is_some_and(|base| kinds[base] == "histogram"),
                "{line}"
            );
            names.insert(name.to_owned());
        }
    }
    names
}

#[test]
fn everything_is_there() {
    let text = counted().text();
    for line in [
        "sac_sessions 3",
        "sac_executions_total{verdict=\"deny\"} 2",
        "sac_events_lost_total{by=\"kernel\"} 1",
        "sac_sink_queue{sink=\"siem\"} 5",
        "sac_sink_delivered_total{sink=\"siem\"} 6",
        "sac_sink_errors_total{sink=\"siem\"} 4",
        "sac_record_bytes_total 1000",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert_eq!(names(&text).len(), 8 + 3 * 3);
}

/// A policy's name is an administrator's, and could have anything in it.
#[test]
fn labels_are_escaped() {
    assert!(counted().text().contains(r#"sac_blocked_total{policy="a\"b\\c\nd"} 2"#));
}

/// Buckets are cumulative, bounds belong to them, and the last one has all.
#[test]
fn histograms_add_up() {
    let text = counted().text();
    for line in [
        "sac_attach_seconds_bucket{le=\"0.0005\"} 2",
        "sac_attach_seconds_bucket{le=\"0.001\"} 3",
        "sac_attach_seconds_bucket{le=\"1\"} 3",
        "sac_attach_seconds_bucket{le=\"+Inf\"} 4",
        "sac_attach_seconds_sum 2.001002",
        "sac_attach_seconds_count 4",
        "sac_record_delay_seconds_bucket{le=\"0.0001\"} 1",
        "sac_decision_seconds_bucket{le=\"0.000003\"} 0",
        "sac_decision_seconds_bucket{le=\"0.000005\"} 1",
        "sac_decision_seconds_sum 0.0000031",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

/// The dashboard asks for nothing that is not served.
#[test]
fn the_dashboard_has_metrics_that_exist() {
    let dashboard = include_str!("../../../../../docs/grafana/sac.json");
    let json: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let served = names(&counted().text());
    let mut asked = BTreeSet::new();
    let panels = json["panels"].as_array().unwrap();
    for target in panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten() {
        let query = target["expr"].as_str().unwrap();
        let words = query.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        asked.extend(words.filter(|word| word.starts_with("sac_")).map(str::to_owned));
    }
    assert!(asked.is_subset(&served), "{:?}", asked.difference(&served));
    // And it shows all of them: of histograms, the buckets.
    let is_shown = |name: &String| asked.contains(name) || name.ends_with("_sum") || name.ends_with("_count");
    assert!(served.iter().all(is_shown), "{:?}", served.difference(&asked));
}
