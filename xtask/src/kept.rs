// SPDX-License-Identifier: MIT OR Apache-2.0
//! Costs that are kept in the source tree, and compared with what is found now.
//!
//! A file holds a name and a number in each line; what stands behind `#` is for readers. What has become dearer by more than a margin is a
//! fault, and so is what no line is for: nobody would notice how dear that becomes. What has become cheaper by more than the margin is
//! said, because the file should then be made anew, or the next one to make it dearer goes unnoticed.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Has the files written instead of compared.
pub const UPDATE: &str = "SAC_UPDATE_COSTS";

/// Costs by the name of what costs them.
pub type Costs = BTreeMap<String, u64>;

/// How much a cost may differ from the one that is kept: by so much of it, and by so much in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margin {
    /// Hundredths of what is kept.
    pub percent: u64,
    /// In the unit of the cost.
    pub least: u64,
}

impl Margin {
    fn of(self, kept: u64) -> u64 {
        (kept.saturating_mul(self.percent) / 100).max(self.least)
    }
}

/// A file of costs, and what whoever reads a fault has to know about it.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The file.
    pub file: &'a Path,
    /// What its numbers are; stands in its first lines.
    pub about: &'a str,
    /// The command that makes it anew, without [`UPDATE`].
    pub command: &'a str,
}

/// How costs differ from those that are kept.
#[derive(Debug, Default, PartialEq, Eq)]
struct Comparison {
    faults: Vec<String>,
    hints: Vec<String>,
}

impl Kept<'_> {
    /// Compares what was found, and returns what is worth saying although nothing is wrong. With [`UPDATE`] in the environment it is
    /// written to the file instead.
    ///
    /// # Errors
    /// When something is dearer than it may be or not in the file, and when the file cannot be read or written.
    pub fn check(&self, found: &Costs, margin: impl Fn(&str) -> Margin) -> Result<Vec<String>> {
        if env::var_os(UPDATE).is_some() {
            self.write(found)?;
            return Ok(vec![format!("{} is written", self.file.display())]);
        }
        self.judge(found, margin)
    }

    fn judge(&self, found: &Costs, margin: impl Fn(&str) -> Margin) -> Result<Vec<String>> {
        let again = format!("{UPDATE}=1 {}", self.command);
        let kept = self.read().with_context(|| format!("`{again}` makes it"))?;
        let comparison = compare(&kept, found, margin);
        if !comparison.faults.is_empty() {
            bail!(
                "{}:\n  {}\nif that is how it has to be, `{again}` writes the file anew",
                self.file.display(),
                comparison.faults.join("\n  ")
            )
        }
        let mut hints = comparison.hints;
        if !hints.is_empty() {
            hints.push(format!("`{again}` writes {} anew", self.file.display()));
        }
        Ok(hints)
    }

    fn read(&self) -> Result<Costs> {
        let what = || format!("reading {}", self.file.display());
        parse(&fs::read_to_string(self.file).with_context(what)?).with_context(what)
    }

    fn write(&self, costs: &Costs) -> Result<()> {
        if let Some(directory) = self.file.parent() {
            fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
        }
        fs::write(self.file, self.text(costs)).with_context(|| format!("writing {}", self.file.display()))
    }

    fn text(&self, costs: &Costs) -> String {
        let mut text: String = self.about.lines().map(|line| format!("# {line}\n")).collect();
        // Writing to a string cannot fail.
        writeln!(text, "# `{UPDATE}=1 {}` writes this file anew.", self.command).ok();
        for (name, cost) in costs {
            writeln!(text, "{name} {cost}").ok();
        }
        text
    }
}

/// Reads a file's text.
fn parse(text: &str) -> Result<Costs> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let costs = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, cost) = line.rsplit_once(' ').with_context(|| format!("no number in `{line}`"))?;
        let cost = cost.parse().with_context(|| format!("no number in `{line}`"))?;
        Ok((name.trim().to_owned(), cost))
    });
    costs.collect()
}

fn compare(kept: &Costs, found: &Costs, margin: impl Fn(&str) -> Margin) -> Comparison {
    let mut comparison = Comparison::default();
    for (name, cost) in found {
        let Some(was) = kept.get(name) else {
            comparison.faults.push(format!("{name}: {cost}, and no line is for it"));
            continue;
        };
        let may_differ = margin(name).of(*was);
        if *cost > was.saturating_add(may_differ) {
            comparison.faults.push(format!("{name}: {cost}, was {was} and may be {}", was + may_differ));
        } else if cost.saturating_add(may_differ) < *was {
            comparison.hints.push(format!("{name} has become cheaper: {cost}, was {was}"));
        }
    }
    let gone = kept.keys().filter(|name| !found.contains_key(*name));
    comparison.hints.extend(gone.map(|name| format!("{name} is not there any more")));
    comparison
}

#[cfg(test)]
mod tests;
