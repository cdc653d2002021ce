// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest's serial console: somebody at the machine itself, who needs no network and no sshd.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A connection to the serial console. Only one can be open at a time: QEMU keeps the next one waiting.
#[derive(Debug)]
pub struct Console {
    stream: UnixStream,
    /// What came since the last match.
    seen: Vec<u8>,
}

impl Console {
    pub(super) fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("connecting to the guest's console at {}", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(Self { stream, seen: Vec::new() })
    }

    /// Types `text`; a line ends with `\n`.
    ///
    /// # Errors
    /// When the guest is gone.
    pub fn send(&mut self, text: &str) -> Result<()> {
        self.stream.write_all(text.as_bytes()).context("typing at the guest's console")
    }

    /// Reads until `wanted` appears and returns everything up to and with it.
    ///
    /// # Errors
    /// When it does not appear before the deadline; the message holds what came instead.
    pub fn expect(&mut self, wanted: &str, deadline: Duration) -> Result<String> {
        let start = Instant::now();
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = find(&self.seen, wanted.as_bytes()) {
                let matched: Vec<u8> = self.seen.drain(..at + wanted.len()).collect();
                return Ok(String::from_utf8_lossy(&matched).into_owned());
            }
            if start.elapsed() > deadline {
                bail!(
                    "the console did not show {wanted:?}; it showed {:?}",
                    String::from_utf8_lossy(&self.seen)
                )
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the guest closed its console before it showed {wanted:?}"),
                Ok(count) => self.seen.extend(buffer.iter().take(count)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error).context("reading the guest's console"),
            }
        }
    }

    /// Logs in with a password at a fresh `login:` prompt and waits for the shell's `$` or `#`.
    ///
    /// # Errors
    /// When a prompt does not come within 60 s each.
    pub fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        let patience = Duration::from_secs(60);
        // Whoever was there before may have left half a line: an empty line brings a fresh prompt.
        self.send("\n")?;
        self.expect("login: ", patience)?;
        self.send(&format!("{user}\n"))?;
        self.expect("Password: ", patience)?;
        self.send(&format!("{password}\n"))?;
        let prompt = if user == "root" { "# " } else { "$ " };
        self.expect(prompt, patience).map(drop)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
