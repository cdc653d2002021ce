// SPDX-License-Identifier: MIT OR Apache-2.0
//! rsyslog as the receiver, where it is installed (package `rsyslog`): what it makes of every event, and that nothing is missing when it
//! is killed in the middle.

use super::{deliver, opened};
use crate::record::Record;
use crate::sink::samples::{record, samples};
use crate::sink::{Source, message};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A record's files, in memory.
struct Memory(Vec<Record>);

impl Source for Memory {
    fn next_after(&mut self, number: u64, max: usize) -> io::Result<Vec<Record>> {
        Ok(self.0.iter().filter(|record| record.number > number).take(max).cloned().collect())
    }

    fn first_available(&self) -> u64 {
        1
    }

    fn last(&self) -> u64 {
        self.0.last().map_or(0, |record| record.number)
    }
}

/// A running rsyslogd that writes what it understood, a line of JSON for each message.
struct Rsyslog {
    directory: TempDir,
    process: Child,
    port: u16,
}

impl Rsyslog {
    /// Starts it; `None` where it is not installed.
    fn start() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let process = spawn(directory.path(), 0)?;
        let file = directory.path().join("port");
        let port = until(|| fs::read_to_string(&file).ok()?.trim().parse().ok());
        Some(Self { directory, process, port })
    }

    fn killed_and_started_again(mut self) -> Self {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(self.directory.path(), self.port).unwrap();
        // It writes down only a port that it chose itself.
        until(|| TcpStream::connect(("127.0.0.1", self.port)).ok());
        self
    }

    /// What it wrote, once that is all of these numbers.
    fn received(&self, numbers: &BTreeSet<u64>) -> Vec<Json> {
        until(|| {
            let written = fs::read_to_string(self.directory.path().join("received")).ok()?;
            let lines: Vec<Json> =
                written.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            (lines.iter().map(number).collect::<BTreeSet<_>>() == *numbers).then_some(lines)
        })
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn spawn(directory: &Path, port: u16) -> Option<Child> {
    let directory = directory.to_str().unwrap();
    let config = format!(
        r#"
global(workDirectory="{directory}" maxMessageSize="64k")
module(load="imtcp")
module(load="mmpstrucdata")
template(name="json" type="list" option.jsonf="on") {{
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
  property(outname="all" name="$!all-json" format="jsonf")
}}
input(type="imtcp" address="127.0.0.1" port="{port}" listenPortFileName="{directory}/port")
action(type="mmpstrucdata")
action(type="omfile" file="{directory}/received" template="json")
"#
    );
    let file = format!("{directory}/rsyslog.conf");
    fs::write(&file, config).unwrap();
    let mut command = Command::new("rsyslogd");
    command.args(["-n", "-f", &file, "-i", "NONE"]);
    match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(process) => Some(process),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => panic!("rsyslogd: {error}"),
    }
}

fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "rsyslogd did not get there in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The structured data as rsyslog understood it.
fn data(line: &Json) -> Json {
    let all: Json = serde_json::from_str(line["all"].as_str().unwrap()).unwrap();
    all["rfc5424-sd"]["sac@32473"].clone()
}

fn number(line: &Json) -> u64 {
    data(line)["number"].as_str().unwrap().parse().unwrap()
}

fn sink(rsyslog: &Rsyslog) -> String {
    format!("sinks: [{{name: siem, type: syslog, address: 'tcp://127.0.0.1:{}'}}]", rsyslog.port)
}

#[test]
fn rsyslog_understands_every_event() {
    let Some(rsyslog) = Rsyslog::start() else {
        eprintln!("SKIPPED: rsyslogd is not installed; install `rsyslog`");
        return;
    };
    let mut memory = Memory(samples());
    deliver(&mut opened(&sink(&rsyslog), rsyslog.directory.path()), &mut memory);
    let received = rsyslog.received(&memory.0.iter().map(|record| record.number).collect());
    assert_eq!(received.len(), memory.0.len());
    for (line, record) in received.iter().zip(&memory.0) {
        let event = serde_json::to_value(record).unwrap()["event"].clone();
        assert_eq!((&line["app"], &line["msgid"]), (&json!("sac"), &event));
        assert_eq!((&line["host"], &line["facility"]), (&json!("web1"), &json!("authpriv")));
        assert_eq!(line["msg"].as_str().unwrap().trim_start_matches('\u{feff}'), message(record));
        assert_eq!(number(line), record.number);
        if let Some(session) = &record.entry.session {
            assert_eq!(data(line)["sequence"], json!(session.sequence.to_string()));
        }
    }
}

#[test]
fn rsyslog_that_is_killed_gets_everything_after_all() {
    let Some(rsyslog) = Rsyslog::start() else {
        eprintln!("SKIPPED: rsyslogd is not installed; install `rsyslog`");
        return;
    };
    let up_to = |last| {
        Memory((1..=last).map(|number| record(number, "info", json!({"event": "checkpoint"}))).collect())
    };
    let mut delivery = opened(&sink(&rsyslog), rsyslog.directory.path());
    deliver(&mut delivery, &mut up_to(2000));
    // In the middle of writing what it got.
    let rsyslog = rsyslog.killed_and_started_again();
    deliver(&mut delivery, &mut up_to(2500));
    let received = rsyslog.received(&(1..=2500).collect());
    // In order, but for the one place where it began anew.
    let numbers: Vec<u64> = received.iter().map(number).collect();
    assert!(numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count() <= 1);
}
