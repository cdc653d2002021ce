// SPDX-License-Identifier: MIT OR Apache-2.0
//! A set of apt lists of our own, for suites that the system's apt shall not see.
//!
//! It can list, download and unpack packages and, as the last resort of set-up, install them. Except for that it writes nothing
//! outside its directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// apt with its own sources, lists and package cache in one directory.
#[derive(Debug)]
pub struct PrivateApt {
    dir: PathBuf,
    name: String,
}

impl PrivateApt {
    /// Makes the directory, writes the source lines and fetches the lists.
    ///
    /// # Errors
    /// When the directory cannot be written or the mirror cannot be read.
    pub fn fetch(dir: &Path, name: &str, source_lines: &[String]) -> Result<Self> {
        let apt = Self { dir: dir.to_owned(), name: name.to_owned() };
        for made in ["lists/partial", "cache/archives/partial"] {
            let path = dir.join(made);
            fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        }
        fs::write(dir.join("sources.list"), source_lines.join("\n") + "\n")?;
        process::run(&format!("fetch package lists of {name}"), apt.command("apt-get").arg("update"))?;
        Ok(apt)
    }

    /// Downloads packages (`NAME` or `NAME=VERSION`) and unpacks them below `into`, without installing them.
    ///
    /// # Errors
    /// When a package is not in the lists, cannot be fetched or is damaged.
    pub fn unpack(&self, packages: &[String], into: &Path) -> Result<()> {
        let debs = self.dir.join("debs");
        fs::create_dir_all(&debs)?;
        let title = format!("download {} from {}", packages.join(" "), self.name);
        process::run(&title, self.command("apt-get").arg("download").args(packages).current_dir(&debs))?;
        for entry in fs::read_dir(&debs)? {
            let deb = entry?.path();
            let title = format!("unpack {}", deb.file_name().unwrap_or_default().display());
            process::run(&title, Command::new("dpkg-deb").arg("-x").arg(&deb).arg(into))?;
        }
        fs::remove_dir_all(&debs).with_context(|| format!("removing {}", debs.display()))
    }

    /// The versions of a package, newest first.
    ///
    /// # Errors
    /// When apt fails.
    pub fn versions(&self, package: &str) -> Result<Vec<String>> {
        let title = format!("list versions of {package}");
        let table = process::capture(&title, self.command("apt-cache").args(["madison", package]))?;
        Ok(table.lines().filter_map(|line| line.split('|').nth(1)).map(|v| v.trim().to_owned()).collect())
    }

    /// The names of all packages that `package` needs, itself included.
    ///
    /// # Errors
    /// When apt fails or does not know the package.
    pub fn closure(&self, package: &str) -> Result<Vec<String>> {
        let mut command = self.command("apt-cache");
        command.args(["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts"]);
        command.args(["--no-breaks", "--no-replaces", "--no-enhances", package]);
        let text = process::capture(&format!("resolve {package}"), &mut command)?;
        let names: Vec<String> =
            text.lines().filter(|line| !line.starts_with([' ', '<'])).map(str::to_owned).collect();
        if names.is_empty() {
            bail!("{} has no package {package}", self.name)
        }
        Ok(names)
    }

    /// Options for another apt command that shall read these lists as well as know what is installed.
    pub fn options_for_install(&self) -> Vec<String> {
        let mut options = self.options();
        options.push("Dir::State::status=/var/lib/dpkg/status".to_owned());
        options.into_iter().flat_map(|option| ["-o".to_owned(), option]).collect()
    }

    fn options(&self) -> Vec<String> {
        let dir = self.dir.display();
        vec![
            format!("Dir::Etc::sourcelist={dir}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::Lists={dir}/lists"),
            format!("Dir::Cache={dir}/cache"),
            // Indexes that some machines fetch in addition (apt-file, app stores) and that are large.
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ]
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for option in self.options() {
            command.args(["-o", &option]);
        }
        // Nothing counts as installed, so every package can be fetched; and the fetching user need not be `_apt`, who
        // may not enter the cache directory.
        command.args(["-o", "Dir::State::status=/dev/null", "-o", "APT::Sandbox::User=root"]);
        command
    }
}
