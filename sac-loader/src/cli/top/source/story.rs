// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last records of a session, for its tree where the daemon does not tell of its processes.

use super::Wanted;
use sac_audit::read::{Filter, ReadError, Records};
use sac_audit::record::Record;
use sac_audit::tree::{Row, Tree};
use std::{collections::VecDeque, path::Path};

/// So many of a session's last records make its tree where the daemon does not.
const RECORDS_OF_SESSION: usize = 2000;

/// The last records of a session.
pub(super) struct Story {
    of: Wanted,
    records: Records,
    last: VecDeque<Record>,
}

impl Story {
    pub(super) fn open(directory: &Path, of: Wanted) -> Result<Self, ReadError> {
        let filter = Filter { session: Some(of.session.clone()), since: of.since, ..Filter::default() };
        let records = Records::open_last(directory, filter, RECORDS_OF_SESSION)?;
        Ok(Self { of, records, last: VecDeque::new() })
    }

    /// Whether it is that session's.
    pub(super) fn is_of(&self, wanted: &Wanted) -> bool {
        self.of == *wanted
    }

    /// The tree of its last records; `None` where there are no new ones. What cannot be read is told of elsewhere.
    pub(super) fn rows(&mut self) -> Option<Vec<Row>> {
        let is_first = self.last.is_empty();
        let mut is_new = false;
        for record in self.records.by_ref().take_while(|read| !matches!(read, Err(ReadError::Read { .. }))) {
            let Ok(record) = record else { continue };
            is_new = true;
            self.last.push_back(record);
            if self.last.len() > RECORDS_OF_SESSION {
                self.last.pop_front();
            }
        }
        (is_new || is_first).then(|| Tree::of(self.last.iter().cloned()).rows())
    }
}
