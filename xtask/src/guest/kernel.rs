// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that SAC is tested on, and the Debian release whose user land each runs with.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, bail};

#[cfg(test)]
mod tests;

/// A kernel line that guests exist for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// 6.1, Debian 12's own: the oldest kernel on which SAC works.
    V6_1,
    /// 6.12, Debian 13's own, with Debian 13's user land.
    V6_12,
    /// The newest that Debian packages (trixie-backports), with Debian 12's user land.
    V7,
}

impl Kernel {
    /// All kernels, oldest first.
    pub fn all() -> [Self; 3] {
        [Self::V6_1, Self::V6_12, Self::V7]
    }

    /// The Debian release of the guest's user land.
    pub fn release(self) -> Release {
        match self {
            Self::V6_1 | Self::V7 => Release::Bookworm,
            Self::V6_12 => Release::Trixie,
        }
    }

    /// The suite whose `linux-image-amd64` is this kernel.
    pub fn suite(self) -> &'static str {
        match self {
            Self::V6_1 => "bookworm",
            Self::V6_12 => "trixie",
            Self::V7 => "trixie-backports",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::V7 => "7.x",
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kernel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "6.1" => Ok(Self::V6_1),
            "6.12" => Ok(Self::V6_12),
            "7" | "7.x" => Ok(Self::V7),
            _ => bail!("there is no guest with kernel {text}; choose 6.1, 6.12 or 7.x"),
        }
    }
}

/// A Debian release that guests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
}

impl Release {
    /// The release's code name, as in apt sources.
    pub fn codename(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// The kernels that boot this release's image.
    pub fn kernels(self) -> Vec<Kernel> {
        Kernel::all().into_iter().filter(|kernel| kernel.release() == self).collect()
    }
}

impl FromStr for Release {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "bookworm" => Ok(Self::Bookworm),
            "trixie" => Ok(Self::Trixie),
            _ => bail!("no guest runs Debian {text}; choose bookworm or trixie"),
        }
    }
}
