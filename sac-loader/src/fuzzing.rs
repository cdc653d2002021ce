// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fuzz targets reach. cargo-fuzz alone builds it, by `cfg(fuzzing)`; a function panics where a promise does not hold.

pub use crate::{
    cli::fuzzing::command_line,
    daemon::{control, events},
};
