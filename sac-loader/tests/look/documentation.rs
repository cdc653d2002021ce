// SPDX-License-Identifier: MIT OR Apache-2.0
//! `docs/audit.md` shows commands on the record of an afternoon: what they print is what stands there.

use super::sample::afternoon;
use super::*;

const DOCUMENTATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/audit.md");
const BLOCK: &str = "\n```console\n";
const COMMAND: &str = "# sac-loader ";

/// Compares them; with `SAC_UPDATE_DOCS` in the environment what is printed is written there.
#[test]
fn commands_print_what_the_documentation_shows() {
    let mut fixture = afternoon();
    let home = fixture.settings.directory.parent().unwrap().to_owned();
    fs::write(home.join("web1.checkpoints"), fixture.checkpoint()).unwrap();
    let documentation = fs::read_to_string(DOCUMENTATION).unwrap();
    let mut parts = documentation.split(BLOCK);
    let mut printed = parts.next().unwrap().to_owned();
    for part in parts {
        let (block, rest) = part.split_once("```").unwrap();
        printed.push_str(BLOCK);
        for line in block.lines().filter(|line| line.starts_with(COMMAND)) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sac-loader"));
            command.current_dir(&home).env("TZ", "UTC").args(line.split_whitespace().skip(2));
            command.args(["--directory", "sac"]);
            let Ran { code, out, err } = ran(command);
            assert_eq!((code, err.as_str()), (Some(0), ""), "{line}");
            // There the record is where it is on a server.
            let out = out.replace("Record       sac:", "Record       /var/log/sac:");
            printed.push_str(&format!("{line}\n{out}"));
        }
        printed.push_str("```");
        printed.push_str(rest);
    }
    assert!(printed.matches(COMMAND).count() >= 4);
    if std::env::var_os("SAC_UPDATE_DOCS").is_some() {
        fs::write(DOCUMENTATION, &printed).unwrap();
    }
    assert_eq!(fs::read_to_string(DOCUMENTATION).unwrap(), printed);
}
