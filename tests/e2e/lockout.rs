// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nobody is locked out for good: policies on trial go by themselves, and each way back in of `docs/lockout.md` leads there.

use crate::{
    Test,
    dialogue::Dialogue,
    fixture::{Fixture, equal, holds},
    pam,
    record::records,
    restart::kill_daemon,
};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::time::Duration;
use xtask::guest::wait_until;

pub(crate) const TESTS: &[Test] = &[
    ("a_trial_ends_by_itself", a_trial_ends_by_itself),
    ("a_new_login_confirms", a_new_login_confirms),
    ("root_confirms_from_a_new_login", root_confirms_from_a_new_login),
    ("jobs_confirm_nothing", jobs_confirm_nothing),
    ("the_loader_is_killed_on_trial", the_loader_is_killed_on_trial),
    ("a_trial_does_not_survive_the_machine", a_trial_does_not_survive_the_machine),
    ("trials_say_what_is_wrong", trials_say_what_is_wrong),
    ("applied_for_good", applied_for_good),
    ("root_gets_back_in", root_gets_back_in),
    ("the_console_gets_back_in", the_console_gets_back_in),
    ("break_glass_gets_back_in", break_glass_gets_back_in),
    ("the_profile_can_be_left", the_profile_can_be_left),
];

/// Nobody gets in but root.
const LOCKED: &[(&str, &str)] = &[("default", "policy: default\napplies_to: everyone\nlogins: refuse\n")];

/// Whoever gets in may do nothing, not even have a shell.
const NO_SHELL: &[(&str, &str)] =
    &[("default", "policy: default\napplies_to: everyone\naction: deny\nprograms: {default: deny}\n")];

/// Nobody is locked out, and lsblk is denied where df was before.
const OTHER: &[(&str, &str)] = &[(
    "default",
    "policy: default\napplies_to: everyone\naction: deny\nprograms: {deny: [/usr/bin/lsblk]}\n",
)];

/// Longer than all that a test does meanwhile.
const LONG: &str = "--confirm 3600";

/// How long until a trial of a minute and a half is over, on an emulated and busy machine.
const OVER: Duration = Duration::from_secs(180);

/// Writes policies into a directory that nobody loads.
fn write(fixture: &Fixture, policies: &[(&str, &str)]) -> anyhow::Result<()> {
    fixture.root("rm -rf /root/new; mkdir -p /root/new")?;
    for (name, policy) in policies {
        let put = format!("cat > /root/new/{name}.yaml");
        fixture.root_ssh().stdin(*policy).run(&put)?.success()?;
    }
    Ok(())
}

/// Applies policies as root, over the connection that is open all the time.
fn apply(fixture: &Fixture, policies: &[(&str, &str)], options: &str) -> anyhow::Result<String> {
    write(fixture, policies)?;
    fixture.root(&format!("sac-loader policy apply /root/new {options}"))
}

/// What is in force.
fn status(fixture: &Fixture) -> anyhow::Result<Value> {
    let text = fixture.root("sac-loader policy status --json")?;
    serde_json::from_str(&text).with_context(|| text.clone())
}

/// Whether somebody who logs in gets a shell.
fn gets_in(fixture: &Fixture, user: &str) -> anyhow::Result<bool> {
    Ok(fixture.run(user, "echo in")?.stdout == "in\n")
}

/// Wants somebody to be locked out now.
fn is_out(fixture: &Fixture, user: &str) -> anyhow::Result<()> {
    ensure!(!gets_in(fixture, user)?, "{user} is in");
    Ok(())
}

/// Wants somebody to get in now.
fn is_in(fixture: &Fixture, user: &str) -> anyhow::Result<()> {
    ensure!(gets_in(fixture, user)?, "{user} is out");
    Ok(())
}

