// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader policy`: what can be done with policies; all but [`apply`] without the daemon. One file for each command, and here what
//! they share.

mod apply;
mod check;
mod choice;
mod diff;
mod explain;
mod json;
mod learn;
mod login;
mod schema;
mod show;
mod test;
mod words;

use sac_abi::HashKey;
use sac_policy::{Colour, Faults, HostFiles, Loaded, PolicySet, Situation, Trust};
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What can be done with policies.
#[derive(clap::Subcommand)]
pub(super) enum PolicyCommand {
    /// Report every fault; exit with 0 if the policies can be used
    Check(check::CheckArguments),
    /// Put new policies in force in the place of all that are, for good or on trial
    Apply(apply::ApplyArguments),
    /// Keep policies that are on trial; from a login that was opened since they were applied
    Confirm,
    /// Take policies back that are on trial
    Rollback,
    /// Say which policies are in force, and until when if they are on trial
    Status(apply::StatusArguments),
    /// Say what somebody may do, and why; exit with 0 if it is allowed, 3 if it is denied
    Explain(Box<explain::ExplainArguments>),
    /// Run the assertions of policies; exit with 1 if one does not hold
    Test(test::TestArguments),
    /// Print a first policy from what somebody has executed so far, for review
    Learn(learn::LearnArguments),
    /// Show a whole policy in words, and why it holds for somebody; exit with 3 if none does
    Show(show::ShowArguments),
    /// Say what new policies change; exit with 0 if nothing, 1 if something, 2 if they cannot be read
    Diff(diff::DiffArguments),
    /// Print a JSON Schema of policies, for editors
    Schema(schema::SchemaArguments),
}

/// Runs a policy command.
pub(super) fn run(command: &PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check(arguments) => check::run(arguments),
        PolicyCommand::Apply(arguments) => apply::run(arguments),
        PolicyCommand::Confirm => apply::confirm(),
        PolicyCommand::Rollback => apply::roll_back(),
        PolicyCommand::Status(arguments) => apply::status(arguments),
        PolicyCommand::Explain(arguments) => explain::run(arguments),
        PolicyCommand::Test(arguments) => test::run(arguments),
        PolicyCommand::Learn(arguments) => learn::run(arguments),
        PolicyCommand::Show(arguments) => show::run(arguments),
        PolicyCommand::Diff(arguments) => diff::run(arguments),
        PolicyCommand::Schema(arguments) => schema::run(arguments),
    }
}

/// Reads policies: those that the daemon loads, those of one directory, or these files.
fn load(files: &[PathBuf]) -> Result<Loaded, Faults> {
    match files {
        [] => PolicySet::load_dir(Path::new(super::POLICIES)),
        [directory] if directory.is_dir() => PolicySet::load_dir_of(directory, Trust::Anyone),
        files => PolicySet::load_files(files),
    }
}

/// Shows why policies cannot be used.
fn refuse(faults: &Faults) -> io::Result<ExitCode> {
    show(faults)?;
    writeln!(io::stderr(), "{faults}")?;
    Ok(ExitCode::from(super::FAILED))
}

/// Shows faults on standard error.
fn show(faults: &Faults) -> io::Result<()> {
    let is_coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let colour = if is_coloured { Colour::Always } else { Colour::Never };
    io::stderr().write_all(faults.render(colour).as_bytes())
}

/// This machine's files.
fn host_files() -> HostFiles {
    HostFiles::new(crate::sys::file_generation)
}

/// A moment on this machine, without grants. The key is as good as any other where nothing goes to the kernel.
fn situation(at: jiff::Timestamp) -> Situation {
    Situation { at, key: HashKey::default(), grants: Vec::new() }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Text from elsewhere, so that a terminal takes nothing in it for a command.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if crate::notice::is_harmless(character) || character == '\\' {
            plain.push(character);
        } else {
            plain.extend(character.escape_default());
        }
    }
    plain
}
