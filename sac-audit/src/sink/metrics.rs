// SPDX-License-Identifier: MIT OR Apache-2.0
//! Metrics for Prometheus: [`text`] keeps and prints them, [`serve`] answers one request for them.

pub mod serve;
pub mod text;

pub use serve::serve;
pub use text::Metrics;
