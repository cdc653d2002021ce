// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest with the package installed, in a known state before each test.

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use xtask::{
    guest::{Guest, Kernel, Output, Processors, Ssh, wait_until},
    mutate::{GUESTS, PREPARING, RESETTING},
};

/// The exit status that a shell gives for a child that was killed.
pub(crate) const KILLED: i32 = 137;

/// The policies that every test starts with: df is killed for developers, denied to everyone, and allowed for the dba,
/// who may not use wget.
const POLICIES: [(&str, &str); 3] = [
    (
        "developers",
        "policy: developers\napplies_to:\n  groups: [developers]\nprograms:\n  deny:\n    - /usr/bin/df\n    - path: /usr/bin/lsblk\n      action: deny\n    - path: /usr/bin/nproc\n      action: audit\n",
    ),
    ("dba", "policy: dba\napplies_to:\n  groups: [dba]\nprograms:\n  deny:\n    - /usr/bin/wget\n"),
    (
        "default",
        "policy: default\napplies_to: everyone\naction: deny\nprograms:\n  deny:\n    - /usr/bin/df\n",
    ),
];

/// How long the installation may take in an emulated guest, the verifier's first look at the kernel half included.
const INSTALLATION: Duration = Duration::from_secs(240);

/// What installs the package that lies in the guest.
const INSTALL: &str = "dpkg -i /root/sac.deb && pam-auth-update --enable sac && mkdir -p /root/policies &&
cp /etc/sac/audit.yaml /root/audit.yaml && cp /root/sac.deb /root/installed.deb";

/// The same in a guest where another package is installed already, which `cargo xtask mutate-hooks` has: nothing of that one stays in the
/// kernel, and only the programs differ.
const REINSTALL: &str = "cmp -s /root/sac.deb /root/installed.deb || {
    systemctl stop sac-loader && sac-loader cleanup && cp /root/sac.deb /root/installed.deb &&
    dpkg-deb --fsys-tarfile /root/sac.deb | tar -C / -x ./usr/sbin/sac-loader ./usr/lib/x86_64-linux-gnu/security/pam_sac.so &&
    { systemctl start sac-loader || true; }
}";

/// Puts a guest into the state that every test starts from. Sessions are killed here, because logind does not end one that it takes
/// for closing already. Whoever left nothing but an idle user manager is left alone after that: the start of another one takes longer
/// than many a test.
const RESET: &str = "set -e; users='alice bob carol dave'
for cgroup in $(find /sys/fs/cgroup -type d -name 'sac-*' ! -name sac-anchor ! -name 'sac-loader*'); do
    { echo 1 > $cgroup/cgroup.kill; } 2>/dev/null || true
