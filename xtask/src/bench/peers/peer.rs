// SPDX-License-Identifier: MIT OR Apache-2.0
//! How each of the others is put on for a person, is seen to work, and is taken away.

use super::{PLACE, WHO};
use crate::bench::record::{AUDIT_LOG, start_auditd};

/// One of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// A program of our own that allows every open and every execution that fanotify asks it about.
    Fanotify,
    /// A profile for a shell and whatever it starts, which denies a directory of 10,000 programs.
    AppArmor,
    /// A shell by sudo, which logs whatever the shell starts.
    SudoLog,
    /// A shell by sudo, which decides about whatever the shell starts.
    SudoIntercept,
    /// A library that is loaded into every program, and logs what it executes.
    Snoopy,
    /// Debian's rules, decided and not enforced.
    Fapolicyd,
    /// A rule for each execution of a person. The last one: once audit was on, the kernel keeps more for each process.
    Auditd,
}

/// Rules that sudo and fapolicyd are set up with.
const SUDOERS: &str = "/etc/sudoers.d/bench";
const SUDO_LOG: &str = "/var/log/bench-sudo.log";
const FAPOLICYD_RULES: &str = "10-languages 20-dracut 21-updaters 30-patterns 40-bad-elf 41-shared-obj 42-trusted-elf \
     70-trusted-lang 72-shell 90-deny-execute 95-allow-open";

/// Where something is written for each execution, at least so many lines have to be there.
const LINES: u32 = 1_000;

impl Peer {
    /// All, in the order in which they are measured.
    pub(super) const ALL: [Self; 7] = [
        Self::Fanotify,
        Self::AppArmor,
        Self::SudoLog,
        Self::SudoIntercept,
        Self::Snoopy,
        Self::Fapolicyd,
        Self::Auditd,
    ];

