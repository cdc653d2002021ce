// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands of `sac-loader`: what they do, what they say, and how they end.

use crate::{
    Test,
    fixture::{Fixture, equal, holds, lacks},
    restart::{TRYING, lines, tried_further},
};
use anyhow::{Context as _, ensure};
use xtask::guest::Output;

/// Puts a file into `/run/e2e`, which [`in_directory`] made.
fn put(fixture: &Fixture, name: &str, content: &str) -> anyhow::Result<()> {
    fixture.root_ssh().stdin(content).run(&format!("cat > /run/e2e/{name}"))?.success().map(drop)
}

/// Gives a test the directory `/run/e2e`, and takes it away again.
fn in_directory(fixture: &Fixture, test: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    fixture.root("rm -rf /run/e2e; mkdir /run/e2e")?;
    let result = test();
    let removed = fixture.root("rm -rf /run/e2e; systemctl start sac-loader");
    result.and(removed.map(drop))
}

/// A policy that does `action` to df.
fn policy(action: &str) -> String {
    format!(
        "policy: {action}\napplies_to: everyone\naction: {action}\nprograms:\n  deny:\n    - /usr/bin/df\n"
    )
}

/// Runs a command line as root, whatever its end.
fn run(fixture: &Fixture, command: &str) -> anyhow::Result<Output> {
    fixture.root_ssh().run(command)
}

/// `run` confines a command, root's too, without the service: each action, each way to end, and nothing stays.
fn run_confines(fixture: &Fixture) -> anyhow::Result<()> {
    in_directory(fixture, || {
        fixture.root("systemctl stop sac-loader")?;
        for action in ["kill", "deny", "audit"] {
            put(fixture, &format!("{action}.yaml"), &policy(action))?;
        }
        let under = |action, command| {
            run(fixture, &format!("cd /run/e2e; sac-loader run --policy {action}.yaml -- {command}"))
        };
        let killed = under("kill", "df /")?;
        equal((killed.status, killed.stdout.as_str()), (137, ""), "df under kill")?;
        holds(&killed.stderr, "/usr/bin/df blocked!")?;
        let denied = under("deny", "sh -c 'df /; echo df=$?; id -u; exit 7'")?;
        equal((denied.status, denied.stdout.as_str()), (7, "df=126\n0\n"), "df under deny")?;
        holds(&denied.stderr, "Permission denied")?;
        holds(&denied.stderr, "/usr/bin/df blocked!")?;
        let audited = under("audit", "df /")?;
        equal(audited.status, 0, "df under audit")?;
        holds(&audited.stdout, "Filesystem")?;
        holds(&audited.stderr, "/usr/bin/df would be blocked")?;
        let signalled = under("kill", "sh -c 'kill -TERM $$'")?;
        equal(signalled.status, 143, "a command that a signal ends")?;
        let left = under("kill", "sh -c 'sleep 300 >/dev/null 2>&1 & echo $!'")?.success()?;
        let gone = run(fixture, &format!("kill -0 {}", left.trim()))?;
        ensure!(gone.status != 0, "what the command left behind is still there");
        equal(fixture.root("find /sys/fs/cgroup -name 'sac-run-*'")?.as_str(), "", "cgroups")
    })
}

/// `run` says what is wrong and starts nothing.
fn run_refuses(fixture: &Fixture) -> anyhow::Result<()> {
    in_directory(fixture, || {
        put(fixture, "bad.yaml", "policy: bad\napplies_to: everyone\nprogram: []\n")?;
        put(fixture, "good.yaml", &policy("kill"))?;
        for (arguments, reason) in [
            ("--policy /run/e2e/none.yaml -- touch /run/e2e/ran", "/run/e2e/none.yaml"),
            ("--policy /run/e2e/bad.yaml -- touch /run/e2e/ran", "SAC007"),
            ("--policy /run/e2e/good.yaml -- /run/e2e/none", "cannot start /run/e2e/none"),
        ] {
            let refused = run(fixture, &format!("sac-loader run {arguments}"))?;
            equal(refused.status, 1, arguments)?;
            holds(&refused.stderr, reason)?;
        }
        equal(run(fixture, "sac-loader run --policy /run/e2e/good.yaml")?.status, 2, "no command at all")?;
        fixture.root("test ! -e /run/e2e/ran").map(drop)
    })
}

