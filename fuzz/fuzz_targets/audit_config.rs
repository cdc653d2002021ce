// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as `audit.yaml`: they are taken or refused with a place, and what is taken stays within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sac_audit::config::{Config, ConfigError};
use std::path::Path;
use std::time::Duration;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match Config::parse(Path::new("audit.yaml"), &text) {
        Ok(config) => check(&config, &text),
        Err(ConfigError::Faulty { line, what, help, .. }) => {
            // YAML has line ends that Rust does not count.
            let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() as u64;
            assert!(line <= lines + 1, "line {line} of {lines}");
            assert!(!what.is_empty() && !help.is_empty());
        }
        Err(other) => panic!("a text alone cannot be {other:?}"),
    }
});

fn check(config: &Config, text: &str) {
    assert!(config.record.directory.is_absolute());
    assert!(config.record.rotate_mb >= 1 && config.record.keep >= 1 && config.files_kept() >= 1);
    // Aliases do not multiply what is written.
    assert!(config.sinks.len() + config.redact.patterns.len() <= text.len());
    for sink in &config.sinks {
        let is_a_file_name =
            !sink.name.is_empty() && !sink.name.contains(['/', '\0']) && !sink.name.starts_with('.');
        assert!(is_a_file_name, "the cursor's file would be called {:?}", sink.name);
        assert!(sink.timeout > Duration::ZERO);
    }
    let mut names: Vec<&str> = config.sinks.iter().map(|sink| sink.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), config.sinks.len(), "two sinks would have one cursor");
}
