// SPDX-License-Identifier: MIT OR Apache-2.0
//! End-to-end tests of SAC: everything is in the test binary `e2e`.
#![forbid(unsafe_code)]
