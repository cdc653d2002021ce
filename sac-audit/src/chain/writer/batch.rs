// SPDX-License-Identifier: MIT OR Apache-2.0
//! A batch: entries become lines, and one write brings them into the file.

use super::{Digest, DiskError, Now, Open, Writer, Written};
use crate::chain::LINE_BYTES_MAX;
use crate::record::{Entry, Event, Record, SCHEMA};
use sac_failpoint::{Failpoint, reach};
use std::fs::File;
use std::io;

/// A write takes no more than this, but for a single line.
const BATCH_BYTES_MAX: u64 = 256 << 10;

impl Writer {
    /// Writes one batch to the file that is open.
    pub(super) fn write_batch(&mut self, now: Now, written: &mut Vec<Written>) -> Result<(), DiskError> {
        let bytes_before =
            self.open.as_ref().and_then(|open| open.current.as_ref()).map_or(0, |file| file.bytes);
        let room = self.settings.file_bytes_max.saturating_sub(bytes_before).min(BATCH_BYTES_MAX);
        let mut batch = self.batch(room);
        let mut bytes = Vec::with_capacity(batch.iter().map(|made| made.line.len() + 1).sum());
        for made in &batch {
            bytes.extend_from_slice(made.line.as_bytes());
            bytes.push(b'\n');
        }
        let outcome = self.write_whole_lines(&bytes, now);
        let length = *outcome.as_ref().unwrap_or(&0);
        let count = bytes.get(..length).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        let unwritten = batch.split_off(count.min(batch.len()));
        self.commit(&batch, length);
        self.take_back(unwritten);
        written.append(&mut batch);
        outcome.map(drop)
    }

    /// Takes entries from the queue and gives them their places.
    fn batch(&mut self, room: u64) -> Vec<Written> {
        let mut batch: Vec<Written> = Vec::new();
        let mut length = 0;
        while length < room
            && let Some(entry) = self.queue.pop()
        {
            if let Some(made) = self.line(entry, batch.last()) {
                length += made.line.len() as u64 + 1;
                batch.push(made);
            }
        }
        batch
    }

    /// Makes the line after another one; `None` if it cannot be one, which is counted.
    fn line(&mut self, mut entry: Entry, after: Option<&Written>) -> Option<Written> {
        let chain = self.chain.as_mut()?;
        let (number, previous) =
            after.map_or((chain.number, chain.digest), |made| (made.record.number, made.digest));
        if let Some(session) = &mut entry.session {
            session.sequence = chain.sequences.last(&session.id).saturating_add(1);
            chain.sequences.set(&session.id, session.sequence);
        }
        let record = Record {
            schema: SCHEMA,
            number: number.saturating_add(1),
            previous: previous.to_string(),
            host: self.origin.host.clone(),
            boot_id: self.origin.boot_id.clone(),
            entry,
        };
        match serde_json::to_string(&record) {
            Ok(line) if line.len() <= LINE_BYTES_MAX => {
                let digest = Digest::of(line.as_bytes());
                Some(Written { record, line, digest })
            }
            _ => {
                self.queue.lose(&record.entry);
                self.forget(&record);
                None
            }
        }
    }

    /// Writes as much as goes, and cuts off what is no whole line; returns how much stays.
    fn write_whole_lines(&mut self, bytes: &[u8], now: Now) -> Result<usize, DiskError> {
        let Some(Open { directory, current: Some(current), written_boot_ns, .. }) = &mut self.open else {
            return Ok(0);
        };
        if bytes.is_empty() {
            return Ok(0);
        }
        reach(Failpoint::RecordBefore);
        let outcome = write_once(self.write, &current.file, bytes);
        reach(Failpoint::RecordAfter);
        let length = *outcome.as_ref().unwrap_or(&0);
        let whole = bytes.get(..length).unwrap_or_default();
        let whole = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if length > 0 {
            written_boot_ns.get_or_insert(now.boot_ns);
        }
        let error = |source| directory.error("write", &current.name, source);
        let cut =
            if whole < bytes.len() { current.file.set_len(current.bytes + whole as u64) } else { Ok(()) };
        let outcome = match (outcome, cut) {
            (Err(source), _) | (Ok(_), Err(source)) if whole == 0 => Err(error(source)),
            (Ok(_), Ok(())) if whole == 0 => Err(error(io::ErrorKind::StorageFull.into())),
            _ => Ok(whole),
        };
        if current.file.metadata().map_or(true, |status| status.len() != current.bytes + whole as u64) {
            // Something stays behind the last whole line: it is looked at as after a crash.
            self.open = None;
        }
        outcome
    }

    /// What is in the file now is the end of the chain.
    fn commit(&mut self, batch: &[Written], length: usize) {
        if let Some(Open { current: Some(current), unsaved, .. }) = &mut self.open {
            current.bytes += length as u64;
            *unsaved += batch.len() as u64;
        }
        self.written += batch.len() as u64;
        let (Some(chain), Some(last)) = (&mut self.chain, batch.last()) else { return };
        chain.number = last.record.number;
        chain.digest = last.digest;
        chain.is_checkpoint = matches!(last.record.entry.event, Event::Checkpoint {});
        self.is_removal_last = is_removal(last);
        self.may_leave |= batch.iter().any(is_removal);
        for Written { record, .. } in batch {
            if let (Some(session), Event::SessionClosed { .. }) = (&record.entry.session, &record.entry.event)
            {
                chain.sequences.close(&session.id);
            }
        }
    }

    /// What is not in the file waits again, in its order.
    fn take_back(&mut self, unwritten: Vec<Written>) {
        for Written { record, .. } in unwritten.into_iter().rev() {
            self.forget(&record);
            self.queue.give_back(record.entry);
        }
    }

    /// Takes back the sequence of a record that was not written.
    fn forget(&mut self, record: &Record) {
        if let (Some(chain), Some(session)) = (&mut self.chain, &record.entry.session) {
            chain.sequences.set(&session.id, session.sequence.saturating_sub(1));
        }
    }
}

fn write_once(write: super::Write, file: &File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match write(file, bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

const fn is_removal(written: &Written) -> bool {
    matches!(written.record.entry.event, Event::RecordsRemoved { .. })
}
