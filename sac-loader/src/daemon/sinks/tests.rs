// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records get from the files to a receiver, also to one that comes late or goes.

use super::*;
use crate::daemon::audit;
use sac_audit::{
    chain::{Origin, Settings, Writer},
    config::Config,
    record::Entry,
};
use std::{
    io::{BufRead as _, BufReader},
    os::unix::net::{UnixListener, UnixStream},
};

struct Test {
    directory: tempfile::TempDir,
    writer: Writer,
    progress: Arc<Progress>,
    recorder: Recorder,
    counted: Counted,
    /// Keeps the recorder's other end.
    _inbox: audit::Inbox,
}

impl Test {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { directory: directory.path().join("record"), ..Settings::default() };
        let (recorder, inbox) = Recorder::new().unwrap();
        let writer = Writer::new(settings, Origin { host: "host".into(), boot_id: "boot".into() });
        let (progress, counted) = (Arc::default(), Counted::default());
        Self { directory, writer, progress, recorder, counted, _inbox: inbox }
    }

    fn write(&mut self, count: u64) {
        for _ in 0..count {
            let now = audit::now();
            let event = Event::LoaderStopped {};
            let entry = Entry {
                time: now.time,
                boot_ns: now.boot_ns,
                severity: Severity::Info,
                session: None,
                event,
            };
            self.writer.append(entry);
        }
        self.writer.flush(audit::now());
        self.progress.reach(self.writer.status().last_number);
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn start(&self) -> Sinks {
        let text = format!(
            "sinks:\n  - {{name: test, type: ocsf, address: 'unix-stream:{}'}}\n",
            self.socket().display()
        );
        let config = Config::parse(Path::new("audit.yaml"), &text).unwrap();
        let (record, cursors) = (self.directory.path().join("record"), self.directory.path().join("sinks"));
        Sinks::start(config.sinks, &record, &cursors, &self.progress, &self.recorder, &self.counted).unwrap()
    }
}

/// Numbers of the first records that come over a connection, which stays until the returned value goes.
fn numbers(listener: &UnixListener, count: usize) -> (Vec<u64>, UnixStream) {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let number = |line: io::Result<String>| {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["metadata"]["sequence"].as_u64().unwrap()
    };
    let lines = BufReader::new(&stream).lines().take(count).map(number).collect();
    (lines, stream)
}

#[test]
fn what_is_written_arrives_and_a_restart_goes_on_where_it_was() {
    let mut test = Test::new();
    test.write(1);
    let listener = UnixListener::bind(test.socket()).unwrap();
    let sinks = test.start();
    // A new sink begins with what happens from now on.
    let first = thread::spawn(move || (numbers(&listener, 3), listener));
    thread::sleep(Duration::from_millis(200));
    test.write(3);
    let ((got, stream), listener) = first.join().unwrap();
    assert_eq!(got, [2, 3, 4]);
    sinks.finish();
    drop(stream);

    test.progress = Arc::default();
    test.write(2);
    let sinks = test.start();
    // What a stream has not kept for long comes once more.
    let (second, _stream) = numbers(&listener, 5);
    assert_eq!(second, [2, 3, 4, 5, 6]);
    sinks.finish();
}

#[test]
fn a_receiver_that_is_down_gets_everything_when_it_is_back() {
    let mut test = Test::new();
    test.write(1);
    let sinks = test.start();
    thread::sleep(Duration::from_millis(200));
    test.write(3);
    let failures = || test.counted.lock().unwrap().sink_errors.get("test").copied();
    while failures().unwrap_or(0) == 0 {
        thread::sleep(Duration::from_millis(20));
    }
    let listener = UnixListener::bind(test.socket()).unwrap();
    assert_eq!(numbers(&listener, 3).0, [2, 3, 4]);
    drop(sinks);
}

#[test]
fn the_end_does_not_wait_for_a_receiver_that_is_down() {
    let mut test = Test::new();
    test.write(1);
    let sinks = test.start();
    test.write(1);
    let begin = Instant::now();
    sinks.finish();
    assert!(begin.elapsed() < LAST_RECORDS + Duration::from_secs(10));
}

#[test]
fn losses_are_told_once_a_minute() {
    let (mut losses, begin) = (Losses::default(), Instant::now());
    assert_eq!(losses.add(0, begin), None);
    assert_eq!(losses.add(2, begin), Some(2));
    assert_eq!(losses.add(3, begin + Duration::from_secs(1)), None);
    assert_eq!(losses.add(4, begin + LOSSES_EACH), Some(7));
    assert_eq!(losses.add(0, begin + LOSSES_EACH * 2), None);
}
