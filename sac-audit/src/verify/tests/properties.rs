// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever is written, however often the writer is killed and files are full: it verifies. Whatever one thing is done to it then: it does not.

use super::*;
use crate::chain::{RecordFile, Writer};
use crate::record::{Record, Totals};
use crate::samples::{execution, now, origin};
use crate::text::Text;
use proptest::prelude::*;

/// What happens to the writer.
#[derive(Clone, Debug)]
enum Step {
    Entry(Box<Entry>),
    Flush,
    Killed,
    /// Killed in the middle of a write, of which so many bytes arrived.
    Torn(Vec<u8>),
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        any::<String>().prop_map(Text::Text),
        proptest::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| Text::from_bytes(&bytes)),
        Just(Text::Unreadable),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let executed = proptest::collection::vec(text(), 1..4).prop_map(|arguments| {
        Event::Executed(crate::record::Execution { arguments, ..execution(1, 2, &["ls"]) })
    });
    prop_oneof![
        4 => executed,
        2 => (any::<u32>(), any::<u32>(), text()).prop_map(|(pid, parent_pid, comm)| Event::Forked { pid, parent_pid, comm }),
        1 => Just(Event::SessionClosed { totals: Totals::default(), duration_ms: 1 }),
        1 => any::<String>().prop_map(|what| Event::Tamper { what }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let session = prop_oneof![Just(None), Just(Some("a")), Just(Some("b")), Just(Some("c"))];
    let entry = (0..1000_u64, session, event()).prop_map(|(second, id, event)| {
        Step::Entry(Box::new(super::entry(second, id, Severity::Info, event)))
    });
    // No newline: a write ends before one, or the line is whole.
    let torn = proptest::collection::vec(any::<u8>().prop_filter("newline", |byte| *byte != b'\n'), 1..40);
    let step = prop_oneof![12 => entry, 3 => Just(Step::Flush), 1 => Just(Step::Killed), 1 => torn.prop_map(Step::Torn)];
    proptest::collection::vec(step, 4..60)
}

/// Does it all, and returns the entries that were taken, in order, and a checkpoint of the end.
fn run(settings: &Settings, steps: Vec<Step>) -> (Vec<Event>, Checkpoint) {
    let mut writer = Writer::new(settings.clone(), origin());
    let (mut taken, mut waiting) = (Vec::new(), Vec::new());
    let mut second = 0;
    for step in steps {
        second += 2;
        match step {
            Step::Entry(entry) => {
                waiting.push(entry.event.clone());
                writer.append(*entry);
            }
            Step::Flush => {
                writer.tick(now(second));
                taken.append(&mut waiting);
            }
            Step::Killed | Step::Torn(_) => {
                // What was not flushed dies with it.
                waiting.clear();
                drop(writer);
                if let (Step::Torn(bytes), Some(file)) = (step, list_or_none(settings).pop()) {
                    let mut content = fs::read(&file.path).unwrap();
                    content.extend(bytes);
                    fs::write(&file.path, content).unwrap();
                }
                writer = Writer::new(settings.clone(), origin());
            }
        }
    }
    taken.append(&mut waiting);
    let checkpoint = writer.checkpoint(now(second + 2)).checkpoint.unwrap();
    (taken, checkpoint)
}

fn list_or_none(settings: &Settings) -> Vec<RecordFile> {
    list(&settings.directory).unwrap_or_default()
}

/// Lines of all files, with the place of each.
fn lines(settings: &Settings) -> Vec<(usize, Vec<u8>)> {
    let mut lines = Vec::new();
    for (at, file) in list_or_none(settings).iter().enumerate() {
        let bytes = fs::read(&file.path).unwrap();
        lines.extend(bytes.split_inclusive(|byte| *byte == b'\n').map(|line| (at, line.to_owned())));
    }
    lines
}

fn put(settings: &Settings, lines: &[(usize, Vec<u8>)]) {
    for (at, file) in list_or_none(settings).iter().enumerate() {
        let of_file = lines.iter().filter(|(of, _line)| *of == at);
        fs::write(&file.path, of_file.flat_map(|(_of, line)| line.clone()).collect::<Vec<_>>()).unwrap();
    }
}

/// One thing that is done to the record.
#[derive(Clone, Debug)]
enum Harm {
    Byte(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Swap(prop::sample::Index),
    Double(prop::sample::Index),
    Tail(prop::sample::Index),
    File(prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), 1..=255_u8).prop_map(|(at, change)| Harm::Byte(at, change)),
        1 => index().prop_map(Harm::Drop),
        1 => index().prop_map(Harm::Swap),
        1 => index().prop_map(Harm::Double),
        1 => index().prop_map(Harm::Tail),
        1 => index().prop_map(Harm::File),
    ]
}

/// Does it; whether anything is different.
fn do_harm(settings: &Settings, harm: &Harm) -> bool {
    let before = lines(settings);
    let mut all = before.clone();
    match harm {
        Harm::Byte(at, change) => {
            let total: usize = all.iter().map(|(_of, line)| line.len()).sum();
            let mut at = at.index(total);
            for (_of, line) in &mut all {
                match line.get_mut(at) {
                    Some(byte) => {
                        *byte ^= change;
                        break;
                    }
                    None => at -= line.len(),
                }
            }
        }
        Harm::Drop(at) => drop(all.remove(at.index(before.len()))),
        Harm::Swap(at) if before.len() > 1 => {
            let at = at.index(before.len() - 1);
            let (first, second) = (all[at].1.clone(), all[at + 1].1.clone());
            (all[at].1, all[at + 1].1) = (second, first);
        }
        Harm::Swap(_) => {}
        Harm::Double(at) => all.insert(at.index(before.len()), before[at.index(before.len())].clone()),
        Harm::Tail(at) => all.truncate(at.index(before.len())),
        Harm::File(at) => {
            let files = list_or_none(settings);
            fs::remove_file(&files[at.index(files.len())].path).unwrap();
            return true;
        }
    }
    put(settings, &all);
    all != before
}

fn happened(event: &Event) -> bool {
    !matches!(event, Event::ChainRepaired { .. } | Event::RecordsRemoved { .. } | Event::Checkpoint {})
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_verifies_and_harm_is_found(
        steps in steps(),
        file_bytes_max in 1..4000_u64,
        harm in harm(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { file_bytes_max, files_kept: 1000, ..settings(directory.path()) };
        let (taken, checkpoint) = run(&settings, steps);
        let report = verify(&settings.directory, &[checkpoint]).unwrap();
        prop_assert!(report.is_sound(), "{:#?}", report.findings);
        prop_assert_eq!(report.checkpoints_met, 1);
        let events = lines(&settings).into_iter().map(|(_of, line)| serde_json::from_slice::<Record>(&line).unwrap().entry.event);
        prop_assert_eq!(events.filter(happened).collect::<Vec<_>>(), taken);
        if do_harm(&settings, &harm) {
            let report = verify(&settings.directory, &[checkpoint]).unwrap();
            prop_assert!(!report.is_sound(), "{:?} is not found", harm);
        }
    }

    #[test]
    fn what_is_removed_to_make_room_verifies(steps in steps(), file_bytes_max in 1..3000_u64, files_kept in 2..5_usize) {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { file_bytes_max, files_kept, ..settings(directory.path()) };
        let (_taken, checkpoint) = run(&settings, steps);
        let report = verify(&settings.directory, &[checkpoint]).unwrap();
        prop_assert!(report.is_sound(), "{:#?}", report.findings);
    }
}
