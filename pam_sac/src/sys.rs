// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls and C library functions that the standard library does not have.
//!
//! Each function wraps one call: pointers and lengths in, `io::Result` out. `EINTR` is repeated here where the call can
//! simply be made again. No decisions are taken here.

pub(crate) mod filesystem;
pub(crate) mod names;
pub(crate) mod socket;
