// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files: when another one begins, when what is written is brought to the disk, and which old ones go.

use super::{Current, DiskError, Now, Open, SAVED_EACH, Synchronise, Writer};
use crate::chain::files::{list, list_torn, name, torn_name};
use crate::chain::sequences::{SAVED, Saved};
use crate::record::Event;
use sac_failpoint::{Failpoint, may_fail, reach};
use std::fs::File;
use std::io;

impl Writer {
    /// Begins a file, if there is none or the last one is full.
    pub(super) fn provide_file(&mut self, now: Now) -> Result<(), DiskError> {
        let current = self.open.as_ref().and_then(|open| open.current.as_ref());
        match current.map(|current| current.bytes >= self.settings.file_bytes_max) {
            Some(false) => return Ok(()),
            Some(true) => self.save()?,
            None => {}
        }
        let (Some(open), Some(chain)) = (&mut self.open, &self.chain) else { return Ok(()) };
        let name = name(chain.number.saturating_add(1));
        reach(Failpoint::RecordRotate);
        let file = match begin(open, &name) {
            Ok(file) => file,
            Err(error) => {
                // The directory may be another one by now.
                self.open = None;
                return Err(error);
            }
        };
        open.current = Some(Current { file, name, bytes: 0 });
        reach(Failpoint::RecordRotated);
        if self.settings.synchronise != Synchronise::Never {
            open.directory.synchronise()?;
        }
        // A file that is full with saying so would have another one begun, which says so again.
        if self.is_removal_last { Ok(()) } else { self.choose_leaving(now) }
    }

    /// Says which files go now that there is another one. They go when that is written.
    fn choose_leaving(&mut self, now: Now) -> Result<(), DiskError> {
        let Some(open) = &self.open else { return Ok(()) };
        let error = |source| open.directory.error("read the directory", "", source);
        let mut files = list(open.directory.path()).map_err(error)?;
        let mut sizes = Vec::new();
        for file in &files {
            sizes.push(std::fs::symlink_metadata(&file.path).map_err(error)?.len());
        }
        let kept = kept(&sizes, self.settings.files_kept, self.settings.bytes_kept);
        let newer = files.split_off(files.len() - kept);
        let (Some(oldest), Some(first_kept)) = (files.first(), newer.first()) else { return Ok(()) };
        let (from_number, to_number) = (oldest.first, first_kept.first.saturating_sub(1));
        let torn = list_torn(open.directory.path()).map_err(error)?;
        let torn = torn.iter().filter(|torn| torn.first < first_kept.first).map(|torn| torn_name(torn.first));
        self.leaving = files.iter().map(|file| file.name()).chain(torn).collect();
        let event = Event::RecordsRemoved { files: self.leaving.clone(), from_number, to_number };
        self.queue.push_own(event, now);
        Ok(())
    }

    /// Removes files that it has been said of.
    pub(super) fn remove_leaving(&mut self) {
        if !std::mem::take(&mut self.may_leave) {
            return;
        }
        let outcome = self.synchronise().and_then(|()| {
            let open = self.open.as_ref();
            let mut names = self.leaving.iter();
            names.try_for_each(|name| open.map_or(Ok(()), |open| open.directory.remove(name)))
        });
        // What stays is counted again when the next file begins.
        self.leaving.clear();
        self.removal_fault = outcome.err().map(|error| error.to_string());
    }

    /// Brings what was written to the disk, and sequences where many records came since.
    pub(super) fn synchronise(&mut self) -> Result<(), DiskError> {
        if let Some(Open { directory, current: Some(current), written_boot_ns, .. }) = &mut self.open
            && self.settings.synchronise != Synchronise::Never
            && written_boot_ns.is_some()
        {
            current
                .file
                .sync_data()
                .map_err(|source| directory.error("synchronise", &current.name, source))?;
            *written_boot_ns = None;
        }
        match &self.open {
            Some(open) if open.unsaved >= SAVED_EACH => self.save(),
            _ => Ok(()),
        }
    }

    /// Whether something was written that may not be on the disk.
    #[cfg(test)]
    pub(in crate::chain) fn is_unsynchronised(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.written_boot_ns.is_some())
    }

    /// Saves sequences, after what they are of.
    pub(super) fn save(&mut self) -> Result<(), DiskError> {
        if let Some(open) = &mut self.open {
            open.unsaved = 0;
        }
        self.synchronise()?;
        let (Some(open), Some(chain)) = (&self.open, &self.chain) else { return Ok(()) };
        let digest = chain.digest.to_string();
        let saved = Saved { number: chain.number, digest, sequences: chain.sequences.clone() };
        let json =
            serde_json::to_vec(&saved).map_err(|error| open.directory.error("write", SAVED, error.into()))?;
        may_fail(Failpoint::RecordSave).map_err(|error| open.directory.error("write", SAVED, error))?;
        open.directory.replace(SAVED, &json)
    }
}

/// Makes a file; one that was made before a failure and has nothing in it will do.
fn begin(open: &Open, name: &str) -> Result<File, DiskError> {
    match open.directory.create(name) {
        Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
            let file = open.directory.append(name)?;
            let is_empty = file.metadata().is_ok_and(|status| status.len() == 0);
            if is_empty { Ok(file) } else { Err(error) }
        }
        outcome => outcome,
    }
}

/// How many files are kept, given the sizes of all, the oldest first.
fn kept(sizes: &[u64], files: usize, bytes: u64) -> usize {
    const LEAST: usize = 2;
    let mut sum = 0_u64;
    let fitting = sizes.iter().rev().take_while(|size| {
        sum = sum.saturating_add(**size);
        sum <= bytes
    });
    fitting.count().min(files).max(LEAST).min(sizes.len())
}
