// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader top` on a terminal of its own, which `script` makes.

use super::*;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// What is typed into a terminal, and what it shows.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    seen: String,
}

impl Terminal {
    /// Runs `top` in a shell that says afterwards what it came to, and whether the terminal is as it was.
    fn open(fixture: &Fixture, environment: &str) -> Self {
        let directory = fixture.settings.directory.display();
        let program = env!("CARGO_BIN_EXE_sac-loader");
        let line = format!(
            "stty rows 24 cols 80; before=$(stty -g); {environment} {program} top --directory '{directory}'; code=$?; \
             [ \"$(stty -g)\" = \"$before\" ] && echo \"left with $code, the terminal as it was\""
        );
        // What never comes is a failure, not a wait without end.
        let mut command = Command::new("timeout");
        command.args(["60", "script", "--quiet", "--return", "--command", &line, "/dev/null"]);
        command.env("SHELL", "/bin/sh").env("TERM", "xterm").env("TZ", "UTC").env_remove("NO_COLOR");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen, seen: String::new() }
    }

    /// Reads until there is a text.
    fn wait_for(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.seen.contains(text) {
            let count = self.screen.read(&mut bytes).unwrap();
            assert!(count > 0, "no {text:?} in\n{}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// What came after the terminal was given back.
    fn rest(mut self) -> String {
        self.wait_for("the terminal as it was");
        assert!(self.child.wait().unwrap().success());
        let (_, rest) = self.seen.rsplit_once("\u{1b}[?1049l").unwrap();
        rest.to_owned()
    }
}

#[test]
fn what_is_blocked_comes_up_and_q_gives_the_terminal_back() {
    let mut fixture = Fixture::usual();
    let mut terminal = Terminal::open(&fixture, "");
    // There is no daemon here, and still there are sessions.
    terminal.wait_for("The daemon does not answer");
    terminal.wait_for("Processes of s2, alice");
    terminal.wait_for("/usr/bin/wget");
    let session = Some("s2");
    fixture.append(vec![entry(
        50,
        session,
        execution("blocked", "kill", 103, 101, &["just-now", "\u{1b}[2J"]),
    )]);
    terminal.wait_for("just-now");
    assert!(!terminal.seen.contains("'\u{1b}[2J'"), "{:?}", terminal.seen);
    terminal.press(b"q");
    holds(&terminal.rest(), "left with 0, the terminal as it was");
}

#[test]
fn control_c_and_signals_give_it_back_as_well() {
    let fixture = Fixture::usual();
    let mut terminal = Terminal::open(&fixture, "NO_COLOR=1");
    // Blanks without a colour need not be written.
    terminal.wait_for("quit");
    terminal.press(b"\x03");
    holds(&terminal.rest(), "left with 0,");
    let mut terminal = Terminal::open(&fixture, "timeout --foreground --preserve-status --signal TERM 3");
    terminal.wait_for("q quit");
    holds(&terminal.rest(), "left with 143,");
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let ran = Fixture::usual().run(&["top"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert_eq!(
        ran.err,
        "sac-loader: top needs a terminal; elsewhere use `sac-loader list-sessions` or `sac-loader events --follow`\n"
    );
}
