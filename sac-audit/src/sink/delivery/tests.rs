// SPDX-License-Identifier: MIT OR Apache-2.0
//! A receiver, a record and a clock of our own.

mod limit;
mod loss;
mod waits;

use super::{BATCH_MAX, CURSOR_EVERY, Delivery, IDLE, Outcome, Parts, Source};
use crate::record::Record;
use crate::sink::cursor::{Cursor, Position};
use crate::sink::filter::Filter;
use crate::sink::format::{Format, Message};
use crate::sink::samples::{identity, record};
use crate::sink::throttle::Throttle;
use crate::sink::transport::{Failure, Sent, Transport};
use serde_json::{Value as Json, json};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A record's files: numbers from `first` to `last`, without those in `damaged`.
#[derive(Default)]
pub(crate) struct Files {
    first: u64,
    pub(crate) last: u64,
    damaged: Vec<u64>,
    unreadable: bool,
}

impl Files {
    pub(crate) fn up_to(last: u64) -> Self {
        Self { first: 1, last, ..Self::default() }
    }
}

impl Source for Files {
    fn next_after(&mut self, number: u64, max: usize) -> io::Result<Vec<Record>> {
        if self.unreadable {
            return Err(io::Error::other("no disk"));
        }
        let numbers = (number + 1).max(self.first)..=self.last;
        let is_whole = |number: &u64| !self.damaged.contains(number);
        // Each tenth one is grave.
        let severity = |number: u64| if number.is_multiple_of(10) { "high" } else { "info" };
        let read = |number| record(number, severity(number), json!({"event": "tamper", "what": "x"}));
        Ok(numbers.filter(is_whole).take(max).map(read).collect())
    }

    fn first_available(&self) -> u64 {
        self.first
    }

    fn last(&self) -> u64 {
        self.last
    }
}

/// What a receiver does, and what it got.
#[derive(Default)]
struct State {
    received: Vec<Json>,
    batches: Vec<usize>,
    /// Whether nobody is there.
    down: bool,
    /// How many messages it takes until it goes down.
    until_down: Option<usize>,
    /// Whether the connection was found to be broken.
    broken: bool,
    /// A record that it does not take.
    refuses: Option<u64>,
    doubt: Duration,
    retry_after: Option<Duration>,
}

#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<State>>);

impl Receiver {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Numbers of the records that it got.
    fn numbers(&self) -> Vec<u64> {
        let state = self.state();
        let numbers = |message: &Json| match message {
            Json::Array(events) => {
                events.iter().map(|event| event["metadata"]["sequence"].as_u64().unwrap()).collect()
            }
            event if event["metadata"].is_object() => vec![event["metadata"]["sequence"].as_u64().unwrap()],
            alert => alert["record"]["number"].as_u64().into_iter().collect(),
        };
        state.received.iter().flat_map(numbers).collect()
    }
}

impl Transport for Receiver {
    fn send(&mut self, batch: &[Message]) -> Result<Sent, Failure> {
        let mut state = self.state();
        state.batches.push(batch.len());
        for (sent, message) in batch.iter().enumerate() {
            if state.until_down == Some(0) {
                state.until_down = None;
                state.down = true;
            }
            if state.down {
                return Err(Failure {
                    retry_after: state.retry_after,
                    ..Failure::passing(sent, "nobody is there")
                });
            }
            let json: Json = serde_json::from_slice(&message.bytes).unwrap();
            let refused = state.refuses.map(|number| json!(number));
            let has_refused = |event: &Json| Some(&event["metadata"]["sequence"]) == refused.as_ref();
            if json.as_array().map_or_else(|| has_refused(&json), |events| events.iter().any(has_refused)) {
                return Err(Failure::lasting(sent, "this is nonsense"));
            }
            state.received.push(json);
            state.until_down = state.until_down.map(|messages| messages - 1);
        }
        Ok(Sent::default())
    }

    fn check(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.state().broken) {
            Err(Failure::passing(0, "the connection broke"))
        } else {
            Ok(())
        }
    }

    fn doubt(&self) -> Duration {
        self.state().doubt
    }
}

/// A sink that has seen nothing, its receiver, its directory and a clock.
struct Test {
    directory: TempDir,
    receiver: Receiver,
    delivery: Delivery,
    now: Instant,
}

impl Test {
    fn with(format: Format, filter: Filter, throttle: Option<Throttle>) -> Self {
        let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::default());
        Cursor::new(directory.path(), "siem").write(0).unwrap();
        let parts = parts(&directory, &receiver, format, filter, throttle);
        let delivery = Delivery::new(parts, &Files::up_to(0)).unwrap();
        Self { directory, receiver, delivery, now: Instant::now() }
    }

    fn new() -> Self {
        Self::with(Format::Ocsf, Filter::default(), None)
    }

    /// The same sink after a restart.
    fn restarted(self, source: &Files) -> Self {
        let parts = parts(&self.directory, &self.receiver, Format::Ocsf, Filter::default(), None);
        let delivery = Delivery::new(parts, source).unwrap();
        Self { delivery, ..self }
    }

    fn step(&mut self, source: &mut Files) -> Outcome {
        self.delivery.step(source, self.now)
    }

    /// Steps until nothing is to be done now, and what all came to.
    fn steps(&mut self, source: &mut Files) -> Outcome {
        let mut all = self.step(source);
        while all.next_try <= self.now {
            let Outcome { next_try, delivered, lost, queue, fault } = self.step(source);
            all = Outcome {
                next_try,
                delivered: all.delivered + delivered,
                lost: all.lost + lost,
                queue,
                fault: fault.or(all.fault),
            };
        }
        all
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn cursor(&self) -> Position {
        Cursor::new(self.directory.path(), "siem").read().unwrap()
    }
}