    /// What the table says.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Fanotify => "fanotify, a listener that allows everything",
            Self::AppArmor => "AppArmor, a profile on the shell",
            Self::SudoLog => "sudo, log_subcmds",
            Self::SudoIntercept => "sudo, intercept",
            Self::Snoopy => "snoopy, to the journal",
            Self::Fapolicyd => "fapolicyd, permissive",
            Self::Auditd => "auditd, a rule for execve",
        }
    }

    /// An argument of what is executed, to be found again where it is logged.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Fanotify => "by-fanotify",
            Self::AppArmor => "by-apparmor",
            Self::SudoLog => "by-sudo-log",
            Self::SudoIntercept => "by-sudo-intercept",
            Self::Snoopy => "by-snoopy",
            Self::Fapolicyd => "by-fapolicyd",
            Self::Auditd => "by-auditd",
        }
    }

    /// The unit of what writes down what went on, and keeps nobody waiting meanwhile.
    pub(super) const fn daemon(self) -> Option<&'static str> {
        match self {
            Self::Auditd => Some("bench-auditd"),
            _ => None,
        }
    }

    /// Root's command that puts it on.
    pub(super) fn start(self) -> String {
        match self {
            Self::Fanotify => format!(
                "systemd-run --quiet --unit=bench-fanotify -p StandardOutput=file:{PLACE}/answered {PLACE}/allow_all / && \
                 sleep 2 && systemctl is-active bench-fanotify"
            ),
            Self::AppArmor => format!(
                "printf '%s\\n' 'profile bench-shell flags=(attach_disconnected) {{' '  capability,' '  network,' '  signal,' \
                 '  ptrace,' '  unix,' '  /** rwlkmix,' '  deny {PLACE}/denied/** rwx,' '}}' \
                 >{PLACE}/bench-shell && apparmor_parser --replace --skip-cache {PLACE}/bench-shell"
            ),
            Self::SudoLog => sudo("Defaults log_subcmds"),
            Self::SudoIntercept => sudo("Defaults intercept"),
            // The library is named by whoever is measured, so that nothing else in the guest has it.
            Self::Snoopy => "test -e /usr/lib/x86_64-linux-gnu/libsnoopy.so".to_owned(),
            // Debian's default has the digest of each file of each package taken first, which takes long here. What is trusted is what is measured.
            Self::Fapolicyd => format!(
                "sed -i 's/^trust = .*/trust = file/' /etc/fapolicyd/fapolicyd.conf && \
                 for file in /usr/bin/dash {PLACE}/program {PLACE}/executes {PLACE}/xtask; do \
                     fapolicyd-cli --file add $file || exit 1; done && \
                 install -d -o fapolicyd -g fapolicyd /run/fapolicyd && install -d /etc/fapolicyd/rules.d && \
                 for rule in {FAPOLICYD_RULES}; do \
                     test ! -e /usr/share/fapolicyd/sample-rules/$rule.rules || \
                     cp /usr/share/fapolicyd/sample-rules/$rule.rules /etc/fapolicyd/rules.d/; done && \
                 fagenrules && systemd-run --quiet --unit=bench-fapolicyd -p Type=forking -p PIDFile=/run/fapolicyd.pid \
                     -p TimeoutStartSec=infinity fapolicyd --permissive && \
                 for second in $(seq 600); do {IS_LISTENING} && break; sleep 1; done && {IS_LISTENING}"
            ),
            Self::Auditd => start_auditd(),
        }
    }

    /// The person's command, with it.
    pub(super) fn around(self, shell: &str) -> String {
        match self {
            Self::Fanotify | Self::Fapolicyd | Self::Auditd => shell.to_owned(),
            // A profile that is not there would be seen here.
            Self::AppArmor => {
                let confined = "grep -q bench-shell /proc/self/attr/current && ";
                format!(
                    "aa-exec -p bench-shell -- {}",
                    shell.replacen("sh -c '", &format!("sh -c '{confined}"), 1)
                )
            }
            Self::SudoLog | Self::SudoIntercept => format!("sudo -n -u {WHO} {shell}"),
            Self::Snoopy => format!("LD_PRELOAD=libsnoopy.so {shell}"),
        }
    }

    /// Root's command that fails where it had nothing to do with what was measured. Whoever writes may be behind.
    pub(super) fn proof(self) -> String {
        let word = self.word();
        let lines = |list: &str| format!("sleep 10; test $({list} | grep -c {word}) -ge {LINES}");
        match self {
            Self::Fanotify => format!(
                "systemctl stop bench-fanotify && test $(sed -n 's/^answered //p' {PLACE}/answered) -ge {LINES}"
            ),
            Self::AppArmor => {
                "grep -q '^bench-shell (enforce)$' /sys/kernel/security/apparmor/profiles".to_owned()
            }
            Self::SudoLog | Self::SudoIntercept => lines(&format!("cat {SUDO_LOG}")),
            Self::Snoopy => lines("journalctl --no-pager -q -t snoopy"),
            Self::Fapolicyd => IS_LISTENING.to_owned(),
            Self::Auditd => lines(&format!("cat {AUDIT_LOG}")),
        }
    }

    /// Root's command that takes it away.
    pub(super) fn stop(self) -> String {
        match self {
            // That it ended is a part of the proof.
            Self::Fanotify => "systemctl stop bench-fanotify 2>/dev/null; true".to_owned(),
            Self::AppArmor => format!("apparmor_parser --remove {PLACE}/bench-shell"),
            Self::SudoLog | Self::SudoIntercept => format!("rm {SUDOERS}"),
            Self::Snoopy => "true".to_owned(),
            Self::Fapolicyd => "systemctl stop bench-fapolicyd".to_owned(),
            Self::Auditd => "auditctl -D && auditctl -e 0 && systemctl stop bench-auditd".to_owned(),
        }
    }
}

/// Whether fapolicyd has told the kernel what it wants to decide about, which it does when its database of trust is there.
const IS_LISTENING: &str = "grep -qsE '^fanotify (ino|mnt_id|sdev):' /proc/$(pgrep -ox fapolicyd)/fdinfo/*";

/// Lets the person run anything as themself, watched with ptrace, which sees what a program does by whatever call.
fn sudo(defaults: &str) -> String {
    format!(
        "printf '%s\\n' 'Defaults logfile={SUDO_LOG}' 'Defaults !syslog' 'Defaults !use_pty' 'Defaults intercept_type=trace' '{defaults}' \
         '{WHO} ALL=({WHO}) NOPASSWD: ALL' >{PLACE}/sudoers && visudo -cf {PLACE}/sudoers && \
         install -m 440 {PLACE}/sudoers {SUDOERS}"
    )
}
