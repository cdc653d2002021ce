// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pages of the manual, the schema for editors, and that of the record: what the package has that is made from something else.
//!
//! sac-policy(5) is `docs/policy.md`, sac-loader(8) what the program itself says about its command line, and the schema of policies what
//! `sac-loader policy schema` prints; that of the record is sac-audit's. Nothing of it is written twice, and nothing of it is in the source tree.

mod roff;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::workspace;

pub use roff::{Page, page};

/// Makes all of it, in `target/manual/`; `loader` is sac-loader, built already.
///
/// # Errors
/// When the documentation cannot be read, the program does not run, or nothing can be written.
pub fn run(loader: &Path) -> Result<()> {
    let directory = workspace::target("manual");
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    let date = date()?;
    let documentation = workspace::root().join("docs/policy.md");
    let policy =
        fs::read_to_string(&documentation).with_context(|| format!("reading {}", documentation.display()))?;
    write("sac-policy.5", &page(&Page { date: &date, ..POLICY }, &policy))?;
    write("sac-loader.8", &page(&Page { date: &date, ..LOADER }, &output(loader, &["reference"])?))?;
    write("sac-policy.schema.json", &output(loader, &["policy", "schema"])?)?;
    write("sac-record.schema.json", &sac_audit::schema::schema())
}

/// The page about the language.
const POLICY: Page<'_> = Page {
    name: "sac-policy",
    section: 5,
    about: "policies of SAC: who may run what, when, and how it is enforced",
    date: "",
    see_also: &[("sac-loader", 8)],
};

/// The page about the program.
const LOADER: Page<'_> = Page {
    name: "sac-loader",
    section: 8,
    about: "the service and the commands of SAC, which confines login sessions",
    date: "",
    see_also: &[("sac-policy", 5), ("pam-auth-update", 8), ("journalctl", 1)],
};

/// The day that the pages say they are of: that of the build, unless it is to be one that can be repeated.
fn date() -> Result<String> {
    let now = match env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds
            .parse()
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .context("SOURCE_DATE_EPOCH is a number of seconds")?,
        Err(_) => Timestamp::now(),
    };
    Ok(TimeZone::UTC.to_datetime(now).date().to_string())
}

/// What a program prints.
fn output(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    let shown = || format!("{} {}", Path::new(program).display(), arguments.join(" "));
    ensure!(output.status.success(), "{}: {}", shown(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).with_context(|| format!("{} did not print text", shown()))
}

#[cfg(test)]
mod tests;
