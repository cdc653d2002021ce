// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader audit`: whether the record is as it was written.

mod checkpoints;

pub(super) use checkpoints::{CheckpointArguments, Checkpoints};

use super::look::{DirectoryArguments, advice, unless_closed};
use super::paint::Paint;
use anyhow::{anyhow, bail};
use sac_audit::text::shown;
use sac_audit::verify::{Finding, Report, verify};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

/// What can be done with the record as a whole.
#[derive(clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Look for records that were changed, removed, inserted or moved; exit with 0 if there are none, 1 if there are some, 2 if
    /// the record cannot be read
    Verify(VerifyArguments),
}

/// What `audit verify` takes.
#[derive(clap::Args, Debug)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    checkpoints: CheckpointArguments,
    /// Print a JSON object for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: DirectoryArguments,
}

/// Something is wrong with the record.
const FINDINGS: u8 = 1;
/// Nothing can be said of it.
const UNREADABLE: u8 = 2;

/// Does it.
pub(super) fn run(command: &AuditCommand) -> anyhow::Result<ExitCode> {
    let AuditCommand::Verify(arguments) = command;
    let directory = &arguments.directory.directory;
    let verified = Verified::of(directory, &arguments.checkpoints);
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            writeln!(io::stderr(), "sac-loader: {error:#}")?;
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    let code = if verified.report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) };
    let out = io::stdout().lock();
    let paint = Paint::for_output(&out);
    unless_closed(tell(&verified, directory, arguments.json, paint, out).map(|()| code))?;
    // What was found is not undone by nobody reading it.
    Ok(code)
}

/// What verifying came to, and with which checkpoints.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) report: Report,
    pub(super) checkpoints: Checkpoints,
}

impl Verified {
    /// Verifies the record of a directory.
    pub(super) fn of(directory: &Path, checkpoints: &CheckpointArguments) -> anyhow::Result<Self> {
        let checkpoints = checkpoints.read(directory)?;
        let report = verify(directory, &checkpoints.all).map_err(|error| {
            let advice =
                advice(directory, error.kind()).map_or_else(String::new, |advice| format!("; {advice}"));
            anyhow!("cannot read {}: {error}{advice}", directory.display())
        })?;
        // Nothing at all says nothing, unless a checkpoint says that there was something.
        if report.files == 0 && report.is_sound() {
            bail!("there is no record in {}", directory.display());
        }
        Ok(Self { report, checkpoints })
    }
}

fn tell(
    verified: &Verified,
    directory: &Path,
    json: bool,
    paint: Paint,
    mut out: impl Write,
) -> anyhow::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut out, &Shown::new(verified, directory))?;
        writeln!(out)?;
    } else {
        out.write_all(words(verified, directory, paint).as_bytes())?;
    }
    Ok(())
}

/// What an auditor wants to know, one line each, and the findings below.
fn words(verified: &Verified, directory: &Path, paint: Paint) -> String {
    let Verified { report, checkpoints } = verified;
    let Report { files, records, from, to, end, checkpoints_met, checkpoints_removed, findings, .. } = report;
    let in_files = if *files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    let mut lines = vec![format!("Record       {}: {records} records in {in_files}", directory.display())];
    let mut line = |name: &str, text: String| lines.push(format!("{name:13}{text}"));
    if let (Some((first, since)), Some((last, until))) = (from, to) {
        let time = |time: &jiff::Timestamp| super::list_sessions::local_time(&time.to_string());
        line("From", format!("{first}, {}", time(since)));
        line("To", format!("{last}, {}", time(until)));
        if *first > 1 {
            line("Before", format!("records 1 to {} are not kept any more", first - 1));
        }
    }
    if let Some(end) = end {
        line("End", format!("{end}"));
    }
    let given = checkpoints.all.len();
    let removed = match checkpoints_removed {
        0 => String::new(),
        count => format!(", {count} of records that are not kept any more"),
    };
    line("Checkpoints", format!("{checkpoints_met} of {given} met{removed}; {}", checkpoints.source));
    if given == 0 {
        line(
            "",
            "so an end that was cut off, or a record that was made anew as a whole, would not show"
                .to_owned(),
        );
    }
    let verdict = if report.is_sound() {
        paint.paint("1;32", "✓ sound: no record was changed, removed, inserted or moved")
    } else {
        let count = findings.len() as u64 + report.findings_left_out;
        paint.paint(
            "1;31",
            &format!("✗ not sound: {count} {}", if count == 1 { "finding" } else { "findings" }),
        )
    };
    line("Verdict", verdict);
    lines.extend(findings.iter().map(|finding| format!("  {}", shown(&finding.to_string()))));
    if report.findings_left_out > 0 {
        lines.push(format!("  and {} more", report.findings_left_out));
    }
    lines.join("\n") + "\n"
}

/// The same for programs.
#[derive(Serialize)]
struct Shown<'r> {
    directory: String,
    is_sound: bool,
    files: usize,
    records: u64,
    from: Option<Place>,
    to: Option<Place>,
    /// As `--checkpoints` takes it.
    end: Option<String>,
    checkpoints: ShownCheckpoints<'r>,
    findings: Vec<ShownFinding<'r>>,
    findings_left_out: u64,
}

#[derive(Serialize)]
struct Place {
    number: u64,
    time: jiff::Timestamp,
}

#[derive(Serialize)]
struct ShownCheckpoints<'r> {
    source: &'r str,
    given: usize,
    met: usize,
    removed: usize,
}

#[derive(Serialize)]
struct ShownFinding<'r> {
    file: &'r str,
    line: u64,
    number: Option<u64>,
    wrong: String,
}

impl<'r> Shown<'r> {
    fn new(verified: &'r Verified, directory: &Path) -> Self {
        let Verified { report, checkpoints } = verified;
        let place =
            |place: Option<(u64, jiff::Timestamp)>| place.map(|(number, time)| Place { number, time });
        let finding = |finding: &'r Finding| {
            let Finding { file, line, number, wrong } = finding;
            ShownFinding { file, line: *line, number: *number, wrong: wrong.to_string() }
        };
        Self {
            directory: directory.display().to_string(),
            is_sound: report.is_sound(),
            files: report.files,
            records: report.records,
            from: place(report.from),
            to: place(report.to),
            end: report.end.map(|end| end.to_string()),
            checkpoints: ShownCheckpoints {
                source: &checkpoints.source,
                given: checkpoints.all.len(),
                met: report.checkpoints_met,
                removed: report.checkpoints_removed,
            },
            findings: report.findings.iter().map(finding).collect(),
            findings_left_out: report.findings_left_out,
        }
    }
}