/// The steps of the last policies that were applied: what was done, by whom, and why.
fn steps(fixture: &Fixture) -> anyhow::Result<Vec<(String, String, String)>> {
    let records = records(fixture)?;
    let applied: Vec<_> = records.iter().filter(|record| record["event"] == "policy-applied").collect();
    let digest = &applied.last().context("nothing was applied")?["digest"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_last = applied.iter().filter(|record| record["digest"] == *digest);
    Ok(of_last.map(|record| (text(&record["step"]), text(&record["by"]), text(&record["reason"]))).collect())
}

/// Wants these to be the last ones that are on record.
fn steps_are(fixture: &Fixture, wanted: &[(&str, &str, &str)]) -> anyhow::Result<()> {
    let wanted: Vec<_> =
        wanted.iter().map(|(step, by, why)| [*step, *by, *why].map(str::to_owned).into()).collect();
    let mut got = Vec::new();
    wait_until("the steps on record", Duration::from_secs(30), || {
        got = steps(fixture)?;
        Ok(got.ends_with(&wanted).then_some(()))
    })
    .with_context(|| format!("got {got:?}, wanted {wanted:?}"))
}

const POLICY_FILES: &str = "cd /etc/sac/policies && sha256sum $(ls -A)";

/// Promise: policies that lock people out are in force at once, for those who log in and for sessions that are open, and when the time is
/// over everything is as it was, by itself. Meanwhile no file of theirs is where policies are.
fn a_trial_ends_by_itself(fixture: &Fixture) -> anyhow::Result<()> {
    is_in(fixture, "alice")?;
    let files = fixture.root(POLICY_FILES)?;
    for policies in [LOCKED, NO_SHELL] {
        let told = apply(fixture, policies, "--confirm 90")?;
        holds(&told, "removed  dba.yaml, developers.yaml")?;
        holds(&told, "sac-loader policy confirm")?;
        is_out(fixture, "alice")?;
        is_out(fixture, "dave")?;
        let status = status(fixture)?;
        let left = status["pending"]["left_s"].as_u64().with_context(|| status.to_string())?;
        ensure!(left <= 90, "{status}");
        equal(&status["policies"], &serde_json::json!(["default"]), "policies on trial")?;
        holds(
            &fixture.root("sac-loader policy status")?,
            "`sac-loader policy confirm` from a new login keeps them",
        )?;
        equal(fixture.root(POLICY_FILES)?, files.clone(), "the policy files meanwhile")?;
        wait_until("alice's login", OVER, || Ok(gets_in(fixture, "alice")?.then_some(())))?;
        is_in(fixture, "dave")?;
        equal(fixture.root(POLICY_FILES)?, files.clone(), "the policy files afterwards")?;
        holds(&fixture.root("sac-loader policy status")?, "On trial  no")?;
        steps_are(
            fixture,
            &[("tried", "root", ""), ("rolled-back", "sac", "nobody confirmed them in time")],
        )?;
    }
    // What held before holds again.
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=137")
}

/// Promise: an administrator who has logged in since keeps the policies, and nobody who was in before can, however they became root.
fn a_new_login_confirms(fixture: &Fixture) -> anyhow::Result<()> {
    const CONFIRM: &str = "sudo sac-loader policy confirm";
    write(fixture, OTHER)?;
    fixture.root("cp -r /root/new /home/dave/e2e/new && chown -R dave: /home/dave/e2e/new")?;
    let mut earlier = Dialogue::shell(&fixture.ssh("dave"))?;
    let mut bystander = Dialogue::shell(&fixture.ssh("dave"))?;
    equal(earlier.status("apply", "sudo sac-loader policy apply new/*.yaml --confirm 3600")?, 0, "apply")?;
    for (shell, mark) in [(&mut earlier, "applied"), (&mut bystander, "open")] {
        equal(shell.status(mark, CONFIRM)?, 1, mark)?;
        shell.wait_for("why not", || shell.errors().contains("this login was open before"))?;
        equal(shell.status(&format!("{mark}-su"), "sudo su -c 'sac-loader policy confirm'")?, 1, mark)?;
    }
    // Root's connection is as old.
    holds(&fixture.root_ssh().run("sac-loader policy confirm")?.stderr, "this login was open before")?;
    holds(&fixture.root("sac-loader policy status")?, "applied by dave")?;
    holds(&fixture.run("dave", CONFIRM)?.success()?, "confirmed: 1 policy in /etc/sac/policies")?;
    equal(fixture.root("ls -A /etc/sac/policies")?.as_str(), "default.yaml\n", "the policy files")?;
    equal(fixture.root("cat /etc/sac/policies/default.yaml")?.as_str(), OTHER[0].1, "the policy")?;
    equal(
        fixture.root("stat -c '%a %U' /etc/sac/policies/default.yaml")?.as_str(),
        "644 root\n",
        "its mode",
    )?;
    steps_are(fixture, &[("tried", "dave", ""), ("confirmed", "dave", "")])?;
    // It stays, and what was before can be found.
    fixture.root("systemctl restart sac-loader")?;
    fixture.statuses("alice", &[("df / >/dev/null", 0), ("lsblk", 126)])?;
    equal(fixture.root("ls /var/lib/sac/apply/before | wc -l")?.trim(), "3", "policies that were kept")?;
    holds(&fixture.root_ssh().run("sac-loader policy rollback")?.stderr, "no policies are waiting")
}

/// Promise: root, whom no policy is for, can confirm as well, and has to log in anew for it like everybody.
fn root_confirms_from_a_new_login(fixture: &Fixture) -> anyhow::Result<()> {
    let earlier = &mut Dialogue::start(&fixture.ssh("root"), "exec bash -s")?;
    equal(earlier.status("in", "true")?, 0, "root")?;
    apply(fixture, OTHER, LONG)?;
    equal(earlier.status("confirm", "sac-loader policy confirm")?, 1, "the earlier login")?;
    earlier.wait_for("why not", || earlier.errors().contains("this login was open before"))?;
    fixture.run("root", "sac-loader policy confirm")?.success()?;
    steps_are(fixture, &[("tried", "root", ""), ("confirmed", "root", "")])?;
    // At the console it is the same.
    fixture.policies(&[("default", "policy: default\napplies_to: everyone\n")])?;
    apply(fixture, OTHER, LONG)?;
    let mut console = fixture.guest().console()?;
    console.log_in("root", "root")?;
    console.send("sac-loader policy confirm; echo status=$?; exit\n")?;
    console.expect("status=0", Duration::from_secs(60))?;
    console.expect("login: ", Duration::from_secs(60))?;
    holds(&fixture.root("sac-loader policy status")?, "On trial  no")
}

/// Threat: a job that confirms everything makes trials worthless, because it needs no login that works.
fn jobs_confirm_nothing(fixture: &Fixture) -> anyhow::Result<()> {
    apply(fixture, OTHER, LONG)?;
    let service = fixture.root_ssh().run("systemd-run -q --pipe --wait sac-loader policy confirm")?;
    ensure!(service.status != 0, "{service:?}");
    holds(&service.stderr, "no login led to this process")?;
    // cron gives its jobs an audit session of their own. Its times are minutes.
    fixture.root(
        "rm -f /run/e2e-cron; printf '* * * * * root /usr/sbin/sac-loader policy confirm >/run/e2e-cron 2>&1\\n' >/etc/cron.d/e2e",
    )?;
    let tried = wait_until("cron's try", Duration::from_secs(150), || {
        let said = fixture.root("cat /run/e2e-cron 2>/dev/null || true")?;
        Ok((!said.trim().is_empty()).then_some(said))
    });
    fixture.root("rm -f /etc/cron.d/e2e /run/e2e-cron")?;
    holds(&tried?, "no login led to this process")?;
    ensure!(status(fixture)?["pending"].is_object(), "the trial is over");
    fixture.root("sac-loader policy rollback").map(drop)
}

/// Threat: the loader is killed, or stays away, while policies are on trial, and they stay for ever.
fn the_loader_is_killed_on_trial(fixture: &Fixture) -> anyhow::Result<()> {
    apply(fixture, LOCKED, "--confirm 90")?;
    let before = status(fixture)?;
    kill_daemon(fixture)?;
    let after = status(fixture)?;
    equal(&after["pending"]["digest"], &before["pending"]["digest"], "the policies on trial")?;
    ensure!(after["pending"]["left_s"].as_u64() <= before["pending"]["left_s"].as_u64(), "{before} {after}");
    is_out(fixture, "alice")?;
    kill_daemon(fixture)?;
    wait_until("alice's login", OVER, || Ok(gets_in(fixture, "alice")?.then_some(())))?;
    steps_are(fixture, &[("tried", "root", ""), ("rolled-back", "sac", "nobody confirmed them in time")])?;
    // One that ends while no loader is there is over when the next one is.
    apply(fixture, LOCKED, "--confirm 10")?;
    fixture.root("systemctl kill -s KILL --kill-whom=main sac-loader; systemctl stop sac-loader; sleep 11; systemctl start sac-loader")?;
    is_in(fixture, "alice")?;
    steps_are(fixture, &[("tried", "root", ""), ("rolled-back", "sac", "nobody confirmed them in time")])
}

/// Threat: who is locked out turns the machine off and on, and is locked out still.
fn a_trial_does_not_survive_the_machine(fixture: &Fixture) -> anyhow::Result<()> {
    apply(fixture, LOCKED, "--confirm 86400")?;
    is_out(fixture, "alice")?;
    fixture.reboot()?;
    // A machine that has just come up may take longer than the module waits.
    wait_until("alice's login", OVER, || Ok(gets_in(fixture, "alice")?.then_some(())))?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=137")?;
    steps_are(fixture, &[("rolled-back", "sac", "the machine was restarted")])
}

/// Promise: what cannot be applied, confirmed or taken back changes nothing, and says why.
fn trials_say_what_is_wrong(fixture: &Fixture) -> anyhow::Result<()> {
    let says = |command: &str, wanted: &str| {
        let said = fixture.root_ssh().run(command)?;
        equal(said.status, 1, command)?;
        holds(&said.stderr, wanted).context(command.to_owned())
    };
    says("sac-loader policy confirm", "no policies are waiting to be confirmed")?;
    says("sac-loader policy rollback", "no policies are waiting to be confirmed")?;
    says("sac-loader policy apply --confirm 60", "these policies are in force already")?;
    write(fixture, &[("default", "policy: [\n")])?;
    says("sac-loader policy apply /root/new --confirm 60", "/root/new/default.yaml")?;
    // The service looks for itself, also where nobody has checked before.
    let past = "python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/sac/control.sock'); \
        s.send(b'{\\\"command\\\":\\\"apply-policies\\\",\\\"directory\\\":\\\"/root/new\\\"}\\n'); print(s.recv(4096).decode())\"";
    holds(&fixture.root(past)?, "the policies were refused, nothing changed")?;
    write(fixture, OTHER)?;
    says("sac-loader policy apply /root/new --confirm 9", "on trial for 10 to 86400 seconds")?;
    fixture.root("echo 'policy: [' >/etc/sac/policies/zz.yaml; sleep 3")?;
    says(
        "sac-loader policy apply /root/new --confirm 60",
        "are not those in force, so they could not come back",
    )?;
    fixture.root("rm /etc/sac/policies/zz.yaml; sac-loader reload")?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=137")?;
    // On trial nothing else is loaded, and edits are not lost.
    fixture.root(&format!("sac-loader policy apply /root/new {LONG}"))?;
    says("sac-loader policy apply /root/new", "that root applied are not settled yet")?;
    says("sac-loader reload", "other policies are on trial")?;
    fixture.root("echo '# edited' >>/etc/sac/policies/default.yaml; sleep 3")?;
    fixture.statuses("alice", &[("df / >/dev/null", 0), ("lsblk", 126)])?;
    let confirm = fixture.run("root", "sac-loader policy confirm")?;
    equal(confirm.status, 1, "confirming over somebody's edits")?;
    holds(&confirm.stderr, "were changed since the policies were applied")?;
    // Edits that cannot be loaded do not keep the earlier policies from coming back.
    fixture.root("echo 'policy: [' >/etc/sac/policies/default.yaml; sac-loader policy rollback")?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=137")?;
    steps_are(fixture, &[("tried", "root", ""), ("rolled-back", "root", "somebody asked for it")])
}

/// Promise: without a trial policies are where they belong when the command returns, and nothing is left to be done.
fn applied_for_good(fixture: &Fixture) -> anyhow::Result<()> {
    let told = apply(fixture, OTHER, "")?;
    holds(&told, "changed  default.yaml\nremoved  dba.yaml, developers.yaml\n1 policy is in force\n")?;
    equal(fixture.root("ls -A /etc/sac/policies")?.as_str(), "default.yaml\n", "the policy files")?;
    fixture.statuses("alice", &[("df / >/dev/null", 0), ("lsblk", 126)])?;
    equal(
        fixture.root("ls /var/lib/sac/apply; ls -d /run/sac/apply-* 2>/dev/null || true")?.as_str(),
        "before\n",
        "what is left",
    )?;
    steps_are(fixture, &[("installed", "root", "")])?;
    // And back, from what was kept.
    fixture.root(
        "cp -r /var/lib/sac/apply/before /root/old; sac-loader policy apply /root/old; rm -r /root/old",
    )?;
    holds(&fixture.run("alice", "df /; echo df=$?")?.stdout, "df=137")
}

/// Way back in: root logs in, whatever the policies say, and puts the earlier ones back.
fn root_gets_back_in(fixture: &Fixture) -> anyhow::Result<()> {
    apply(fixture, LOCKED, "")?;
    is_out(fixture, "dave")?;
    fixture.run("root", "sac-loader policy apply /var/lib/sac/apply/before")?.success()?;
    is_in(fixture, "dave")?;
    // On trial it is enough to say so.
    apply(fixture, LOCKED, LONG)?;
    is_out(fixture, "dave")?;
    fixture.run("root", "sac-loader policy rollback")?.success()?;
    is_in(fixture, "dave")
}

/// Way back in: the same at the console, where there is no network and no sshd, also where the loader is not there.
fn the_console_gets_back_in(fixture: &Fixture) -> anyhow::Result<()> {
    const SOON: Duration = Duration::from_secs(90);
    apply(fixture, LOCKED, LONG)?;
    is_out(fixture, "dave")?;
    let mut console = fixture.guest().console()?;
    console.log_in("root", "root")?;
    console.send("sac-loader policy rollback; echo status=$?; exit\n")?;
    console.expect("status=0", SOON)?;
    console.expect("login: ", SOON)?;
    is_in(fixture, "dave")?;
    fixture.root("systemctl stop sac-loader")?;
    is_out(fixture, "dave")?;
    console.log_in("root", "root")?;
    console.send("systemctl start sac-loader; echo status=$?; exit\n")?;
    console.expect("status=0", SOON)?;
    console.expect("login: ", SOON)?;
    is_in(fixture, "dave")
}

/// Way back in: whom the PAM line exempts gets in under any policy, and without the loader, and sets it right by sudo.
fn break_glass_gets_back_in(fixture: &Fixture) -> anyhow::Result<()> {
    pam::arguments(fixture, "exempt=dave")?;
    fixture.root("loginctl terminate-user dave 2>/dev/null || true")?;
    apply(fixture, LOCKED, "")?;
    is_out(fixture, "alice")?;
    fixture.run("dave", "sudo sac-loader policy apply /var/lib/sac/apply/before")?.success()?;
    is_in(fixture, "alice")?;
    fixture.root("systemctl stop sac-loader")?;
    is_out(fixture, "alice")?;
    fixture.run("dave", "sudo systemctl start sac-loader")?.success()?;
    is_in(fixture, "alice")
}

/// Way back in: without the line in PAM no login asks anybody. Enabled again, everything is as before.
fn the_profile_can_be_left(fixture: &Fixture) -> anyhow::Result<()> {
    apply(fixture, LOCKED, "")?;
    is_out(fixture, "alice")?;
    let left = fixture.root("pam-auth-update --disable sac").and_then(|_told| is_in(fixture, "alice"));
    let again = fixture.root("pam-auth-update --enable sac");
    left.and(again.map(drop))?;
    is_out(fixture, "alice")?;
    // Where there is no profile the line is taken out by hand.
    fixture.root("rm -rf /root/pam.d; cp -a /etc/pam.d /root/pam.d; sed -i '/pam_sac\\.so/d' /etc/pam.d/common-session*")?;
    let left = is_in(fixture, "alice");
    let again = fixture.root("cp -a /root/pam.d/. /etc/pam.d/");
    left.and(again.map(drop))?;
    is_out(fixture, "alice")
}
