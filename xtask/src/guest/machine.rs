// SPDX-License-Identifier: MIT OR Apache-2.0
//! One running guest.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::qemu::{self, Places};
use super::ssh::{self, Ssh};
use super::{Console, Kernel, wait_until};
use crate::{image, workspace};

/// How long a guest may take from power-on to the first ssh login. On two idle processors it takes 20 to 30 s.
const BOOT_DEADLINE: Duration = Duration::from_secs(240);

/// When a guest ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// With the [`Guest`], and at the latest with the process that booted it.
    OfThisProcess,
    /// When [`Guest::poweroff`] is called or the guest powers itself off.
    UntilPowerOff,
}

/// What a guest computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processors {
    /// Two, as fast as this machine lets them be.
    Two,
    /// One, as fast as this machine lets it be. Two of an emulated machine's processors that wait for each other cost a busy machine a
    /// quarter more for the same work.
    One,
    /// One, with a clock that counts instructions: each is one nanosecond of the guest's time, however fast or busy this machine
    /// is, and time in which the guest waits is passed over. What is measured there repeats, see `-icount` of qemu(1).
    OneCounted,
}

/// A running guest.
#[derive(Debug)]
pub struct Guest {
    kernel: Kernel,
    port: u16,
    pid: u32,
    places: Places,
    lifetime: Lifetime,
    private_key: PathBuf,
}

impl Guest {
    /// Boots a guest that ends with this value, and waits until ssh answers. Makes the image first if the cache has none.
    ///
    /// # Errors
    /// When the image cannot be made, QEMU does not start, or the guest is not up in time; the message then holds the end of
    /// its console log.
    pub fn boot(kernel: Kernel) -> Result<Self> {
        Self::boot_on(kernel, Processors::Two)
    }

    /// As [`Guest::boot`], with what it computes with given.
    ///
    /// # Errors
    /// As [`Guest::boot`].
    pub fn boot_on(kernel: Kernel, processors: Processors) -> Result<Self> {
        let logs = workspace::target("guest").join(format!("{kernel}-{}", std::process::id()));
        Self::boot_in(kernel, &logs, Lifetime::OfThisProcess, processors)
    }

    /// As [`Guest::boot_on`], with the directory for its logs and the time of its end given.
    ///
    /// # Errors
    /// As [`Guest::boot`].
    pub fn boot_in(kernel: Kernel, logs: &Path, lifetime: Lifetime, processors: Processors) -> Result<Self> {
        let boot = image::ensure(kernel)?;
        fs::create_dir_all(logs).with_context(|| format!("creating {}", logs.display()))?;
        let sockets = tempfile::Builder::new()
            .prefix("sac-guest-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .context("creating a directory for the guest's sockets")?
            .keep();
        let places = Places { logs: logs.to_owned(), sockets };
        let private_key = image::ssh_key()?.private_file;
        let port = free_port()?;
        let pid = qemu::start(&qemu::arguments(&boot, &places, port, processors), &places, lifetime)?;
        let guest = Self { kernel, port, pid, places, lifetime, private_key };
        match guest.wait_ssh(BOOT_DEADLINE) {
            Ok(()) => Ok(guest),
            Err(error) => {
                // A guest that did not come up is nobody's: it must not stay, whatever its lifetime would have been.
                guest.poweroff()?;
                Err(error)
            }
        }
    }

    /// A guest that another process started, from what [`Guest::record`] wrote; `None` if it is no longer running.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn recorded(kernel: Kernel, logs: &Path) -> Result<Option<Self>> {
        let Ok(record) = fs::read_to_string(logs.join("guest")) else { return Ok(None) };
        let mut words = record.split_whitespace();
        let mut next =
            || words.next().with_context(|| format!("{}/guest is damaged; remove it", logs.display()));
        let (pid, port, sockets) = (next()?.parse()?, next()?.parse()?, PathBuf::from(next()?));
        let places = Places { logs: logs.to_owned(), sockets };
        if !qemu::is_running(pid, &places) {
            return Ok(None);
        }
        let private_key = image::ssh_key()?.private_file;
        Ok(Some(Self { kernel, port, pid, places, lifetime: Lifetime::UntilPowerOff, private_key }))
    }

