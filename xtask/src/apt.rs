// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian packages from the mirror that this machine already uses.
//!
//! The mirror's address is read from the system's own apt sources and never written down here. Suites that the system does
//! not have (another release, backports) are read through a private set of lists, so the system's apt never sees them.

mod private;
mod sources;

pub use private::PrivateApt;
pub use sources::{Mirror, codename_of_this_machine};
