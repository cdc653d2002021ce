// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader events` and `tree`.

use super::*;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

#[test]
fn json_is_what_stands_in_the_files_byte_for_byte() {
    let fixture = Fixture::usual();
    assert!(fixture.files().len() > 1);
    let all = fixture.run(&["events", "--json", "-n", "1000"]);
    assert_eq!((all.code, all.out.as_str(), all.err.as_str()), (Some(0), fixture.lines().as_str(), ""));
    let last: String = fixture.lines().lines().rev().take(2).map(|line| format!("{line}\n")).collect();
    let shown: String = fixture
        .run(&["events", "--json", "-n", "2"])
        .out
        .lines()
        .rev()
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(shown, last);
    assert_eq!(fixture.run(&["events", "--json", "-n", "0"]).out, "");
}

#[test]
fn the_last_twenty_are_shown_and_all_since_a_moment() {
    let fixture = Fixture::of(
        (0..30).map(|at| entry(at, None, json!({"event": "tamper", "what": format!("t{at}")}))).collect(),
    );
    let last = fixture.run(&["events"]).out;
    assert_eq!(last.lines().count(), 20);
    assert!(
        last.lines().next().unwrap().ends_with("t10") && last.lines().last().unwrap().ends_with("t29"),
        "{last}"
    );
    let since = now(5).time.to_string();
    assert_eq!(fixture.run(&["events", "--since", &since]).out.lines().count(), 25);
    assert_eq!(fixture.run(&["events", "--since", &since, "-n", "3"]).out.lines().count(), 3);
    let until = now(7).time.to_string();
    assert_eq!(fixture.run(&["events", "--since", &since, "--until", &until]).out.lines().count(), 2);
}

#[test]
fn what_was_blocked_is_a_line_of_its_own_without_colour_or_control_characters() {
    let fixture = Fixture::usual();
    let blocked = fixture.run(&["events", "--blocked", "--session", "s1"]);
    assert_eq!(
        blocked.out,
        "2026-09-21 14:13:34.000  s1          alice   BLOCKED        /usr/bin/wget 'https://example.org/<script>' '\\u{1b}[2J' \
         (contractors.yaml:9, killed)\n"
    );
    let both = fixture.run(&["events", "--event", "blocked,session-closed", "--user", "1001"]);
    assert_eq!(both.out.lines().count(), 3, "{}", both.out);
    assert_eq!(fixture.run(&["events", "--severity", "high"]).out, "");
}

#[test]
fn a_line_that_is_no_record_is_said_and_the_others_are_shown() {
    let fixture = Fixture::usual();
    let first = fixture.files().remove(0);
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, format!("{{}}\n{text}")).unwrap();
    let ran = fixture.run(&["events", "-n", "1000"]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(1), fixture.lines().lines().count() - 1));
    holds(&ran.err, "from byte 0 on: this line is not a record");
}

#[test]
fn a_directory_that_is_not_there_is_said_with_what_to_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sac-loader"));
    command.args(["events", "--directory", "/nonexistent/sac"]);
    let ran = ran(command);
    assert_eq!(ran.code, Some(1));
    holds(&ran.err, "sac-loader: cannot read /nonexistent/sac: No such file or directory");
    holds(&ran.err, "--directory");
}

#[test]
fn following_shows_what_comes_and_ends_when_nobody_reads() {
    let mut fixture = Fixture::usual();
    let mut command = fixture.command(&["events", "--follow", "--json", "-n", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    holds(&line, r#""event":"ended""#);
    // Across files as well.
    for at in 0..20 {
        fixture.append(vec![entry(50, None, json!({"event": "tamper", "what": format!("come {at}")}))]);
        line.clear();
        out.read_line(&mut line).unwrap();
        holds(&line, &format!("\"come {at}\""));
    }
    drop(out);
    let status = child.wait().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((status.code(), err.as_str()), (Some(0), ""));
}

#[test]
fn following_up_to_a_moment_ends_after_it() {
    let mut fixture = Fixture::usual();
    let until = now(100).time.to_string();
    let mut command = fixture.command(&["events", "--follow", "--json", "-n", "0", "--until", &until]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let tamper = |second| entry(second, None, json!({"event": "tamper", "what": "x"}));
    fixture.append(vec![tamper(99), tamper(101), tamper(100 + 3600)]);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    // It may have come before it was looked for the last ones.
    assert!(String::from_utf8(output.stdout).unwrap().lines().count() <= 1);
}

#[test]
fn the_tree_says_whether_the_session_is_open() {
    let fixture = Fixture::usual();
    let open = fixture.run(&["tree", "s2"]);
    assert_eq!(
        open.out,
        "\
Session s2 of alice (uid 1001) by sshd from 192.0.2.7, opened 2026-09-21 14:13:40, still open

2026-09-21 14:13:40     100  (sshd)  [running]
2026-09-21 14:13:41     101  └─ /usr/bin/bash -l  [running]
2026-09-21 14:13:43     102     └─ (bash)  [ended by signal 9 after 2ms]
2026-09-21 14:13:44     102        └─ ✗ BLOCKED /usr/bin/wget https://example.org/<script> \\u{1b}[2J  [contractors.yaml:9]
"
    );
    let closed = fixture.run(&["tree", "s1"]);
    holds(&closed.out, "closed 2026-09-21 14:13:37\n");
    holds(&closed.out, "[its end is not in the record]");
}

#[test]
fn the_tree_is_there_for_programs() {
    let fixture = Fixture::usual();
    let json: Value = serde_json::from_str(&fixture.run(&["tree", "s2", "--json"]).out).unwrap();
    assert_eq!(
        (&json["session"], &json["is_open"], &json["left_out"]),
        (&json!("s2"), &json!(true), &json!(0))
    );
    let processes = json["processes"].as_array().unwrap();
    assert_eq!(
        processes.iter().map(|process| &process["parent"]).collect::<Vec<_>>(),
        [&json!(null), &json!(0), &json!(1)]
    );
    assert_eq!(processes[2]["acts"][0]["what"]["blocked"]["arguments"][2], "\u{1b}[2J");
    assert_eq!(processes[2]["end"]["signal"], 9);
}

#[test]
fn a_session_that_is_not_there_is_said_with_those_that_are() {
    let ran = Fixture::usual().run(&["tree", "s3\u{1b}"]);
    assert_eq!(ran.code, Some(1));
    holds(&ran.err, "there is no session s3\\u{1b} in ");
    holds(&ran.err, "; seen last: s2 of alice, s1 of alice\n");
    holds(&Fixture::of(vec![closed("a", 1)]).run(&["tree", "b"]).err, "no session is in it");
    holds(&Fixture::usual().run(&["tree", "s1", "--follow"]).err, "--follow draws on a terminal");
}
