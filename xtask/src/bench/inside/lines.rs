// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long it takes from an execution to its line in a file: one process executes and says when, another one says when it saw the line.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};

use super::print_result;
use crate::bench::record::mark;

/// Between two executions: whoever writes is idle by then.
const PAUSE: Duration = Duration::from_millis(700);

/// Between two looks.
const LOOK: Duration = Duration::from_micros(200);

/// How long a line may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Executes a program with a mark, again and again, and prints when.
pub(super) fn execute(program: &Path, rounds: u32) -> Result<()> {
    for number in 0..rounds {
        thread::sleep(PAUSE);
        let begin = now_ns()?;
        let status = Command::new(program).arg(mark(number)).status().context("starting the program")?;
        ensure!(status.success(), "{} ended with {status}", program.display());
        print_result(begin);
    }
    Ok(())
}

/// Prints when each mark is in the file, or in the newest one of a directory.
pub(super) fn wait(place: &Path, rounds: u32) -> Result<()> {
    let mut text = Vec::new();
    let mut at = fs::metadata(newest(place)?)?.len();
    for number in 0..rounds {
        let mark = mark(number);
        let begin = Instant::now();
        while !contains(&text, mark.as_bytes()) {
            ensure!(begin.elapsed() < PATIENCE, "{mark} is not in {}", place.display());
            thread::sleep(LOOK);
            let mut file = File::open(newest(place)?).context("opening the file")?;
            file.seek(SeekFrom::Start(at))?;
            at += file.read_to_end(&mut text)? as u64;
        }
        print_result(now_ns()?);
    }
    Ok(())
}

fn newest(place: &Path) -> Result<PathBuf> {
    if !place.is_dir() {
        return Ok(place.to_owned());
    }
    let files = fs::read_dir(place)?.flatten().map(|entry| entry.path());
    let records = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    records.max().with_context(|| format!("no record in {}", place.display()))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|piece| piece == wanted)
}

fn now_ns() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos())?)
}
