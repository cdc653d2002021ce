// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's command line, its life and its death.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Lifetime, Processors, wait_until};
use crate::image::BootFiles;

#[cfg(test)]
mod tests;

/// Where one guest's files are. Sockets have a short path of their own: a socket's path holds 107 bytes, see unix(7).
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Logs.
    pub(super) logs: PathBuf,
    /// Sockets.
    pub(super) sockets: PathBuf,
}

impl Places {
    pub(super) fn console_log(&self) -> PathBuf {
        self.logs.join("console.log")
    }

    pub(super) fn console_socket(&self) -> PathBuf {
        self.sockets.join("console")
    }

    fn qmp_socket(&self) -> PathBuf {
        self.sockets.join("qmp")
    }

    pub(super) fn qemu_log(&self) -> PathBuf {
        self.logs.join("qemu.log")
    }
}

/// The kernel's command line. `random.trust_cpu`: without it sshd waits for randomness. `net.ifnames=0`: no renaming by udev.
/// `systemd.ssh_auto=no`: Debian 13 would look for a socket of the hypervisor's. `tsc=reliable clocksource=tsc`: the kernel does not trust an
/// emulated processor's counter, and the clock that it takes instead goes round after 4.7 s (`acpi_pm`), which a guest on a busy machine
/// can miss; its time then jumps. The rest is as Debian boots.
const KERNEL_ARGUMENTS: &str = "root=/dev/vda rootfstype=ext4 rw console=ttyS0 quiet fsck.mode=skip net.ifnames=0 \
     systemd.show_status=0 systemd.ssh_auto=no random.trust_cpu=on";

/// Where instructions are counted costs are kept that were measured with the kernel's own choice.
const CLOCK: &str = " tsc=reliable clocksource=tsc";

/// How long QEMU may take to be there; when it refuses its arguments or the port is taken, it ends before that.
const START_DEADLINE: Duration = Duration::from_secs(3);

/// All arguments of QEMU for one guest.
pub(super) fn arguments(
    boot: &BootFiles,
    places: &Places,
    ssh_port: u16,
    processors: Processors,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |option: &str, value: OsString| {
        arguments.push(format!("-{option}").into());
        arguments.push(value);
    };
    let with_path = |before: &str, path: &Path, after: &str| {
        let mut text = OsString::from(before);
        text.push(path);
        text.push(after);
        text
    };
    match processors {
        Processors::Two => {
            add("accel", "tcg,thread=multi,tb-size=512".into());
            add("smp", "2".into());
        }
        Processors::One => {
            add("accel", "tcg,thread=multi,tb-size=512".into());
            add("smp", "1".into());
        }
        Processors::OneCounted => {
            add("accel", "tcg,thread=single,tb-size=512".into());
            add("icount", "shift=0,sleep=off".into());
            add("smp", "1".into());
        }
    }
    add("machine", "q35,usb=off,vmport=off,hpet=off".into());
    add("cpu", "max".into());
    add("m", "2048".into());
    add("display", "none".into());
    add("kernel", boot.vmlinuz.clone().into());
    add("initrd", boot.initrd.clone().into());
    let clock = if processors == Processors::OneCounted { "" } else { CLOCK };
    add("append", format!("{KERNEL_ARGUMENTS}{clock}").into());
    add("drive", with_path("file=", &boot.disk, ",if=none,id=disk,format=raw,snapshot=on,cache=unsafe"));
    add("device", "virtio-blk-pci,drive=disk".into());
    add("netdev", format!("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22").into());
    add("device", "virtio-net-pci,netdev=net,romfile=".into());
    add("device", "virtio-rng-pci".into());
    let console =
        with_path("socket,id=console,server=on,wait=off,path=", &places.console_socket(), ",logfile=");
    add("chardev", [console, places.console_log().into()].into_iter().collect());
    add("serial", "chardev:console".into());
    add("qmp", with_path("unix:", &places.qmp_socket(), ",server=on,wait=off"));
    arguments.push("-nodefaults".into());
    arguments.push("-no-user-config".into());
    arguments
}

/// Starts QEMU and returns its process id.
pub(super) fn start(arguments: &[OsString], places: &Places, lifetime: Lifetime) -> Result<u32> {
    let log = File::create(places.qemu_log()).context("creating QEMU's log")?;
    let mut command = match lifetime {
        // setpriv sets PR_SET_PDEATHSIG and becomes QEMU: a killed test run leaves no guest behind.
        Lifetime::OfThisProcess => {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
            command
        }
        Lifetime::UntilPowerOff => Command::new("qemu-system-x86_64"),
    };
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // Out of the terminal's process group: Ctrl-C at a test run is for the test run, which ends its guests itself.
    command.process_group(0);
    let (sender, receiver) = mpsc::channel();
    // The kernel sends the death signal when the *thread* that forked ends, so this one lives as long as QEMU.
    thread::spawn(move || match command.spawn() {
        Ok(mut child) => {
            sender.send(Ok(child.id())).ok();
            child.wait().ok();
        }
        Err(error) => drop(sender.send(Err(error))),
    });
    let started = receiver.recv().context("the thread that starts QEMU ended")?;
    let pid = started.context("starting qemu-system-x86_64; `cargo xtask setup` installs it")?;
    // Right after exec the kernel shows no command line yet, and setpriv shows its own.
    wait_until("the start of QEMU", START_DEADLINE, || Ok(is_running(pid, places).then_some(())))
        .with_context(|| fs::read_to_string(places.qemu_log()).unwrap_or_default())?;
    Ok(pid)
}

/// Whether process `pid` is this guest's QEMU (a process id may have been given away since).
pub(super) fn is_running(pid: u32, places: &Places) -> bool {
    let Ok(command_line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let socket = places.qmp_socket();
    let socket = socket.as_os_str().as_encoded_bytes();
    command_line.windows(socket.len()).any(|window| window == socket)
}

/// Tells QEMU to end at once, as if the plug were pulled. Nothing is lost with the disk's overlay.
pub(super) fn quit(places: &Places) -> Result<()> {
    let path = places.qmp_socket();
    let stream = UnixStream::connect(&path).with_context(|| format!("connecting to {}", path.display()))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line).context("reading QEMU's greeting")?;
    (&stream)
        .write_all(b"{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n")
        .context("telling QEMU to quit")?;
    // Replies until the end of the stream: QEMU has then closed its sockets.
    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {}
    Ok(())
}
