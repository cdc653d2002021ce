// SPDX-License-Identifier: MIT OR Apache-2.0
//! What single operations cost: on files, to connect, to map a program.

mod under;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::table::{Cost, Table};
use super::{Bench, PATIENCE, PLACE, Remote, grouped, part, results};
use crate::guest::wait_until;
use crate::process;

pub(super) use self::under::Under;

/// Rounds, and runs of an operation in each; no more than datagrams fit into a socket.
pub(super) const ROUNDS: u32 = 15;
pub(super) const RUNS: u32 = 100;

/// What is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    /// open and close of a file, to read it
    Read,
    /// open and close of a file, to write it
    Write,
    /// open of a file that is made by that, close and unlink
    Create,
    /// unlink of one of many empty files
    Unlink,
    /// rename of a file
    Rename,
    /// connect of a new TCP socket to a port where nobody listens, and its close
    Connect,
    /// sendto of one UDP datagram
    Send,
    /// mmap of a file to be executed, and munmap
    Map,
}

impl Operation {
    /// All, in the order of the table.
    pub(super) const ALL: [Self; 8] = [
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Unlink,
        Self::Rename,
        Self::Connect,
        Self::Send,
        Self::Map,
    ];

    /// What the table says.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Read => "open to read, close",
            Self::Write => "open to write, close",
            Self::Create => "create, close, unlink",
            Self::Unlink => "unlink",
            Self::Rename => "rename",
            Self::Connect => "socket, connect (refused), close",
            Self::Send => "sendto, one datagram",
            Self::Map => "mmap to execute, munmap",
        }
    }
}

/// What stands before the results for an operation.
pub(super) fn heading(operation: Operation) -> String {
    format!("{HEADING}{}", part::name(operation))
}

pub(super) const HEADING: &str = "operation ";

/// The results for one operation in what was printed for several.
pub(super) fn results_of(operation: Operation, output: &str) -> Vec<u64> {
    let heading = heading(operation);
    let section = output.lines().skip_while(|line| *line != heading).skip(1);
    section.take_while(|line| !line.starts_with(HEADING)).flat_map(results).collect()
}

/// The directory that operations are carried out in. No rule is about what is in it.
pub(super) fn directory(dir: &Path) -> PathBuf {
    dir.join("operations")
}

/// The file that operations are carried out on.
pub(super) fn file(dir: &Path) -> PathBuf {
    directory(dir).join("file")
}

/// A program that maps so many times.
pub(super) fn mapping(dir: &Path, times: u32) -> PathBuf {
    directory(dir).join(format!("maps-{times}"))
}

/// A program that everybody may write.
pub(super) fn untrusted(dir: &Path) -> PathBuf {
    dir.join("untrusted")
}

/// The directories that tree rules for files are about.
pub(super) fn trees(dir: &Path) -> impl Iterator<Item = PathBuf> {
    (0..under::TREES).map(|number| under::tree(dir, number))
}

/// What one operation cost, by what was printed for several.
pub(super) fn cost_of(operation: Operation, title: impl Into<String>, output: &str) -> Result<Cost> {
    let title = title.into();
    let cost = Cost::of(title.clone(), results_of(operation, output))
        .with_context(|| format!("{}; {title}", operation.title()))?;
    process::note(&format!("{}; {title}: {}", operation.title(), grouped(cost.instructions)));
    Ok(cost)
}

impl Bench {
    /// What operations cost, in sessions of their own without the daemon, and outside of them.
    pub(super) fn operations(&self, table: &mut Table) -> Result<()> {
        for under in Under::ALL {
            let _confined = under.is_outside().then(|| Confined::start(self)).transpose()?;
            self.settle()?;
            let output = self.root(&self.operate_all(under))?;
            for operation in under.operations() {
                let cost = cost_of(*operation, under.title(), &output)?;
                table.add_operation(*operation, under, cost);
            }
        }
        Ok(())
    }

    /// The command that measures all operations of a row.
    fn operate_all(&self, under: Under) -> String {
        let run = under.file(&self.place).map_or_else(String::new, |file| {
            // What belongs to whoever calls `run` is untrusted; where root does, that would be every program.
            let as_other = if under == Under::Untrusted { "setpriv --ruid 65534 " } else { "" };
            format!("{as_other}{PLACE}/sac-loader run --policy {} -- ", file.display())
        });
        format!("{run}{}", super::operate(under, under.operations(), &self.place))
    }
}

/// Somebody who is confined, so that all programs of the kernel half are attached, until this value goes.
struct Confined<'b> {
    bench: &'b Bench,
    remote: Option<Remote>,
}

impl<'b> Confined<'b> {
    /// There while there is somebody.
    const MARK: &'static str = "confined";

    fn start(bench: &'b Bench) -> Result<Self> {
        let policy = super::policies::Kind::Empty.file(&bench.place);
        // What reads its standard input ends with the connection, unlike one that sleeps.
        let command = format!(
            "{PLACE}/sac-loader run --policy {} -- sh -c 'touch {PLACE}/{mark} && exec cat'; rm {PLACE}/{mark}",
            policy.display(),
            mark = Self::MARK
        );
        let confined = Self { bench, remote: Some(Remote::start(&bench.guest.ssh("root"), &command)?) };
        confined.wait("somebody to be confined", "")?;
        Ok(confined)
    }

    fn wait(&self, what: &str, not: &str) -> Result<()> {
        let look = format!("test {not} -e {PLACE}/{}", Self::MARK);
        wait_until(
            what,
            PATIENCE,
            || Ok((self.bench.guest.ssh("root").run(&look)?.status == 0).then_some(())),
        )
    }
}

impl Drop for Confined<'_> {
    fn drop(&mut self) {
        drop(self.remote.take());
        // What is measured next is measured without.
        if let Err(error) = self.wait("nobody to be confined any more", "!") {
            process::note(&format!("{error:#}"));
        }
    }
}
