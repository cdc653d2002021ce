// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in a guest: packages, people, files, units. Data only; `build` and `configure` act on it.

/// Packages beside Debian's essential ones. Each is here because a login path, a test or the boot needs it.
pub(super) const PACKAGES: &[&str] = &[
    // The system itself.
    "systemd",
    "systemd-sysv",
    "udev",
    "kmod",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "initramfs-tools",
    "zstd",
    "passwd",
    "login",
    "mount",
    "netbase",
    "iproute2",
    "procps",
    // The ways in: ssh (both ends, for forwarding tests), sudo, cron, at.
    "openssh-server",
    "openssh-client",
    "openssh-sftp-server",
    "sudo",
    "cron",
    "at",
    "pamtester",
    // Programs that policies and attacks in the tests are about.
    "wget",
    "less",
    "bsdutils",
    "bsdextrautils",
    "python3-minimal",
    "libpython3-stdlib",
    // What people work with all day, which policies must not hinder: building, versions, editing, terminals, packages.
    "gcc",
    "libc6-dev",
    "make",
    "git",
    "vim-tiny",
    "tmux",
    "apt",
    // A receiver of the record, and what the benchmark compares the record with. Tests start them by themselves.
    "rsyslog",
    "rsyslog-openssl",
    "openssl",
    "auditd",
    // What the benchmark compares everything else with, and what makes work for it. Nothing of it is on in a guest as it boots.
    "apparmor",
    "fapolicyd",
    "snoopy",
    "stress-ng",
];

/// Paths that dpkg leaves out: nobody reads manuals in a guest, and they are half of the files. stress-ng is linked with what would draw
/// pictures, which brings a compiler for graphics processors that is larger than all of the rest.
pub(super) const EXCLUDED_PATHS: &[&str] = &[
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/lib/llvm-*",
    "/usr/lib/x86_64-linux-gnu/libLLVM*",
    "/usr/lib/x86_64-linux-gnu/libgallium*",
    "/usr/lib/x86_64-linux-gnu/dri/*",
];

/// A person with an account. The password is the name; all have the same ssh key.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) groups: &'static [&'static str],
}

/// Groups that policies in the tests name.
pub(super) const GROUPS: &[&str] = &["developers", "dba"];

/// The people of the tests.
pub(super) const USERS: &[User] = &[
    User { name: "alice", groups: &["developers"] },
    User { name: "bob", groups: &["dba"] },
    User { name: "carol", groups: &[] },
    User { name: "dave", groups: &["developers"] },
];

/// A file written into the tree.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) path: &'static str,
    pub(super) mode: u32,
    pub(super) content: &'static str,
}

/// Configuration of a guest, the same for all releases.
pub(super) const FILES: &[Wanted] = &[
    Wanted { path: "etc/hostname", mode: 0o644, content: "sac-guest\n" },
    Wanted { path: "etc/hosts", mode: 0o644, content: "127.0.0.1 localhost sac-guest\n::1 localhost\n" },
    // With an id given, the first boot is like any other boot.
    Wanted { path: "etc/machine-id", mode: 0o444, content: "5ac05ac05ac05ac05ac05ac05ac05ac0\n" },
    Wanted {
        path: "etc/fstab",
        mode: 0o644,
        content: "# The kernel mounts the root file system read-write.\n",
    },
    Wanted {
        path: "etc/resolv.conf",
        mode: 0o644,
        content: "# A guest has no network beyond its host's ssh.\n",
    },
    Wanted { path: "etc/default/locale", mode: 0o644, content: "LANG=C.UTF-8\n" },
    Wanted {
        // The address that QEMU's user network would hand out by DHCP; fixed, because asking takes a second.
        path: "etc/systemd/network/10-virtio.network",
        mode: 0o644,
        content: "[Match]\nDriver=virtio_net\n\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n\
                  LinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    },
    Wanted {
        path: "etc/systemd/journald.conf.d/volatile.conf",
        mode: 0o644,
        content: "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n",
    },
    Wanted {
        // Emulated processors are slow: what is in time on a real machine is not in time here.
        path: "etc/systemd/system.conf.d/emulated.conf",
        mode: 0o644,
        content: "[Manager]\nDefaultTimeoutStartSec=180s\nDefaultTimeoutStopSec=30s\nDefaultDeviceTimeoutSec=180s\n",
    },
    Wanted {
        path: "etc/ssh/sshd_config.d/guest.conf",
        mode: 0o644,
        content: "UsePAM yes\nUseDNS no\nPermitRootLogin yes\nPasswordAuthentication yes\nMaxStartups 100\n\
                  MaxSessions 100\nLoginGraceTime 300\nPrintMotd no\nPrintLastLog no\n",
    },
    Wanted { path: "etc/sudoers.d/dave", mode: 0o440, content: "dave ALL=(ALL) NOPASSWD: ALL\n" },
    // Only what the virtual machine has; without the probing of all buses that `MODULES=most` brings.
    Wanted {
        path: "etc/initramfs-tools/conf.d/guest",
        mode: 0o644,
        content: "MODULES=list\nCOMPRESS=zstd\nRESUME=none\nFSTYPE=ext4\n",
    },
    Wanted {
        path: "etc/initramfs-tools/modules",
        mode: 0o644,
        content: "virtio_pci\nvirtio_blk\nvirtio_net\nvirtio_rng\ncrc32c_generic\ncrc32c_cryptoapi\next4\n",
    },
];

/// Units that only take time in a guest, or would work at random moments of a test.
pub(super) const MASKED_UNITS: &[&str] = &[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "man-db.timer",
    "getty@tty1.service",
    "apparmor.service",
    "auditd.service",
    "fapolicyd.service",
    "rsyslog.service",
    "systemd-firstboot.service",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
    "systemd-timesyncd.service",
    "systemd-tpm2-setup.service",
    "systemd-tpm2-setup-early.service",
    "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-hwdb-update.service",
    "systemd-update-done.service",
    "ldconfig.service",
    "ifupdown-pre.service",
    "dev-hugepages.mount",
    "keyboard-setup.service",
    "console-setup.service",
    "tpm-udev.service",
];

/// Module directories that no guest needs; without them depmod and the disk are a third.
pub(super) const DROPPED_MODULES: &[&str] = &[
    "sound",
    "drivers/accel",
    "drivers/ata",
    "drivers/bluetooth",
    "drivers/comedi",
    "drivers/gpu",
    "drivers/hid",
    "drivers/hwmon",
    "drivers/i2c",
    "drivers/iio",
    "drivers/infiniband",
    "drivers/input",
    "drivers/isdn",
    "drivers/leds",
    "drivers/media",
    "drivers/mmc",
    "drivers/mtd",
    "drivers/net/can",
    "drivers/net/dsa",
    "drivers/net/ethernet",
    "drivers/net/usb",
    "drivers/net/wireless",
    "drivers/platform",
    "drivers/power",
    "drivers/scsi",
    "drivers/staging",
    "drivers/usb",
    "drivers/video",
];
