// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a path in a policy may look like.
//!
//! The kernel half compares a path by its bytes with the one that the kernel resolved. So a rule's path must be written
//! as the kernel writes it; one that is not would never match, and nobody would notice.

use crate::code::Code;
use crate::fault::quoted;
use sac_abi::hash::TEXT_BYTES_MAX as PATH_BYTES_MAX;

/// A path that cannot stand in a rule.
pub(super) struct PathFault {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: String,
}

/// Checks the form of a path. Whether it exists is another matter.
pub(super) fn check(path: &str) -> Result<(), PathFault> {
    let quoted = quoted(path);
    let fault = |code, message, help: &str| Err(PathFault { code, message, help: help.to_owned() });
    if path.contains(char::is_control) {
        fault(
            Code::PathControlCharacter,
            format!("{quoted} has a control character"),
            "remove it; a rule cannot name such a path",
        )
    } else if !path.starts_with('/') {
        fault(
            Code::RelativePath,
            format!("{quoted} does not begin with `/`"),
            "write the whole path; `type -P NAME` shows the one of a program",
        )
    } else if path[1..].split('/').any(|part| matches!(part, "" | "." | "..")) {
        fault(
            Code::PathNotNormal,
            format!("{quoted} has `.`, `..` or an empty part"),
            "write the path without them, without `//` and without `/` at its end",
        )
    } else if path.len() > PATH_BYTES_MAX {
        fault(
            Code::PathTooLong,
            format!("{quoted} has {} bytes", path.len()),
            &format!("a rule's path has at most {PATH_BYTES_MAX} bytes"),
        )
    } else {
        Ok(())
    }
}
