// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command line says.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    events: EventsArguments,
}

fn parse(arguments: &[&str]) -> Result<EventsArguments, String> {
    let parsed = Command::try_parse_from([&["events"], arguments].concat());
    parsed.map(|command| command.events).map_err(|error| error.to_string())
}

#[test]
fn all_that_can_be_asked_for() {
    let arguments =
        ["--event", "blocked,executed", "--event", "tamper", "--severity", "high", "-n", "5", "-f"];
    let parsed = parse(&arguments).unwrap();
    assert_eq!(parsed.event, ["blocked", "executed", "tamper"]);
    assert_eq!((parsed.severity, parsed.last, parsed.follow), (Some(Severity::High), Some(5), true));
    let parsed = parse(&["--since", "2026-11-24T09:35:00Z", "--until", "1h", "--user", "alice"]).unwrap();
    assert_eq!(parsed.since.unwrap().to_string(), "2026-11-24T09:35:00Z");
    assert!(parsed.until.unwrap() < Timestamp::now());
    let parsed = parse(&[]).unwrap();
    assert_eq!((parsed.last, parsed.severity, parsed.json, parsed.blocked), (None, None, false, false));
    assert_eq!(parsed.directory.directory.to_str(), Some("/var/log/sac"));
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    for (arguments, said) in [
        (["--event", "blocke"], "a similar value exists: 'blocked'"),
        (["--severity", "grave"], "invalid value 'grave'"),
        (["--since", "soon"], "this is no moment"),
        (["-n", "-1"], "unexpected argument"),
    ] {
        let error = parse(&arguments).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
