// SPDX-License-Identifier: MIT OR Apache-2.0
//! The copy of the source tree that mutations are made in, below `target/`. It stays, so that only what differs is built again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::table::{Edit, Mutation};
use crate::{dist, process, workspace};

/// The copy.
pub(super) struct Copy {
    root: PathBuf,
}

impl Copy {
    /// Makes the copy what the source tree is now, with what is not committed and without what is ignored.
    pub(super) fn make() -> Result<Self> {
        let root = workspace::target("mutate/tree");
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        let copy = Self { root };
        let wanted = sources()?;
        for path in &wanted {
            copy.take(path)?;
        }
        let mut there = Vec::new();
        files_below(&copy.root, Path::new(""), &mut there)?;
        for path in there.iter().filter(|path| !wanted.contains(*path)) {
            fs::remove_file(copy.root.join(path)).with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(copy)
    }

    /// Copies a file if it differs: cargo goes by times.
    fn take(&self, path: &Path) -> Result<()> {
        let (from, to) = (workspace::root().join(path), self.root.join(path));
        let reading = || format!("reading {}", from.display());
        let bytes = fs::read(&from).with_context(reading)?;
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        // Not `fs::copy`, which some systems let keep the time.
        fs::write(&to, bytes).with_context(|| format!("writing {}", to.display()))?;
        let mode = fs::metadata(&from).with_context(reading)?.permissions();
        fs::set_permissions(&to, mode).with_context(|| format!("setting the mode of {}", to.display()))
    }

    /// Does something while checks are gone.
    pub(super) fn without<T>(&self, mutations: &[&Mutation], work: impl FnOnce() -> T) -> Result<T> {
        let edits = || mutations.iter().flat_map(|mutation| mutation.edits());
        for edit in edits() {
            self.edit(edit)?;
        }
        let done = work();
        for edit in edits() {
            self.take(Path::new(edit.file))?;
        }
        Ok(done)
    }

    fn edit(&self, edit: &Edit) -> Result<()> {
        let path = self.root.join(edit.file);
        let source = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        ensure!(source.contains(edit.text), "{} has no more {}", path.display(), edit.text);
        fs::write(&path, source.replacen(edit.text, edit.with, 1))
            .with_context(|| format!("writing {}", path.display()))
    }

    /// Builds the package from the copy as it is; `title` is for the log.
    pub(super) fn build(&self, title: &str) -> Result<PathBuf> {
        self.xtask(&format!("package without {title}"), &["dist", "--quick"])?;
        dist::newest_in(&self.root.join("target/dist"))?.context("there is no package in the copy")
    }

    /// Builds the kernel half alone.
    pub(super) fn build_kernel_half(&self, title: &str) -> Result<()> {
        self.xtask(&format!("kernel half without {title}"), &["build-bpf"])
    }

    /// Calls the copy's own xtask: where it is compiled says which tree it works on.
    fn xtask(&self, title: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new("cargo");
        command.args(["run", "--quiet", "--package", "xtask", "--"]).args(arguments);
        command.env("CARGO_TARGET_DIR", workspace::target("mutate/cargo")).current_dir(&self.root);
        process::run(title, &mut command)
    }
}

/// The files of the source tree that git does not ignore.
fn sources() -> Result<BTreeSet<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = process::capture("list the source files", git.current_dir(workspace::root()))?;
    let paths = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    // What was removed and is not committed is still listed.
    Ok(paths.filter(|path| workspace::root().join(path).is_file()).collect())
}

/// Adds the files below `root/directory`, by their paths from `root`, without what is built.
fn files_below(root: &Path, directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let whole = root.join(directory);
    let entries = fs::read_dir(&whole).with_context(|| format!("reading {}", whole.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", whole.display()))?;
        let path = directory.join(entry.file_name());
        if !entry.file_type().with_context(|| format!("looking at {}", path.display()))?.is_dir() {
            found.push(path);
        } else if path != Path::new("target") {
            files_below(root, &path, found)?;
        }
    }
    Ok(())
}
