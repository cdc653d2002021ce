// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fails around the loader: memory, room, descriptors, name services, file systems, kernels. Who is in stays under the same policy, who
//! comes is refused or is under one, and the log says why. `docs/failure-modes.md` has all of it in a table.

use crate::{
    Test,
    fixture::{Fixture, equal, holds, lacks},
    restart::{TRYING, lines, tried_further},
};
use anyhow::{Context as _, ensure};
use std::time::{Duration, Instant};
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("out_of_memory", out_of_memory),
    ("an_upgrade_that_does_not_start", an_upgrade_that_does_not_start),
    ("no_room_for_the_record", no_room_for_the_record),
    ("no_room_in_run", no_room_in_run),
    ("no_descriptors", no_descriptors),
    ("the_name_service_hangs", the_name_service_hangs),
    ("garbage_on_the_sockets", garbage_on_the_sockets),
    ("bpffs_is_unmounted", bpffs_is_unmounted),
    ("cgroupfs_is_covered", cgroupfs_is_covered),
    ("a_session_that_nothing_is_written_down_of", a_session_that_nothing_is_written_down_of),
    ("kernels_that_cannot", kernels_that_cannot),
    ("others_have_taken_the_hooks", others_have_taken_the_hooks),
    ("no_hook_is_left_for_opening", no_hook_is_left_for_opening),
];

/// How long something may take that is a second's work, on a busy emulated machine.
const SOON: Duration = Duration::from_secs(60);

/// Makes `/run/e2e`, runs a test, and clears away what it did, whatever became of it.
fn and_back(fixture: &Fixture, back: &str, test: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    fixture.root("rm -rf /run/e2e; mkdir /run/e2e")?;
    let result = test();
    let back = fixture.root(&format!("{back}\nrm -rf /run/e2e")).context("clearing away");
    result.and(back.map(drop))
}

/// The moment from which [`log`] shows what was logged.
fn moment(fixture: &Fixture) -> anyhow::Result<String> {
    Ok(fixture.root("date +%s")?.trim().to_owned())
}

/// What the loader and systemd have logged of it since a moment.
fn log(fixture: &Fixture, since: &str) -> anyhow::Result<String> {
    fixture.root(&format!("journalctl --sync; journalctl -u sac-loader -o cat --no-pager --since @{since}"))
}

/// Waits until the log holds a text.
fn logged(fixture: &Fixture, since: &str, wanted: &str) -> anyhow::Result<()> {
    wait_until(&format!("{wanted:?} in the log"), SOON, || {
        Ok(log(fixture, since)?.contains(wanted).then_some(()))
    })
}

/// Wants that df has never run for alice, who tries all the time, and that she goes on trying.
fn holds_alice(fixture: &Fixture) -> anyhow::Result<()> {
    tried_further(fixture, 3)?;
    equal(lines(fixture, "ran")?, 0, "how often df ran")
}

/// Wants a login of bob's to be refused.
fn is_refused(fixture: &Fixture) -> anyhow::Result<()> {
    let begin = Instant::now();
    let refused = fixture.run("bob", "echo in")?;
    lacks(&refused.stdout, "in\n")?;
    ensure!(begin.elapsed() < SOON, "the refusal took {:?}", begin.elapsed());
    Ok(())
}

/// Wants a login of bob's to open.
fn gets_in(fixture: &Fixture) -> anyhow::Result<()> {
    let output = fixture.run("bob", "echo in")?;
    ensure!(output.stdout == "in\n", "bob is not in: {output:?}");
    Ok(())
}

/// The loader's process id.
fn loader(fixture: &Fixture) -> anyhow::Result<String> {
    Ok(fixture.root("systemctl show -P MainPID sac-loader")?.trim().to_owned())
}

