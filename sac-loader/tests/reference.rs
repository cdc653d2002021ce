// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader reference`, of which sac-loader(8) is made, against what `--help` says.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sac-loader")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The words that begin the lines of a part of a help text.
fn listed(help: &str, part: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != part).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    lines
        .filter(|line| line.starts_with("  ") && line.trim_start().len() + 6 >= line.len())
        .filter_map(|line| line.split_whitespace().find(|word| !word.ends_with(',')))
        .map(str::to_owned)
        .collect()
}

/// Compares the help of a command, and of those below it, with the reference; returns how many commands there were.
fn compare(reference: &str, path: &[&str]) -> usize {
    let help = run(&[path, &["--help"]].concat());
    let commands = listed(&help, "Commands:");
    if !commands.is_empty() {
        let below = commands.iter().filter(|command| *command != "help");
        return below.map(|command| compare(reference, &[path, &[command]].concat())).sum();
    }
    let title = format!("\n### sac-loader {}\n", path.join(" "));
    assert!(reference.contains(&title), "no {title}");
    let (_, section) = reference.split_once(&title).unwrap();
    let section = section.split("\n#").next().unwrap();
    for option in listed(&help, "Options:").iter().filter(|option| *option != "--help") {
        assert!(section.contains(&format!("| `{option}")), "no {option} in {title}{section}");
    }
    for argument in listed(&help, "Arguments:") {
        assert!(section.contains(&format!("| `{}", argument.trim_end_matches('.'))), "{argument}{section}");
    }
    1
}

#[test]
fn the_reference_has_each_command_and_option_and_nothing_hidden() {
    let reference = run(&["reference"]);
    assert!(compare(&reference, &[]) >= 15, "{reference}");
    for hidden in ["--btf", "--batch", "### sac-loader reference"] {
        assert!(!reference.contains(hidden), "{hidden}");
    }
    assert!(
        reference.contains("| `--service <SERVICE>` | By which PAM service they log in; without it `sshd` |")
    );
    for line in reference.lines().filter(|line| line.starts_with("| `")) {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 3, "{line}");
    }
}