    /// Writes down how to reach this guest, for [`Guest::recorded`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&self) -> Result<()> {
        let record = format!("{} {} {}\n", self.pid, self.port, self.places.sockets.display());
        fs::write(self.places.logs.join("guest"), record).context("writing the guest's record")
    }

    /// The guest's kernel.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The port on 127.0.0.1 that leads to the guest's sshd.
    pub fn ssh_port(&self) -> u16 {
        self.port
    }

    /// QEMU's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Starts building an ssh call as `user`.
    pub fn ssh(&self, user: &str) -> Ssh {
        let mut arguments = self.ssh_args();
        arguments.extend(["-p".into(), self.port.to_string().into()]);
        Ssh::new(arguments, user)
    }

    /// The arguments (key, options; not the port) for tests that start ssh, scp or sftp themselves. The port goes with `-p`
    /// for ssh, `-P` for scp and sftp.
    pub fn ssh_args(&self) -> Vec<OsString> {
        ssh::client_arguments(&self.private_key)
    }

    /// Copies a file of the host to `remote` on the guest, as root.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn put(&self, local: &Path, remote: &str) -> Result<()> {
        let mut command = Command::new("scp");
        command.args(self.ssh_args()).arg("-P").arg(self.port.to_string()).arg("-pr");
        command.arg(local).arg(format!("root@127.0.0.1:{remote}"));
        let what = format!("copying {} to the guest", local.display());
        ssh::run_within(&what, &mut command, &[], Duration::from_secs(120))?.success().context(what)?;
        Ok(())
    }

    /// Opens the serial console.
    ///
    /// # Errors
    /// When the guest is not running.
    pub fn console(&self) -> Result<Console> {
        Console::connect(&self.places.console_socket())
    }

    /// Everything that the serial console has shown since power-on.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn console_log(&self) -> Result<String> {
        let path = self.places.console_log();
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The file with the console's log.
    pub fn console_log_path(&self) -> PathBuf {
        self.places.console_log()
    }

    /// Waits until root and everybody else can log in (sshd answers and /run/nologin is gone).
    ///
    /// # Errors
    /// When that does not happen before the deadline or QEMU ends.
    pub fn wait_ssh(&self, deadline: Duration) -> Result<()> {
        let probe = self.ssh("root").arg("-oConnectTimeout=5").deadline(Duration::from_secs(30));
        let what = format!("the guest with kernel {} being up", self.kernel);
        wait_until(&what, deadline, || {
            if !self.is_running() {
                let log = fs::read_to_string(self.places.qemu_log()).unwrap_or_default();
                bail!("QEMU ended\n{log}")
            }
            // A call that runs into its own deadline is one more "not yet".
            let up = probe.run("test ! -e /run/nologin").is_ok_and(|output| output.status == 0);
            Ok(up.then_some(()))
        })
        .with_context(|| {
            let log = self.console_log().unwrap_or_default();
            format!("end of the console's log:\n{}", crate::process::tail(&log, 30))
        })
    }

    /// Reboots from inside and waits until ssh answers again. The disk keeps what was changed.
    ///
    /// # Errors
    /// When the guest does not come back in time.
    pub fn reboot(&self) -> Result<()> {
        const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";
        let before = self.ssh("root").run(BOOT_ID)?.success()?;
        // The connection breaks while the command runs, or not: both are right.
        self.ssh("root").run("systemctl reboot").ok();
        let probe = self.ssh("root").arg("-oConnectTimeout=5").deadline(Duration::from_secs(30));
        wait_until("the reboot", BOOT_DEADLINE, || {
            let rebooted = probe.run(BOOT_ID).is_ok_and(|now| now.status == 0 && now.stdout != before);
            Ok(rebooted.then_some(()))
        })?;
        self.wait_ssh(BOOT_DEADLINE)
    }

    /// Whether QEMU is still there.
    pub fn is_running(&self) -> bool {
        qemu::is_running(self.pid, &self.places)
    }

    /// Ends the guest at once. Its logs stay.
    ///
    /// # Errors
    /// When QEMU does not end.
    pub fn poweroff(&self) -> Result<()> {
        if self.is_running() {
            qemu::quit(&self.places)?;
            wait_until(
                "the end of QEMU",
                Duration::from_secs(10),
                || Ok((!self.is_running()).then_some(())),
            )?;
        }
        if self.places.sockets.exists() {
            fs::remove_dir_all(&self.places.sockets).context("removing the guest's sockets")?;
        }
        Ok(())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if self.lifetime == Lifetime::OfThisProcess
            && let Err(error) = self.poweroff()
        {
            crate::process::note(&format!("guest {}: {error:#}", self.kernel));
        }
    }
}

/// A port on the loopback address that nobody uses now. QEMU takes it a moment later; a collision makes QEMU end, loudly.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}
