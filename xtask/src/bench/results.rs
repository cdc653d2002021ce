// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was measured, in a form that all parts share: groups of rows, each compared with the first one of its group. They are shown as a
//! table, and written to `target/bench` as JSON and as plots.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::part::Part;
use super::plot;
use super::table::{Cost, grouped, thousandths};
use crate::workspace;

/// The unit of most of it.
pub(super) const INSTRUCTIONS: &str = "instructions";

/// The unit of what is measured with `--in-time`.
pub(super) const NANOSECONDS: &str = "nanoseconds";

/// One thing, measured under several circumstances. What it is compared with comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) rows: Vec<Row>,
}

/// A circumstance, and the median, the least and the most that was measured under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) title: String,
    pub(super) value: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Row {
    /// What was measured once.
    pub(super) fn once(title: impl Into<String>, value: u64) -> Self {
        Self { title: title.into(), value, least: value, most: value }
    }
}

impl From<&Cost> for Row {
    fn from(cost: &Cost) -> Self {
        Self { title: cost.title.clone(), value: cost.instructions, least: cost.least, most: cost.most }
    }
}

impl Group {
    /// A group of what was counted in instructions.
    pub(super) fn of_costs<'c>(title: impl Into<String>, costs: impl IntoIterator<Item = &'c Cost>) -> Self {
        let rows = costs.into_iter().map(Row::from).collect();
        Self { title: title.into(), unit: INSTRUCTIONS, rows }
    }

    /// What all rows are compared with.
    pub(super) fn first(&self) -> Option<u64> {
        self.rows.first().map(|row| row.value)
    }

    /// The value of a row.
    pub(super) fn value(&self, title: &str) -> Option<u64> {
        self.rows.iter().find(|row| row.title == title).map(|row| row.value)
    }

    fn json(&self) -> Value {
        let first = self.first();
        let row = |row: &Row| {
            let ratio = first.map(|first| thousandths(row.value, first));
            json!({"title": row.title, "median": row.value, "least": row.least, "most": row.most, "ratio": ratio})
        };
        json!({"title": self.title, "unit": self.unit, "rows": self.rows.iter().map(row).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<50}{:>16}{:>9}  least to most", self.title, self.unit, "ratio")?;
        for row in &self.rows {
            let ratio = thousandths(row.value, self.first().unwrap_or_default());
            let (value, least, most) = (grouped(row.value), grouped(row.least), grouped(row.most));
            writeln!(f, "{:<50}{value:>16}{ratio:>9}  {least} to {most}", row.title)?;
        }
        writeln!(f)
    }
}

/// What a part found, and whether it is good enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) part: Part,
    pub(super) groups: Vec<Group>,
    /// What each bar says, and whether it holds.
    pub(super) bars: Vec<(String, bool)>,
}

/// Writes a file with all groups, and a plot for each; returns the directory.
///
/// # Errors
/// When they cannot be written.
pub(super) fn write(name: &str, release: &str, groups: &[Group]) -> Result<PathBuf> {
    let directory = workspace::target("bench");
    write_in(&directory, name, release, groups)?;
    Ok(directory)
}

fn write_in(directory: &Path, name: &str, release: &str, groups: &[Group]) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let all = json!({"kernel": release, "groups": groups.iter().map(Group::json).collect::<Vec<_>>()});
    let put = |name: String, text: String| {
        let file = directory.join(name);
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
    };
    put(format!("{name}.json"), format!("{all:#}\n"))?;
    for group in groups.iter().filter(|group| !group.rows.is_empty()) {
        put(format!("{name}-{}.svg", slug(&group.title)), plot::bars(group, release))?;
    }
    Ok(())
}

/// A title as a part of a file's name.
fn slug(title: &str) -> String {
    let dashed: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    dashed.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
