// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a report: there as a whole or not at all, for its owner only, and never in place of something else.

use anyhow::{Context as _, bail};
use sac_audit::report::BEGINNING;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Whether a report may be written there.
pub(super) fn may_write(path: &Path, force: bool) -> anyhow::Result<()> {
    let name = path.display();
    let status = match fs::symlink_metadata(path) {
        Ok(status) => status,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot write {name}")),
    };
    // Not even on purpose: root would replace a device.
    if !status.is_file() {
        bail!("{name} is not a regular file; name another one, or `-` for standard output");
    }
    if !force && !is_report(path).with_context(|| format!("cannot read {name}, which is there already"))? {
        bail!("{name} is there already and is not a report; name another file, or replace it with --force");
    }
    Ok(())
}

fn is_report(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == BEGINNING.as_bytes())
}

/// Writes a report beside its place and then moves it there.
pub(super) fn write(path: &Path, page: &[u8], force: bool) -> anyhow::Result<()> {
    let new = beside(path).with_context(|| format!("cannot write {}", path.display()))?;
    let written = write_new(&new, page).with_context(|| format!("cannot write {}", new.display()));
    let moved = written.and_then(|()| {
        // It took a while: what has come there meanwhile is not a report either.
        may_write(path, force)?;
        fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))
    });
    if moved.is_err() {
        // What is left is in the way of nobody, and the error is what counts.
        let _left = fs::remove_file(&new);
    }
    moved
}

/// A name in the same directory that nobody can guess.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else { return Err(io::ErrorKind::InvalidFilename.into()) };
    let [random, _] = crate::sys::random_words()?;
    let mut new = std::ffi::OsString::from(".");
    new.push(name);
    new.push(format!(".{random:016x}"));
    Ok(path.with_file_name(new))
}

fn write_new(new: &Path, page: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(page)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