/// On a kernel that lacks a struct member or the hook, the kernel half is not loaded, and the reason names what is missing.
fn missing_in_the_kernel(fixture: &Fixture) -> anyhow::Result<()> {
    const PATCH: &str = "import sys\n\
        btf = open('/sys/kernel/btf/vmlinux', 'rb').read()\n\
        for name, out in (b'f_inode', 'member'), (b'linux_binprm', 'struct'), (b'bpf_lsm_bprm_check_security', 'hook'):\n\
        \x20   old = b'\\0' + name + b'\\0'\n\
        \x20   assert btf.count(old) == 1, name\n\
        \x20   open('/run/e2e/' + out, 'wb').write(btf.replace(old, b'\\0x' + name[1:] + b'\\0'))\n\
        open('/run/e2e/whole', 'wb').write(btf)\n\
        open('/run/e2e/cut', 'wb').write(btf[:100000])\n";
    in_directory(fixture, || {
        put(fixture, "p.yaml", &policy("kill"))?;
        fixture.root_ssh().stdin(PATCH).run("python3 -")?.success()?;
        fixture.root("systemctl stop sac-loader")?;
        for (btf, reason) in [
            ("member", "`struct file` has no member `f_inode`"),
            ("struct", "no `struct linux_binprm`"),
            ("hook", "`bprm_check_security`"),
            ("cut", "is not the BTF of a kernel"),
            ("none", "cannot read the kernel's BTF"),
        ] {
            for command in ["run --policy /run/e2e/p.yaml -- touch /run/e2e/ran", "daemon"] {
                let refused = run(fixture, &format!("timeout 30 sac-loader --btf /run/e2e/{btf} {command}"))?;
                equal(refused.status, 1, &format!("{command} with {btf}: {}", refused.stderr))?;
                holds(&refused.stderr, reason)?;
            }
        }
        fixture.root("test ! -e /run/e2e/ran")?;
        // The copy as such is none of the reasons.
        let whole = "sac-loader --btf /run/e2e/whole run --policy /run/e2e/p.yaml -- echo ran";
        equal(fixture.root(whole)?.as_str(), "ran\n", "with the kernel's own BTF")
    })
}

/// `policy check` accepts what can be used, and shows what cannot with its code, file, line and the place in the line.
fn policy_check(fixture: &Fixture) -> anyhow::Result<()> {
    in_directory(fixture, || {
        put(fixture, "good.yaml", &policy("kill"))?;
        put(fixture, "bad.yaml", "policy: bad\napplies_to: everyone\nprogram:\n  deny: [df]\n")?;
        let all = run(fixture, "sac-loader policy check")?;
        equal((all.status, all.stdout.as_str()), (0, "3 policies, 3 warnings\n"), &all.stderr)?;
        let good = run(fixture, "sac-loader policy check /run/e2e/good.yaml")?;
        equal((good.status, good.stdout.as_str()), (0, "1 policy, 1 warning\n"), &good.stderr)?;
        let bad = run(fixture, "sac-loader policy check /run/e2e/good.yaml /run/e2e/bad.yaml")?;
        equal((bad.status, bad.stdout.as_str()), (1, ""), &bad.stderr)?;
        for wanted in [
            "error[SAC007]",
            "--> /run/e2e/bad.yaml:3:1",
            "3 | program:\n  | ^^^^^^^\n",
            "did you mean `programs`?",
        ] {
            holds(&bad.stderr, wanted)?;
        }
        // What the service would refuse is refused here too: a file in its directory that others could change.
        let others = run(fixture, "chmod o+w /etc/sac/policies/dba.yaml; sac-loader policy check")?;
        equal(others.status, 1, "a policy that others can write")?;
        holds(&others.stderr, "SAC003")
    })
}

/// `reload` moves open sessions at once, in both directions.
fn reload_moves_sessions(fixture: &Fixture) -> anyhow::Result<()> {
    let edit = |from: &str, to: &str| {
        fixture.root(&format!(
            "sed -i s,/usr/bin/{from},/usr/bin/{to}, /etc/sac/policies/developers.yaml; sac-loader reload"
        ))
    };
    let _stay = fixture.stay_running("alice", TRYING)?;
    tried_further(fixture, 2)?;
    equal(lines(fixture, "ran")?, 0, "how often df ran before")?;
    equal(edit("df", "wget")?.as_str(), "3 policies are in force\n", "what reload says")?;
    tried_further(fixture, 3)?;
    let ran = lines(fixture, "ran")?;
    ensure!(ran >= 2, "df ran {ran} times after the reload");
    edit("wget", "df")?;
    // One try may have been under way.
    tried_further(fixture, 1)?;
    let ran = lines(fixture, "ran")?;
    tried_further(fixture, 4)?;
    equal(lines(fixture, "ran")?, ran, "how often df ran at last")?;
    equal(fixture.session_of("alice")?["policy"].as_str(), Some("developers"), "the session's policy")
}

/// `list-sessions` says whether the service is down, and is nothing for users; `reload` neither.
fn asking_the_daemon(fixture: &Fixture) -> anyhow::Result<()> {
    for command in ["list-sessions", "list-sessions --json", "reload"] {
        let carol = run(
            fixture,
            &format!("setpriv --reuid carol --regid carol --clear-groups sac-loader {command}"),
        )?;
        equal((carol.status, carol.stdout.as_str()), (1, ""), "as carol")?;
        holds(&carol.stderr, "cannot reach the daemon at /run/sac/control.sock")?;
        holds(&carol.stderr, "only root and members of the group sac-audit may ask it: Permission denied")?;
    }
    let table = fixture.root("sac-loader list-sessions")?;
    equal(table.lines().count(), 1, "lines of a table without sessions")?;
    holds(&table, "SESSION")?;
    fixture.root("systemctl stop sac-loader")?;
    for command in ["list-sessions", "reload"] {
        let down = run(fixture, &format!("sac-loader {command}"))?;
        equal((down.status, down.stdout.as_str()), (1, ""), "with the service stopped")?;
        holds(
            &down.stderr,
            "cannot reach the daemon at /run/sac/control.sock; try `systemctl status sac-loader`",
        )?;
        equal(down.stderr.lines().count(), 1, "lines of the message")?;
    }
    fixture.root("systemctl start sac-loader").map(drop)
}