/// Promise: a loader that the kernel kills for its memory, again and again, loosens nothing; with memory it takes its sessions over.
fn out_of_memory(fixture: &Fixture) -> anyhow::Result<()> {
    // As `TRYING`, by somebody who goes on where a process cannot be made, which a shell does not.
    const TRYING_WITHOUT_MEMORY: &str = r#"exec python3 -c '
import os, subprocess
os.chdir(os.path.expanduser("~/e2e"))
while True:
    try:
        done = subprocess.run(["df", "/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ran = done.returncode == 0
    except OSError:
        ran = False
    for name in ["ran"] * ran + ["tried"]:
        with open(name, "a") as file:
            file.write("\n")
'"#;
    let back = "systemctl set-property --runtime sac-loader MemoryMax=infinity; systemctl start sac-loader";
    and_back(fixture, back, || {
        let _stay = fixture.stay_running("alice", TRYING_WITHOUT_MEMORY)?;
        tried_further(fixture, 2)?;
        let (before, since) = (fixture.session_of("alice")?, moment(fixture)?);
        fixture.root("systemctl set-property --runtime sac-loader MemoryMax=1M")?;
        logged(fixture, &since, "oom-kill")?;
        holds_alice(fixture)?;
        is_refused(fixture)?;
        fixture.root("systemctl set-property --runtime sac-loader MemoryMax=infinity")?;
        wait_until("the loader being ready", SOON, || {
            Ok((fixture.root_ssh().run("sac-loader list-sessions")?.status == 0).then_some(()))
        })?;
        equal(&fixture.session_of("alice")?["id"], &before["id"], "the session's id")?;
        gets_in(fixture)?;
        holds_alice(fixture)
    })
}

/// Promise: a new version that does not start leaves what the old one has put in force.
fn an_upgrade_that_does_not_start(fixture: &Fixture) -> anyhow::Result<()> {
    let back = "[ ! -e /usr/sbin/sac-loader.e2e ] || mv /usr/sbin/sac-loader.e2e /usr/sbin/sac-loader; systemctl restart sac-loader";
    and_back(fixture, back, || {
        let _stay = fixture.stay_running("alice", TRYING)?;
        tried_further(fixture, 2)?;
        let before = fixture.session_of("alice")?;
        fixture.root(
            "mv /usr/sbin/sac-loader /usr/sbin/sac-loader.e2e; printf '#!/bin/sh\\nexit 1\\n' >/usr/sbin/sac-loader
            chmod 755 /usr/sbin/sac-loader; ! systemctl restart sac-loader",
        )?;
        holds_alice(fixture)?;
        is_refused(fixture)?;
        fixture.root("mv /usr/sbin/sac-loader.e2e /usr/sbin/sac-loader; systemctl restart sac-loader")?;
        equal(&fixture.session_of("alice")?["id"], &before["id"], "the session's id")?;
        holds_alice(fixture)
    })
}

/// Promise: a full disk stops no login and no verdict; what waits is written when there is room, and the record is whole.
fn no_room_for_the_record(fixture: &Fixture) -> anyhow::Result<()> {
    const SMALL: &str = "/var/log/sac/small";
    // What the journal says of this record is not to be compared with the other one.
    let back = format!(
        "systemctl stop sac-loader; umount {SMALL}; rmdir {SMALL}; cp /root/audit.yaml /etc/sac/audit.yaml; systemctl start sac-loader
        journalctl -q --sync --rotate; journalctl -q --vacuum-size=1"
    );
    and_back(fixture, &back, || {
        fixture.root(&format!(
            "install -d -m 750 {SMALL}; mount -t tmpfs -o size=512k,mode=750 e2e {SMALL}
            printf 'record:\\n  directory: {SMALL}\\n' >/etc/sac/audit.yaml; systemctl restart sac-loader"
        ))?;
        gets_in(fixture)?;
        let since = moment(fixture)?;
        fixture.root(&format!("dd if=/dev/zero of={SMALL}/filler bs=4k 2>/dev/null || true"))?;
        let _stay = fixture.stay_running("alice", TRYING)?;
        logged(fixture, &since, "cannot write the record, which is tried again each second")?;
        holds_alice(fixture)?;
        gets_in(fixture)?;
        let id = fixture.session_of("alice")?["id"].as_str().context("no id")?.to_owned();
        fixture.root(&format!("rm {SMALL}/filler"))?;
        logged(fixture, &since, "the record is written again; 0 records were lost")?;
        let opened = format!(
            "cat {SMALL}/record-*.jsonl | grep '\"event\":\"session-opened\"' | grep -c '\"id\":\"{id}\"'"
        );
        equal(fixture.root(&opened)?.trim(), "1", "records of the session that opened without room")?;
        fixture.root(&format!("sac-loader audit verify --directory {SMALL}")).map(drop)
    })
}

/// Promise: where it cannot be written down who is in, nobody else comes in, and who is stays under policies that can still change.
fn no_room_in_run(fixture: &Fixture) -> anyhow::Result<()> {
    const MOVE: &str = "set -e; systemctl stop sac-loader; rm -rf /root/run; mkdir /root/run; cp -a /run/sac/. /root/run
        mount -t tmpfs -o size=512k,mode=711 e2e /run/sac; cp -a /root/run/. /run/sac; systemctl start sac-loader";
    const BACK: &str = "systemctl stop sac-loader; rm -f /run/sac/filler; rm -rf /root/run; mkdir /root/run; cp -a /run/sac/. /root/run
        umount /run/sac; rm -rf /run/sac/sessions /run/sac/users; cp -a /root/run/. /run/sac; systemctl start sac-loader";
    fixture.nothing_stays()?;
    and_back(fixture, BACK, || {
        fixture.root(MOVE)?;
        let _stay = fixture.stay_running("alice", TRYING)?;
        tried_further(fixture, 2)?;
        let (before, since) = (fixture.session_of("alice")?, moment(fixture)?);
        fixture.root("dd if=/dev/zero of=/run/sac/filler bs=4k 2>/dev/null || true")?;
        is_refused(fixture)?;
        logged(fixture, &since, "cannot write down in /run/sac who is in; is there room?")?;
        lacks(&fixture.root("sac-loader list-sessions")?, "bob")?;
        // A change of policies reaches who is in.
        fixture.root(
            "sed -i 's|^    - /usr/bin/df|&\\n    - /usr/bin/wget|' /etc/sac/policies/developers.yaml; sac-loader reload",
        )?;
        holds_alice(fixture)?;
        fixture.root("rm /run/sac/filler")?;
        gets_in(fixture)?;
        fixture.root("systemctl restart sac-loader")?;
        equal(&fixture.session_of("alice")?["id"], &before["id"], "the session's id")?;
        holds_alice(fixture)
    })
}

/// Promise: without descriptors nobody is let go of, also who ends just then; with some, all goes on.
fn no_descriptors(fixture: &Fixture) -> anyhow::Result<()> {
    let back = "prlimit --pid $(systemctl show -P MainPID sac-loader) --nofile=65536:65536";
    and_back(fixture, back, || {
        let _alice = fixture.stay_running("alice", TRYING)?;
        let bob = fixture.stay("bob")?;
        let (id, since) = (fixture.session_of("bob")?["id"].clone(), moment(fixture)?);
        // Up to the first number that is free: there is none for another one.
        fixture.root(
            "pid=$(systemctl show -P MainPID sac-loader); free=0; while [ -e /proc/$pid/fd/$free ]; do free=$((free + 1)); done
            prlimit --pid $pid --nofile=$free:65536",
        )?;
        is_refused(fixture)?;
        holds(&log(fixture, &since)?, "no descriptors or memory for a login; trying again")?;
        fixture.root("pkill -KILL -u bob -x sleep")?;
        drop(bob);
        holds_alice(fixture)?;
        let holding = "ls /sys/fs/bpf/sac/v*/scopes | wc -l";
        let scopes: u32 = fixture.root(holding)?.trim().parse()?;
        ensure!(scopes >= 2, "{scopes} scopes are held");
        fixture.root(back)?;
        wait_until("the end of bob's session", SOON, || {
            Ok((!fixture.sessions()?.iter().any(|session| session["id"] == id)).then_some(()))
        })?;
        gets_in(fixture)?;
        holds_alice(fixture)
    })
}

/// Promise: while the name service hangs who comes is refused in time and the log says why; who is in stays, and commands are answered.
fn the_name_service_hangs(fixture: &Fixture) -> anyhow::Result<()> {
    const UNIT: &str = "/run/systemd/system/sac-loader.service.d";
    const LIBRARY: &str = "/usr/local/lib/e2e-hang.so";
    let back = format!(
        "rm -rf /run/e2e/hang {UNIT} {LIBRARY}; systemctl daemon-reload; systemctl restart sac-loader"
    );
    and_back(fixture, &back, || {
        let compile = format!("gcc -shared -fPIC -o {LIBRARY} -x c -");
        fixture.root_ssh().stdin(include_str!("failures/hang.c")).run(&compile)?.success()?;
        fixture.root(&format!(
            "mkdir -p {UNIT}; printf '[Service]\\nEnvironment=LD_PRELOAD={LIBRARY}\\n' >{UNIT}/e2e.conf
            systemctl daemon-reload; systemctl restart sac-loader"
        ))?;
        // Negative control: by itself the library hinders nobody.
        gets_in(fixture)?;
        let _alice = fixture.stay_running("alice", TRYING)?;
        let since = moment(fixture)?;
        fixture.root("touch /run/e2e/hang")?;
        is_refused(fixture)?;
        logged(
            fixture,
            &since,
            "login of bob by sshd refused: cannot look up the user: the name service does not answer",
        )?;
        holds_alice(fixture)?;
        fixture.root("timeout 20 sac-loader list-sessions && timeout 20 sac-loader reload")?;
        let grant = "timeout 30 sac-loader grant --user bob --exec /usr/bin/wget --for 1m --reason 'a test'";
        let refused = fixture.root_ssh().run(grant)?;
        equal(refused.status, 1, "a grant while the name service hangs")?;
        holds(&refused.stderr, "the name service does not answer")?;
        fixture.root("rm /run/e2e/hang")?;
        gets_in(fixture)?;
        holds_alice(fixture)
    })
}

/// Promise: 10,000 connections that ask for nothing sensible, and as many as there is room for that say nothing, keep nobody out for longer
/// than a login waits, and leave nothing in the loader.
fn garbage_on_the_sockets(fixture: &Fixture) -> anyhow::Result<()> {
    const MEMORY_KIB_MORE: u64 = 16 << 10;
    let back = "systemctl stop e2e-silent 2>/dev/null || true";
    and_back(fixture, back, || {
        fixture
            .root_ssh()
            .stdin(include_str!("failures/garbage.py"))
            .run("cat >/run/e2e/garbage.py")?
            .success()?;
        gets_in(fixture)?;
        fixture.nothing_stays()?;
        let pid = loader(fixture)?;
        let descriptors = || fixture.root(&format!("ls /proc/{pid}/fd | wc -l"));
        let memory = || -> anyhow::Result<u64> {
            let kib = fixture.root(&format!("awk '/^VmRSS/ {{ print $2 }}' /proc/{pid}/status"))?;
            Ok(kib.trim().parse()?)
        };
        let (descriptors_before, memory_before) = (descriptors()?, memory()?);
        let count = if crate::is_thorough() { 10_000 } else { 3000 };
        let send = format!("python3 /run/e2e/garbage.py garbage {count}");
        let sent = fixture.root_ssh().deadline(Duration::from_secs(600)).run(&send)?.success()?;
        equal(sent.trim(), format!("sent {count}").as_str(), "what was sent")?;
        gets_in(fixture)?;
        fixture.nothing_stays()?;
        equal(loader(fixture)?, pid.clone(), "the loader")?;
        wait_until("as many descriptors as before", SOON, || {
            Ok((descriptors()? == descriptors_before).then_some(()))
        })?;
        let memory_after = memory()?;
        ensure!(
            memory_after <= memory_before + MEMORY_KIB_MORE,
            "memory grew from {memory_before} to {memory_after} KiB"
        );
        // As many as are served at a time.
        fixture.root(
            "systemd-run -q --collect --unit e2e-silent python3 /run/e2e/garbage.py silent 64
            for _ in $(seq 300); do [ -e /run/e2e/silent ] && exit; sleep 0.1; done; exit 1",
        )?;
        gets_in(fixture)
    })
}

/// Promise: bpffs is in use, and says so to whoever unmounts it. Where they insist sessions stay under their policies; what holds them is pinned
/// again where bpffs is mounted again, and a restart finds it.
fn bpffs_is_unmounted(fixture: &Fixture) -> anyhow::Result<()> {
    let back =
        "mountpoint -q /sys/fs/bpf || mount -t bpf -o mode=700 bpf /sys/fs/bpf; systemctl restart sac-loader";
    and_back(fixture, back, || {
        let _alice = fixture.stay_running("alice", TRYING)?;
        tried_further(fixture, 2)?;
        let (before, since) = (fixture.session_of("alice")?, moment(fixture)?);
        let busy = fixture.root_ssh().run("umount /sys/fs/bpf")?;
        ensure!(busy.status != 0, "bpffs was unmounted");
        holds(&busy.stderr, "busy")?;
        fixture.root("umount -l /sys/fs/bpf; ! mountpoint -q /sys/fs/bpf")?;
        holds_alice(fixture)?;
        is_refused(fixture)?;
        logged(fixture, &since, "cannot prepare bpffs; is it mounted at /sys/fs/bpf?")?;
        fixture.root("sac-loader reload")?;
        logged(fixture, &since, "bpffs was unmounted or covered")?;
        fixture.root("mount -t bpf -o mode=700 bpf /sys/fs/bpf; sac-loader reload")?;
        logged(fixture, &since, "what holds sessions is pinned there again")?;
        gets_in(fixture)?;
        fixture.root("systemctl restart sac-loader")?;
        equal(&fixture.session_of("alice")?["id"], &before["id"], "the session's id")?;
        holds_alice(fixture)?;
        lacks(&log(fixture, &since)?, "attachments were missing")
    })
}

/// Promise: where cgroups cannot be seen nobody is taken to have gone: programs stay on all sessions, and who has gone meanwhile is cleared
/// away when they can be seen again.
fn cgroupfs_is_covered(fixture: &Fixture) -> anyhow::Result<()> {
    const COVERED: &str = "mount -t tmpfs e2e /sys/fs/cgroup; pkill -KILL -u bob -x sleep; sleep 4
        sac-loader list-sessions >/run/e2e/seen; ls /sys/fs/bpf/sac/v*/scopes | wc -l >/run/e2e/scopes; umount /sys/fs/cgroup";
    let back =
        "while [ \"$(stat -f -c %T /sys/fs/cgroup)\" != cgroup2fs ]; do umount /sys/fs/cgroup || break; done";
    and_back(fixture, back, || {
        let _alice = fixture.stay_running("alice", TRYING)?;
        let _bob = fixture.stay("bob")?;
        let (id, since) = (fixture.session_of("bob")?["id"].clone(), moment(fixture)?);
        let scopes = fixture.root("ls /sys/fs/bpf/sac/v*/scopes | wc -l")?;
        fixture.root(COVERED)?;
        equal(fixture.root("cat /run/e2e/scopes")?, scopes, "scopes while cgroups were not to be seen")?;
        let seen = fixture.root("cat /run/e2e/seen")?;
        holds(&seen, "alice")?;
        holds(&seen, "bob")?;
        holds(&log(fixture, &since)?, "no cgroups of version 2 are mounted at /sys/fs/cgroup")?;
        holds_alice(fixture)?;
        wait_until("the end of bob's session", SOON, || {
            Ok((!fixture.sessions()?.iter().any(|session| session["id"] == id)).then_some(()))
        })?;
        gets_in(fixture)
    })
}

/// Promise: a loader that finds programs on a cgroup with people in it, and nothing written down of them, leaves the programs there and says so;
/// with the last of the people they go.
fn a_session_that_nothing_is_written_down_of(fixture: &Fixture) -> anyhow::Result<()> {
    and_back(fixture, "systemctl start sac-loader", || {
        let stay = fixture.stay_running("alice", TRYING)?;
        tried_further(fixture, 2)?;
        let since = moment(fixture)?;
        fixture.root("systemctl stop sac-loader; rm /run/sac/sessions/*; systemctl start sac-loader")?;
        logged(fixture, &since, "it stays under its policy until it ends")?;
        holds_alice(fixture)?;
        // Policies that change do not let go of it either.
        fixture.root(
            "sed -i 's|^    - /usr/bin/df|&\\n    - /usr/bin/wget|' /etc/sac/policies/developers.yaml; sac-loader reload",
        )?;
        holds_alice(fixture)?;
        fixture.root("pkill -KILL -u alice")?;
        drop(stay);
        fixture
            .root("for _ in $(seq 300); do pgrep -u alice >/dev/null || exit 0; sleep 0.1; done; exit 1")?;
        // What nothing is written down of is looked at whenever policies are.
        wait_until("the end of its cgroup", SOON, || {
            fixture.root("sac-loader reload")?;
            let left = fixture
                .root("find /sys/fs/cgroup -type d -name 'sac-*' ! -name sac-anchor ! -name 'sac-loader*'")?;
            Ok(left.is_empty().then_some(()))
        })?;
        fixture.nothing_stays()
    })
}

/// Promise: a kernel that calls no BPF programs, and a machine without cgroups of version 2, are refused by name; nothing is run.
fn kernels_that_cannot(fixture: &Fixture) -> anyhow::Result<()> {
    const POLICY: &str = "policy: p\napplies_to: everyone\nprograms: {deny: [/usr/bin/df]}\n";
    and_back(fixture, "systemctl start sac-loader", || {
        fixture.root_ssh().stdin(POLICY).run("cat >/run/e2e/p.yaml")?.success()?;
        fixture.root("systemctl stop sac-loader; echo lockdown,capability,yama >/run/e2e/lsm")?;
        for (machine, reason) in [
            (
                "mount --bind /run/e2e/lsm /sys/kernel/security/lsm",
                "boot with `lsm=lockdown,capability,yama,bpf`",
            ),
            ("mount -t tmpfs e2e /sys/fs/cgroup", "is not a cgroup of version 2"),
        ] {
            for command in ["run --policy /run/e2e/p.yaml -- touch /run/e2e/ran", "daemon"] {
                let run = format!("unshare -m sh -c '{machine} && exec timeout 60 sac-loader {command}'");
                let refused = fixture.root_ssh().run(&run)?;
                equal(refused.status, 1, &format!("{command} after {machine}: {}", refused.stderr))?;
                holds(&refused.stderr, reason)?;
            }
        }
        fixture.root("test ! -e /run/e2e/ran")?;
        is_refused(fixture)
    })
}

/// Promise: where there is a hook for all but files that are opened, policies that say something about those are refused, those before hold, and the
/// loader starts; when a hook is free they are taken.
fn no_hook_is_left_for_opening(fixture: &Fixture) -> anyhow::Result<()> {
    const TAKE: &str = "printf 'policy: developers\napplies_to: {groups: [developers]}\nprograms: {deny: [/usr/bin/df]}\n' >/etc/sac/policies/developers.yaml
        sac-loader reload && systemctl stop sac-loader && sac-loader cleanup
        systemd-run --quiet --collect --unit e2e-slots python3 /run/e2e/slots.py 6
        for _ in $(seq 600); do [ -e /run/e2e/taken ] && exec systemctl start sac-loader; sleep 0.1; done; exit 1";
    const OPENING: &str = "printf 'policy: developers\napplies_to: {groups: [developers]}\nprograms: {deny: [/usr/bin/df]}\nfiles: {deny: [{path: /etc/issue, operations: [read], action: deny}]}\n' >/etc/sac/policies/developers.yaml; sac-loader reload";
    and_back(
        fixture,
        "systemctl stop e2e-slots 2>/dev/null; rmdir /sys/fs/cgroup/e2e-slots 2>/dev/null; true",
        || {
            let holder = include_str!("failures/slots.py");
            fixture.root_ssh().stdin(holder).run("cat >/run/e2e/slots.py")?.success()?;
            fixture.root_ssh().deadline(Duration::from_secs(400)).run(TAKE)?.success()?;
            let refused = fixture.root_ssh().run(OPENING)?;
            ensure!(refused.status != 0, "the policies are in force");
            holds(&refused.stderr, "`file_open`")?;
            let alice = fixture
                .run("alice", "df / >/dev/null; echo df=$?; cat /etc/issue >/dev/null && echo read")?;
            holds(&alice.stdout, "df=137\nread")?;
            fixture.root("systemctl stop e2e-slots; sleep 2")?;
            fixture.root(OPENING)?;
            lacks(&fixture.run("alice", "cat /etc/issue >/dev/null && echo read")?.stdout, "read")
        },
    )
}

/// Promise: where other software has taken all hooks that can hold cgroup programs the loader says so and does not start, `fail=` says what
/// becomes of logins, and doctor counts them. When the hooks are free it starts.
fn others_have_taken_the_hooks(fixture: &Fixture) -> anyhow::Result<()> {
    const TAKE: &str = "systemctl stop sac-loader && sac-loader cleanup
        systemd-run --quiet --collect --unit e2e-slots python3 /run/e2e/slots.py
        for _ in $(seq 600); do [ -e /run/e2e/taken ] && exit; sleep 0.1; done; journalctl --no-pager -u e2e-slots | tail; exit 1";
    let back = "systemctl stop e2e-slots 2>/dev/null; rmdir /sys/fs/cgroup/e2e-slots; sleep 2
        systemctl reset-failed sac-loader; systemctl restart sac-loader";
    and_back(fixture, back, || {
        let holder = include_str!("failures/slots.py");
        fixture.root_ssh().stdin(holder).run("cat >/run/e2e/slots.py")?.success()?;
        fixture.root_ssh().deadline(Duration::from_secs(300)).run(TAKE)?.success()?;
        let since = moment(fixture)?;
        let started =
            fixture.root_ssh().deadline(Duration::from_secs(400)).run("systemctl start sac-loader")?;
        ensure!(started.status != 0, "the loader has started");
        logged(fixture, &since, "all ten hooks that can hold cgroup programs may be taken")?;
        let doctor = fixture.root_ssh().deadline(Duration::from_secs(400)).run("sac-loader doctor")?;
        holds(&doctor.stdout, "10 of 10 hooks taken")?;
        ensure!(doctor.status != 0, "doctor is content");
        is_refused(fixture)?;
        fixture.root("sed -i 's/pam_sac.so/& fail=open/' /etc/pam.d/common-session")?;
        gets_in(fixture)
    })?;
    // What the test's beginning does as well.
    fixture.root("sed -i 's/ fail=open//' /etc/pam.d/common-session")?;
    wait_until("the loader being ready", SOON, || {
        Ok((fixture.root_ssh().run("sac-loader list-sessions")?.status == 0).then_some(()))
    })?;
    gets_in(fixture)
}
