// SPDX-License-Identifier: MIT OR Apache-2.0
//! Chromium without a window. Tests speak to it as its developers' tools do, in JSON over two pipes, so that a page is looked at as
//! it is: nothing is added to the file.

use super::{Value, json};
use std::{
    env, fs,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// The browser takes its commands from descriptor 3 and answers on 4. No shell stays: it becomes the browser.
const PIPES: &str = r#"exec 3<&0 4>&1; exec chromium "$@" </dev/null >/dev/null"#;
/// Nothing of its own goes to the network, and it does not ask for what a container does not have.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--remote-debugging-pipe",
];
/// A machine that is busy with other tests takes its time.
const DEADLINE: Duration = Duration::from_secs(90);

/// A browser with one page.
pub(super) struct Browser {
    child: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<Value>,
    page: String,
    number: u64,
    /// What the page did that nobody asked for.
    events: Vec<Value>,
    profile: TempDir,
}

impl Browser {
    /// Starts it.
    pub(super) fn start() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let is_there = env::split_paths(&path).any(|directory| directory.join("chromium").is_file());
        assert!(
            is_there,
            "chromium is not installed, and reports are looked at in it; `cargo xtask setup` installs it"
        );
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", PIPES, "sh"])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().join("data").display()))
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(profile.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        // A thread of its own, so that waiting for an answer can have an end.
        thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let commands = child.stdin.take();
        let mut browser =
            Self { child, commands, answers, page: String::new(), number: 0, events: Vec::new(), profile };
        let page = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach);
        browser.page = session["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Network", "Log", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Opens a file in a window that is so wide.
    pub(super) fn open(&mut self, path: &Path, width: u32) {
        self.events.clear();
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        self.call("Page.navigate", json!({"url": format!("file://{}", path.display())}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.heard();
            self.events.push(event);
        }
    }

    /// Shows the page as on paper, or to somebody who likes it dark.
    pub(super) fn show_as(&mut self, media: &str, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
    }

    /// What an expression comes to. The policy of the page does not hold for it.
    pub(super) fn evaluate(&mut self, expression: &str) -> Value {
        let mut result =
            self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    /// What the page asked for, itself included.
    pub(super) fn requests(&self) -> Vec<&str> {
        self.events_of("Network.requestWillBeSent")
            .filter_map(|event| event["request"]["url"].as_str())
            .collect()
    }

    /// What went wrong in it, and what it said although no report has anything to say.
    pub(super) fn errors(&self) -> Vec<String> {
        let of = |method| self.events_of(method).map(Value::to_string);
        let dialogs = of("Page.javascriptDialogOpening");
        of("Log.entryAdded")
            .chain(of("Runtime.exceptionThrown"))
            .chain(of("Runtime.consoleAPICalled"))
            .chain(dialogs)
            .collect()
    }

    fn events_of(&self, method: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["method"] == method).map(|event| &event["params"])
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.send(method, parameters);
        loop {
            let mut message = self.heard();
            if message["id"] == self.number {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn send(&mut self, method: &str, parameters: Value) {
        self.number += 1;
        let mut command = json!({"id": self.number, "method": method, "params": parameters});
        if !self.page.is_empty() {
            command["sessionId"] = json!(self.page);
        }
        let sent = self.commands.as_mut().unwrap().write_all(format!("{command}\0").as_bytes());
        sent.unwrap_or_else(|error| panic!("{method}: {error}; chromium said: {}", self.log()));
    }

    fn heard(&self) -> Value {
        let heard = self.answers.recv_timeout(DEADLINE);
        heard.unwrap_or_else(|error| panic!("chromium: {error}; it said: {}", self.log()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.profile.path().join("log")).unwrap_or_default()
    }
}

/// It ends when nobody gives it commands any more, and its profile goes after that.
impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.commands.take());
        let has_ended = (0..100).any(|_tenth| {
            let has_ended = self.child.try_wait().is_ok_and(|status| status.is_some());
            if !has_ended {
                thread::sleep(Duration::from_millis(100));
            }
            has_ended
        });
        if !has_ended {
            // It is a test's own, and whatever is wrong with it, the next test starts another one.
            let _ended_meanwhile = self.child.kill();
            let _nobody_else_waits = self.child.wait();
        }
    }
}