fn parts(
    directory: &TempDir,
    receiver: &Receiver,
    format: Format,
    filter: Filter,
    throttle: Option<Throttle>,
) -> Parts {
    Parts {
        name: "siem".to_owned(),
        filter,
        format,
        transport: Box::new(receiver.clone()),
        throttle,
        cursor: Cursor::new(directory.path(), "siem"),
        identity: identity(),
    }
}

#[test]
fn all_records_arrive_in_order() {
    let mut test = Test::new();
    let mut files = Files::up_to(1000);
    let outcome = test.steps(&mut files);
    assert_eq!((outcome.delivered, outcome.lost, outcome.queue, outcome.fault), (1000, 0, 0, None));
    assert_eq!(test.receiver.numbers(), (1..=1000).collect::<Vec<_>>());
    assert!(test.receiver.state().batches.iter().all(|batch| *batch <= BATCH_MAX));
}

#[test]
fn a_step_sends_one_batch_and_says_that_there_is_more() {
    let mut test = Test::new();
    let outcome = test.step(&mut Files::up_to(1000));
    assert_eq!((outcome.delivered, outcome.queue, outcome.next_try), (128, 872, test.now));
}

#[test]
fn nothing_to_do_is_looked_at_again_after_a_while() {
    let mut test = Test::new();
    let outcome = test.step(&mut Files::up_to(0));
    assert_eq!((outcome.next_try, outcome.delivered), (test.now + IDLE, 0));
}

/// A receiver that was down gets all of it, in order, and nothing twice where it said what it took.
#[test]
fn down_and_up_again_loses_nothing() {
    let mut test = Test::new();
    let mut files = Files::up_to(10);
    test.steps(&mut files);
    test.receiver.state().until_down = Some(3);
    files.last = 500;
    let outcome = test.steps(&mut files);
    assert_eq!((outcome.delivered, outcome.queue), (3, 487));
    assert_eq!(outcome.fault.as_deref(), Some("nobody is there"));
    for _ in 0..20 {
        test.wait(Duration::from_secs(60));
        assert_eq!(test.steps(&mut files).delivered, 0);
    }
    test.receiver.state().down = false;
    test.wait(Duration::from_secs(60));
    test.steps(&mut files);
    assert_eq!(test.receiver.numbers(), (1..=500).collect::<Vec<_>>());
}

/// Whoever drives sinks may give each a thread.
#[test]
fn a_delivery_can_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Delivery>();
}

/// What a connection had taken shortly before it broke may not have arrived: it is sent again. What is older has.
#[test]
fn what_is_in_doubt_is_sent_again() {
    let mut test = Test::new();
    test.receiver.state().doubt = Duration::from_secs(20);
    let mut files = Files::up_to(5);
    test.steps(&mut files);
    test.wait(Duration::from_secs(15));
    files.last = 8;
    test.steps(&mut files);
    test.wait(Duration::from_secs(5));
    test.steps(&mut files);
    assert_eq!(test.cursor(), Position::After(5));
    test.receiver.state().broken = true;
    let outcome = test.step(&mut files);
    assert_eq!((outcome.delivered, outcome.queue), (0, 3));
    test.wait(Duration::from_secs(1));
    test.steps(&mut files);
    assert_eq!(test.receiver.numbers(), [1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8]);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut test = Test::new();
    let mut files = Files::up_to(300);
    test.steps(&mut files);
    test.wait(CURSOR_EVERY);
    test.steps(&mut files);
    files.last = 310;
    let mut test = test.restarted(&files);
    test.steps(&mut files);
    assert_eq!(test.receiver.numbers(), (1..=310).collect::<Vec<_>>());
}

/// The loader may be killed between two writes of the cursor: records come twice, never not at all.
#[test]
fn a_cursor_that_is_behind_means_twice() {
    let mut test = Test::new();
    let mut files = Files::up_to(128);
    test.step(&mut files);
    files.last = 130;
    test.step(&mut files);
    let mut test = test.restarted(&files);
    test.steps(&mut files);
    assert_eq!(test.receiver.numbers(), (1..=130).chain(129..=130).collect::<Vec<_>>());
}

#[test]
fn a_new_sink_begins_now_and_misses_nothing_from_then_on() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::default());
    let mut files = Files::up_to(50);
    let new = || parts(&directory, &receiver, Format::Ocsf, Filter::default(), None);
    drop(Delivery::new(new(), &files).unwrap());
    // It was stopped before it could do anything.
    files.last = 60;
    let delivery = Delivery::new(new(), &files).unwrap();
    let mut test = Test { directory, receiver, delivery, now: Instant::now() };
    test.steps(&mut files);
    assert_eq!(test.receiver.numbers(), (51..=60).collect::<Vec<_>>());
}

/// What a filter does not pass is not sent, and is not waited for.
#[test]
fn what_is_not_for_a_sink_is_passed_over() {
    let filter = Filter { severity: crate::record::Severity::High, ..Filter::default() };
    let mut test = Test::with(Format::Ocsf, filter, None);
    let mut files = Files::up_to(1005);
    let outcome = test.steps(&mut files);
    assert_eq!((outcome.delivered, outcome.lost, outcome.queue), (100, 0, 0));
    assert_eq!(test.receiver.numbers(), (1..=100).map(|ten| ten * 10).collect::<Vec<_>>());
    test.wait(CURSOR_EVERY);
    test.step(&mut files);
    assert_eq!(test.cursor(), Position::After(1005));
}
