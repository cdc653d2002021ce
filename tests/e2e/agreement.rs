// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether `policy explain` and the kernel say the same, over policies and programs that are made up.

use crate::fixture::Fixture;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use xtask::guest::Kernel;

/// Policies that are made up; each is tried with every program and every list of arguments, on one of the kernels.
const POLICIES: u64 = 18;

/// Programs, under several names.
const PREPARE: &str = "rm -rf /srv/agree; mkdir -p /srv/agree/one/two/three /srv/agree/four; cd /srv/agree
for in in one one/two one/two/three four; do for n in 0 1 2 3 4; do cp /usr/bin/true $in/tool$n; done; done
ln -s one/two/tool1 link; ln four/tool2 hard; ln -s one dirlink
printf '#!/usr/bin/bash\\nexit 0\\n' > one/script; printf '#!/srv/agree/four/tool3\\n' > four/script; chmod 755 one/script four/script";

/// Runs each line of its standard input and prints the statuses.
const TRY: &str =
    "while read -r program arguments; do \"$program\" $arguments >/dev/null 2>&1; echo $?; done 2>/dev/null";

const ARGUMENTS: [&[&str]; 5] = [&[], &["start"], &["stop", "now"], &["x", "y", "z"], &["-f"]];

fn programs() -> Vec<String> {
    let tools = ["one", "one/two", "one/two/three", "four"]
        .iter()
        .flat_map(|directory| (0..5).map(move |number| format!("/srv/agree/{directory}/tool{number}")));
    let others = ["link", "hard", "dirlink/tool4", "dirlink/two/tool0", "one/script", "four/script"];
    tools.chain(others.iter().map(|name| format!("/srv/agree/{name}"))).collect()
}

/// Numbers that look random and are the same each time (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        let index = usize::try_from(self.below(texts.len() as u64)).unwrap_or(0);
        texts.get(index).copied().unwrap_or_default()
    }
}

/// A policy that is made up; what the trying itself needs is allowed.
fn policy(number: u64) -> String {
    let mut numbers = Numbers(number + 1);
    let programs = programs();
    let (mut deny, mut allow) = (String::new(), "    - {path: /usr/bin/bash, override: true}\n".to_owned());
    let mut used = Vec::new();
    for _ in 0..4 + numbers.below(8) {
        let path = programs[usize::try_from(numbers.below(programs.len() as u64)).unwrap_or(0)].clone();
        let directory =
            format!("/srv/agree/{}", numbers.of(&["one", "one/two", "one/two/three", "four", "dirlink"]));
        let kind = numbers.of(&["path", "path", "path", "directory", "tree", "name"]);
        let name = numbers.of(&["tool0", "tool1", "tool3", "script"]).to_owned();
        let subject = match kind {
            "path" => path,
            "name" => name,
            _ => directory,
        };
        // One subject twice can be a contradiction, which no policy may have.
        if used.contains(&subject) {
            continue;
        }
        used.push(subject.clone());
        let condition = match (kind, subject.contains("script")) {
            ("path", false) => numbers.of(&[
                "",
                "",
                ", args: [start]",
                ", args: [stop, '*']",
                ", args: [x, '**']",
                ", args_any: [-f]",
            ]),
            _ => "",
        };
        if kind != "name" && numbers.below(3) == 0 {
            let over = numbers.of(&["", ", override: true"]);
            allow += &format!("    - {{{kind}: {subject}{condition}{over}}}\n");
        } else {
            let action = numbers.of(&["kill", "deny", "audit"]);
            deny += &format!("    - {{{kind}: {subject}{condition}, action: {action}}}\n");
        }
    }
    let default = numbers.of(&["allow", "deny"]);
    let action = numbers.of(&["kill", "deny"]);
    format!(
        "policy: developers\napplies_to: {{groups: [developers]}}\naction: {action}\nprograms:\n  default: {default}\n  deny:\n{deny}  allow:\n{allow}"
    )
}

/// Promise: what `policy explain` says of a policy, the kernel does.
pub(crate) fn explain_agrees_with_the_kernel(fixture: &Fixture) -> anyhow::Result<()> {
    fixture.root(PREPARE)?;
    let cases: Vec<(String, &[&str])> = programs()
        .into_iter()
        .flat_map(|program| ARGUMENTS.iter().map(move |arguments| (program.clone(), *arguments)))
        .collect();
    let lines: String =
        cases.iter().map(|(program, arguments)| format!("{program} {}\n", arguments.join(" "))).collect();
    let requests: String = cases
        .iter()
        .map(|(program, arguments)| format!("{}\n", json!({"exec": program, "args": arguments})))
        .collect();
    fixture.root_ssh().stdin(requests).run("cat > /root/requests")?.success()?;
    let mut seen = std::collections::BTreeSet::new();
    let kernels = Kernel::all();
    let own = kernels.iter().position(|kernel| *kernel == fixture.guest().kernel()).unwrap_or(0);
    for number in (0..POLICIES).skip(own).step_by(kernels.len()) {
        let policy = policy(number);
        fixture
            .policies(&[("developers", &policy), ("default", "policy: default\napplies_to: everyone\n")])?;
        let told = fixture.root(
            "sac-loader policy explain --policies /etc/sac/policies/developers.yaml --batch /root/requests",
        )?;
        let done = fixture.ssh("alice").stdin(lines.as_str()).run(TRY)?.stdout;
        let (told, done): (Vec<_>, Vec<_>) = (told.lines().collect(), done.lines().collect());
        ensure!(
            told.len() == cases.len() && done.len() == cases.len(),
            "{} cases, {} told, {} done under\n{policy}",
            cases.len(),
            told.len(),
            done.len()
        );
        for (((program, arguments), told), done) in cases.iter().zip(&told).zip(&done) {
            let verdict: Value = serde_json::from_str(told).with_context(|| (*told).to_owned())?;
            let wanted = match verdict["action"].as_str() {
                Some("kill") => "137",
                Some("deny") => "126",
                Some("allow" | "audit") => "0",
                _ => "no such action",
            };
            ensure!(
                *done == wanted,
                "{program} {arguments:?}: explain says {told}, the kernel's status is {done}, under\n{policy}"
            );
            seen.insert(wanted);
        }
    }
    ensure!(seen.len() == 3, "only {seen:?} was ever wanted");
    Ok(())
}
