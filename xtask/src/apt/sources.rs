// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading apt's source files, in both formats of `sources.list(5)`, to learn the machine's mirror.
//!
//! Only what is needed for that is read: type, address, suites, components and keyring. Options that do not bear on it are skipped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

#[cfg(test)]
mod tests;

/// Debian's own archive keyring, from the package debian-archive-keyring.
const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// One binary package source: each address with each suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The addresses of the mirrors.
    pub uris: Vec<String>,
    /// The suites, like `bookworm-updates`.
    pub suites: Vec<String>,
}

/// The mirrors that this machine gets Debian from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    archive: String,
    security: Option<String>,
    keyring: PathBuf,
}

impl Mirror {
    /// Finds the mirrors in the system's sources.
    ///
    /// # Errors
    /// When this is not Debian, or no source names the running release.
    pub fn of_this_machine() -> Result<Self> {
        let codename = codename_of_this_machine()?;
        Self::choose(&system_sources(Path::new("/etc/apt"))?, &codename).with_context(|| {
            format!(
                "no source below /etc/apt names the suite {codename}; add this release's Debian mirror there"
            )
        })
    }

    /// Picks the archive and the security archive of the release `codename` from sources.
    pub fn choose(sources: &[Source], codename: &str) -> Option<Self> {
        let uri_of = |suite: &str| {
            let source = sources.iter().find(|source| source.suites.iter().any(|has| has == suite))?;
            source.uris.first().map(|uri| uri.trim_end_matches('/').to_owned())
        };
        Some(Self {
            archive: uri_of(codename)?,
            security: uri_of(&format!("{codename}-security")),
            keyring: DEBIAN_KEYRING.into(),
        })
    }

    /// Source lines for a whole release: its main suite, its updates and, where the mirror has them, security updates.
    pub fn release_lines(&self, codename: &str) -> Vec<String> {
        let mut lines = vec![self.line(codename), self.line(&format!("{codename}-updates"))];
        lines.extend(self.security.as_deref().map(|uri| self.line_at(uri, &format!("{codename}-security"))));
        lines
    }

    /// The source line for one suite of the main archive.
    pub fn line(&self, suite: &str) -> String {
        self.line_at(&self.archive, suite)
    }

    fn line_at(&self, uri: &str, suite: &str) -> String {
        format!("deb [signed-by={}] {uri} {suite} main", self.keyring.display())
    }
}

/// The code name of the Debian release that this machine runs.
///
/// # Errors
/// When it runs something else.
pub fn codename_of_this_machine() -> Result<String> {
    let os_release = fs::read_to_string("/etc/os-release").context("reading /etc/os-release")?;
    let codename = os_release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("/etc/os-release has no VERSION_CODENAME: this machine is not a Debian release")?;
    Ok(codename.trim_matches('"').to_owned())
}

/// All sources below an apt configuration directory.
fn system_sources(etc_apt: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let main_list = etc_apt.join("sources.list");
    if main_list.exists() {
        sources.extend(parse_one_line(&read(&main_list)?));
    }
    let parts = etc_apt.join("sources.list.d");
    let Ok(entries) = fs::read_dir(&parts) else { return Ok(sources) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => sources.extend(parse_deb822(&read(&path)?)),
            Some("list") => sources.extend(parse_one_line(&read(&path)?)),
            _ => {}
        }
    }
    Ok(sources)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Reads the one-line format: `deb [ option=value ] uri suite component…`.
pub(super) fn parse_one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_line).collect()
}

fn one_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    // `deb-src` is another type.
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source { uris: vec![words.next()?], suites: vec![words.next()?] })
}

/// Reads the deb822 format: stanzas of `Field: value`, continued on lines that begin with a blank.
pub(super) fn parse_deb822(text: &str) -> Vec<Source> {
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    kept.split(|line| line.trim().is_empty()).filter_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Option<Source> {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            let (_, values) = fields.last_mut()?;
            values.extend(line.split_whitespace().map(str::to_owned));
        } else {
            let (name, value) = line.split_once(':')?;
            let values = value.split_whitespace().map(str::to_owned).collect();
            fields.push((name.trim().to_ascii_lowercase(), values));
        }
    }
    let take = |wanted: &str| {
        fields.iter().find(|(name, _)| name == wanted).map(|(_, values)| values.clone()).unwrap_or_default()
    };
    let disabled = take("enabled").first().is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if disabled || !take("types").iter().any(|value| value == "deb") {
        return None;
    }
    Some(Source { uris: take("uris"), suites: take("suites") })
}