/// Each command says what it is for; a mistake on the command line ends with 2 and names it.
fn help(fixture: &Fixture) -> anyhow::Result<()> {
    let all = fixture.root("sac-loader --help")?;
    lacks(&all, "--btf")?;
    let (_, list) = all.split_once("Commands:\n").context(all.clone())?;
    let names =
        list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let names: Vec<_> = names.filter(|name| *name != "help").chain(["policy check"]).collect();
    for name in ["list-sessions", "reload", "policy", "daemon", "cleanup", "run", "doctor"] {
        ensure!(names.contains(&name), "no {name} in\n{all}");
    }
    let ask_each: String = names
        .iter()
        .map(|name| format!("echo \"== {name}\"; sac-loader {name} --help || echo FAILED\n"))
        .collect();
    let texts = fixture.root(&ask_each)?;
    lacks(&texts, "FAILED")?;
    for text in texts.split("== ").skip(1) {
        let mut lines = text.lines();
        let name = lines.next().unwrap_or_default();
        ensure!(lines.next().is_some_and(|about| about.len() > 10), "nothing about {name}:\n{text}");
        holds(text, &format!("Usage: sac-loader {name}"))?;
    }
    let wrong = run(fixture, "sac-loader list-session")?;
    equal((wrong.status, wrong.stdout.as_str()), (2, ""), "a command that there is not")?;
    holds(&wrong.stderr, "list-sessions")?;
    holds(&fixture.root("sac-loader --version")?, "sac-loader ")
}

/// `doctor` finds nothing to say about a guest with SAC enabled, and proves it where asked to; what it needs and does not find
/// it names, with another exit code.
fn doctor(fixture: &Fixture) -> anyhow::Result<()> {
    let well = fixture.root("sac-loader doctor --prove")?;
    let (last, checks) =
        well.trim_end().rsplit_once('\n').map(|(checks, last)| (last, checks)).context(well.clone())?;
    equal(last, "Confinement can work here", "the closing line")?;
    let unticked: Vec<_> = checks.lines().filter(|line| !line.starts_with('✓')).collect();
    ensure!(unticked.is_empty(), "not ticked: {unticked:#?}");
    let found = |name| {
        let line = checks.lines().find(|line| line.trim_start_matches('✓').trim_start().starts_with(name));
        line.with_context(|| format!("no check {name} in\n{checks}"))
    };
    for name in
        ["kernel", "BPF LSM", "kernel BTF", "cgroup v2", "bpffs", "kernel half", "PAM module", "PAM sshd"]
    {
        found(name)?;
    }
    holds(found("canary")?, "enforcing: proven on kernel")?;
    holds(found("kernel half")?, " instructions verified in ")?;
    equal(fixture.root("find /sys/fs/cgroup -name 'sac-doctor*'")?.as_str(), "", "cgroups")?;
    let fails = |command: &str, wanted: &[&str]| {
        let output = run(fixture, command)?;
        equal(output.status, 1, command)?;
        wanted.iter().try_for_each(|wanted| holds(&output.stdout, wanted))?;
        let marked = output.stdout.lines().filter(|line| line.starts_with('✗')).count();
        ensure!(marked >= wanted.len(), "{marked} are marked in\n{}", output.stdout);
        holds(&output.stdout, "Confinement cannot be relied on")
    };
    fails("setpriv --reuid carol --regid carol --clear-groups sac-loader doctor", &["run it as root"])?;
    // In a mount namespace of its own: the sessions of others keep their pins.
    fails(
        "echo 'policy: [' >/etc/sac/policies/zz.yaml; systemctl stop sac-loader
        unshare -m sh -c 'umount -l /sys/fs/bpf && sac-loader doctor'",
        &["mount -t bpf bpf /sys/fs/bpf", "/etc/sac/policies/zz.yaml:", "systemctl start sac-loader"],
    )?;
    fixture.root("rm /etc/sac/policies/zz.yaml; systemctl start sac-loader").map(drop)
}

pub(crate) const TESTS: &[Test] = &[
    ("run_confines", run_confines),
    ("run_refuses", run_refuses),
    ("missing_in_the_kernel", missing_in_the_kernel),
    ("policy_check", policy_check),
    ("reload_moves_sessions", reload_moves_sessions),
    ("asking_the_daemon", asking_the_daemon),
    ("help", help),
    ("doctor", doctor),
];