done
if pgrep -l -u ${users// /,} | grep -qvE ' (systemd|\\(sd-pam\\)|dbus-daemon|ssh-agent)$'; then
    for user in $users; do loginctl terminate-user $user 2>/dev/null || true; done
fi
rm -rf /home/*/e2e; for user in $users; do install -d -o $user -g $user /home/$user/e2e; done
sed -i 's/^session.*pam_sac\\.so.*/session\\trequired\\tpam_sac.so /' /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive
rm -rf /etc/sac/policies/*; cp /root/policies/*.yaml /etc/sac/policies/
pkill -CONT -x sac-loader || true
sac-loader policy rollback >/dev/null 2>&1 || true
cmp -s /root/audit.yaml /etc/sac/audit.yaml || { cp /root/audit.yaml /etc/sac/audit.yaml; systemctl restart sac-loader; }
sac-loader reload >/dev/null 2>&1 || {
    systemctl reset-failed sac-loader; systemctl start sac-loader
    sac-loader policy rollback >/dev/null 2>&1 || true; sac-loader reload >/dev/null
}
sac-loader grants | awk '$1 ~ /^[0-9]+$/ { print $1 }' | xargs -rn1 sac-loader revoke >/dev/null";

/// A kernel's guest, booted when it is first needed.
pub(crate) struct Machine {
    kernel: Kernel,
    fixture: Mutex<Option<Fixture>>,
}

impl Machine {
    pub(crate) const fn new(kernel: Kernel) -> Self {
        Self { kernel, fixture: Mutex::new(None) }
    }

    pub(crate) const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Runs a test. One that fails is tried once more from a fresh state, because an emulated machine on a busy host may miss
    /// a deadline; the first failure is shown all the same, so that nobody overlooks a test that often needs it. With
    /// `SAC_E2E_ATTEMPTS=1` it is not, for whoever expects it to fail.
    pub(crate) fn run(&self, test: fn(&Fixture) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.attempt(test).or_else(|first| {
            if env::var("SAC_E2E_ATTEMPTS").is_ok_and(|attempts| attempts == "1") {
                return Err(first);
            }
            writeln!(io::stderr(), "on {}, tried again after: {first:#}", self.kernel)?;
            self.attempt(test)
        })
    }

    /// Runs a test once. A failure comes with what the guest logged meanwhile.
    fn attempt(&self, test: fn(&Fixture) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut fixture = self.fixture.lock().unwrap_or_else(PoisonError::into_inner);
        let fixture = match &mut *fixture {
            Some(fixture) => fixture,
            none => none.insert(Fixture::boot(self.kernel).context(PREPARING)?),
        };
        let begin = fixture.root("date +%s")?;
        let result = fixture.reset().context(RESETTING).and_then(|()| test(fixture));
        result.map_err(|error| fixture.with_log(&error, begin.trim()))
    }
}

/// A guest that SAC is installed and enabled in.
pub(crate) struct Fixture {
    guest: Guest,
    /// Holds the socket of the connection that [`Fixture::root`] shares: a login of its own for each of its calls would be
    /// most of the tests' time.
    connection: TempDir,
}

impl Fixture {
    fn boot(kernel: Kernel) -> anyhow::Result<Self> {
        let connection =
            TempDir::with_prefix("sac-e2e-").context("making a directory for a socket of ssh")?;
        let fixture = Self { guest: boot(kernel)?, connection };
        fixture.guest.put(&package()?, "/root/sac.deb")?;
        let is_used = fixture.root_ssh().run("test -d /root/policies")?.status == 0;
        let install = if is_used { REINSTALL } else { INSTALL };
        fixture
            .root_ssh()
            .deadline(INSTALLATION)
            .run(install)?
            .success()
            .context("installing the package")?;
        for (name, policy) in POLICIES {
            let put = format!("cat > /root/policies/{name}.yaml");
            fixture.root_ssh().stdin(policy).run(&put)?.success()?;
        }
        Ok(fixture)
    }

    fn reset(&self) -> anyhow::Result<()> {
        self.root(RESET).map(drop)
    }

    fn with_log(&self, error: &anyhow::Error, begin: &str) -> anyhow::Error {
        let names = "-t sac-loader -t sshd -t sshd-session -t sudo -t su -t systemd";
        let log = format!(
            "journalctl --no-pager -o short-precise --since @{begin} {names} | tail -60; dmesg | tail -5"
        );
        let log = self.root(&log).unwrap_or_else(|error| format!("(no log: {error:#})"));
        anyhow!("{error:#}\n--- log of the guest ---\n{log}")
    }

    /// The guest itself, for what is not here.
    pub(crate) fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Runs a command line as root, who is under no policy, and wants it to succeed. All such calls share one login;
    /// [`Fixture::run`] makes one of its own, also for root.
    pub(crate) fn root(&self, command: &str) -> anyhow::Result<String> {
        self.root_ssh().run(command)?.success().with_context(|| format!("as root: {command}"))
    }

    /// An ssh call as root over the shared connection.
    pub(crate) fn root_ssh(&self) -> Ssh {
        // Where the guest or its sshd goes, the connection must be given up before a call's own deadline.
        let alive = ["-oServerAliveInterval=5", "-oServerAliveCountMax=4", "-oControlPersist=yes"];
        let ssh = self.guest.ssh("root").arg("-oControlMaster=auto").arg(self.control_path());
        alive.iter().fold(ssh, Ssh::arg)
    }

    fn control_path(&self) -> String {
        format!("-oControlPath={}", self.connection.path().join("root").display())
    }

    /// Reboots the guest and waits until everybody can log in.
    pub(crate) fn reboot(&self) -> anyhow::Result<()> {
        self.close()?;
        self.guest.reboot()
    }

    /// Ends the shared connection. Without one there is nothing to end.
    fn close(&self) -> anyhow::Result<Output> {
        self.guest.ssh("root").arg(self.control_path()).arg("-Oexit").run("")
    }

    /// An ssh call as `user`.
    pub(crate) fn ssh(&self, user: &str) -> Ssh {
        self.guest.ssh(user)
    }

    /// Runs a command line as `user`, in a session of its own without a terminal.
    pub(crate) fn run(&self, user: &str, command: &str) -> anyhow::Result<Output> {
        self.guest.ssh(user).run(command)
    }

    /// Runs command lines as `user` in one session without a terminal, each in a subshell, and wants these statuses of them.
    pub(crate) fn statuses(&self, user: &str, wanted: &[(&str, i32)]) -> anyhow::Result<()> {
        let script: String = wanted
            .iter()
            .map(|(command, _)| format!("( {command} ) 2>/dev/null; echo status=$?\n"))
            .collect();
        let output = self.run(user, &script)?;
        let got: Vec<_> = output.stdout.lines().filter_map(|line| line.strip_prefix("status=")).collect();
        if got.len() != wanted.len() {
            bail!("{user}: wanted {} statuses, got {output:?}", wanted.len());
        }
        for ((command, wanted), got) in wanted.iter().zip(got) {
            equal(got, wanted.to_string().as_str(), &format!("{user}: status of `{command}`"))?;
        }
        Ok(())
    }

    /// Runs a command line as `user` on a terminal; what the terminal shows is in `stdout`.
    pub(crate) fn on_terminal(&self, user: &str, command: &str) -> anyhow::Result<Output> {
        self.guest.ssh(user).tty().run(command)
    }

    /// Starts a session that stays until the returned value goes.
    pub(crate) fn stay(&self, user: &str) -> anyhow::Result<Stay> {
        self.stay_running(user, "echo in; exec sleep 600")
    }

    /// Starts a session that runs `command` until the returned value goes. What it writes is nobody's.
    pub(crate) fn stay_running(&self, user: &str, command: &str) -> anyhow::Result<Stay> {
        let mut ssh = self.guest.ssh(user).command(command);
        let child = ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let stay = Stay(child);
        wait_until(&format!("{user} being in"), Duration::from_secs(30), || {
            Ok(self
                .sessions()?
                .iter()
                .any(|session| session["user"] == user && session["executed"].as_u64() > Some(0))
                .then_some(()))
        })?;
        Ok(stay)
    }

    /// Replaces all policies, and wants them to load.
    pub(crate) fn policies(&self, policies: &[(&str, &str)]) -> anyhow::Result<()> {
        self.root("rm -f /etc/sac/policies/*")?;
        for (name, policy) in policies {
            let put = format!("cat > /etc/sac/policies/{name}.yaml");
            self.root_ssh().stdin(*policy).run(&put)?.success()?;
        }
        self.root("sac-loader reload").map(drop)
    }

    /// What `list-sessions --json` says.
    pub(crate) fn sessions(&self) -> anyhow::Result<Vec<Value>> {
        let text = self.root("sac-loader list-sessions --json")?;
        let list: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
        list.as_array().cloned().context("not a list")
    }

    /// The only session of `user`, waited for.
    pub(crate) fn session_of(&self, user: &str) -> anyhow::Result<Value> {
        let wanted = format!("one session of {user}");
        wait_until(&wanted, Duration::from_secs(30), || {
            let mine: Vec<_> =
                self.sessions()?.into_iter().filter(|session| session["user"] == user).collect();
            Ok((mine.len() == 1).then(|| mine[0].clone()))
        })
    }

    /// Waits until nothing of any session is left: not in the list, bpffs, cgroupfs or the daemon's records.
    pub(crate) fn nothing_stays(&self) -> anyhow::Result<()> {
        const LEFT: &str = "sac-loader list-sessions --json | grep '\"id\"'; ls /run/sac/sessions; \
            find /sys/fs/cgroup -type d -name 'sac-*' ! -name sac-anchor ! -name 'sac-loader*'";
        let mut left = String::new();
        let nothing = wait_until("the end of all that is of sessions", Duration::from_secs(30), || {
            left = self.root_ssh().run(LEFT)?.stdout;
            Ok(left.trim().is_empty().then_some(()))
        });
        nothing.with_context(|| format!("something of a session stays:\n{left}"))
    }
}

/// A guest that goes on would keep the connection, and root's login there.
impl Drop for Fixture {
    fn drop(&mut self) {
        let _closed = self.close();
    }
}

/// A session that somebody stays in.
pub(crate) struct Stay(Child);

impl Drop for Stay {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Boots a guest on a thread that stays: QEMU ends with the thread that started it, and a test's thread may end while
/// others still need the guest.
///
/// With `SAC_E2E_GUESTS` it is the guest that is recorded in that directory, which somebody else has booted and will end.
fn boot(kernel: Kernel) -> anyhow::Result<Guest> {
    if let Some(directory) = env::var_os(GUESTS) {
        return Guest::recorded(kernel, &PathBuf::from(directory).join(kernel.to_string()))?
            .context("there is no such guest");
    }
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name(format!("guest {kernel}")).spawn(move || {
        // Whoever asked is waiting below.
        let _received = sender.send(Guest::boot_on(kernel, processors(kernel)));
        loop {
            thread::park();
        }
    })?;
    receiver.recv().context("the guest's thread ended")?
}

/// Races need a second processor, which costs a quarter more: the newest kernel has one.
fn processors(kernel: Kernel) -> Processors {
    if Kernel::all().last() == Some(&kernel) { Processors::Two } else { Processors::One }
}

/// The package that `SAC_E2E_PACKAGE` names, or the one that `cargo xtask dist` made last.
fn package() -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("SAC_E2E_PACKAGE") {
        return Ok(named.into());
    }
    let directory = xtask::workspace::target("dist");
    let entries = std::fs::read_dir(&directory)
        .with_context(|| format!("{}: run `cargo xtask dist`", directory.display()))?;
    let packages = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "deb"));
    let newest = packages.max_by_key(|path| path.metadata().and_then(|meta| meta.modified()).ok());
    newest.with_context(|| format!("no package in {}: run `cargo xtask dist`", directory.display()))
}

/// Wants `text` to hold `wanted`.
pub(crate) fn holds(text: &str, wanted: &str) -> anyhow::Result<()> {
    if text.contains(wanted) { Ok(()) } else { bail!("expected {wanted:?} in:\n{text}") }
}

/// Wants `text` not to hold `unwanted`.
pub(crate) fn lacks(text: &str, unwanted: &str) -> anyhow::Result<()> {
    if text.contains(unwanted) { bail!("did not expect {unwanted:?} in:\n{text}") } else { Ok(()) }
}

/// Wants two values to be equal.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T, what: &str) -> anyhow::Result<()> {
    if got == wanted { Ok(()) } else { bail!("{what}: got {got:?}, wanted {wanted:?}") }
}
