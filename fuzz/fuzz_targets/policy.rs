// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as policy files: whatever they are, checking, compiling, explaining and linting end without a panic.
//!
//! A line `---` separates files, so that policies which inherit and contradict each other are reached as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sac_abi::rule::InodeId;
use sac_abi::{HashKey, Operation};
use sac_policy::files::{FileKind, NameKind, ResolveError};
use sac_policy::policy::Request;
use sac_policy::{
    Affected, Colour, Files, Grant, Policy, PolicySet, Resolved, Situation, Source, compile, explain, lint,
    lint_lockout, run_assertions,
};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Programs, scripts and directories, by their paths; the number of a file is its place here.
const FILES: [&str; 12] = [
    "/",
    "/usr",
    "/usr/bin",
    "/srv",
    "/srv/games",
    "/usr/bin/df",
    "/usr/bin/bash",
    "/usr/bin/systemctl",
    "/usr/bin/python3",
    "/usr/bin/backup",
    "/srv/games/chess",
    "/etc/shadow",
];
/// How many of them are directories.
const DIRECTORIES: usize = 5;
/// Interpreted by a program that is there.
const SCRIPT: &str = "/usr/bin/backup";

/// A small machine, on which /bin is a link to /usr/bin and games are on a file system of their own.
struct Machine;

impl Files for Machine {
    fn resolve(&self, path: &Path) -> Result<Resolved, ResolveError> {
        let canonical = match path.strip_prefix("/bin") {
            Ok(rest) => Path::new("/usr/bin").join(rest),
            Err(_) => path.to_owned(),
        };
        let at = FILES.iter().position(|file| Path::new(file) == canonical).ok_or(ResolveError::NotFound)?;
        let minor = if canonical.starts_with("/srv/games") { 2 } else { 1 };
        Ok(Resolved {
            inode: InodeId::new(8, minor, at as u64 + 2),
            name: if path == Path::new("/bin") { NameKind::SymbolicLink } else { NameKind::File },
            kind: if at < DIRECTORIES { FileKind::Directory } else { FileKind::Regular },
            mode: if canonical.starts_with("/etc") { 0o600 } else { 0o755 },
            owner: if canonical.starts_with("/srv/games") { 1000 } else { 0 },
            group: 0,
            names: 1,
            canonical,
        })
    }

    fn mounts_below(&self, directory: &Path) -> Vec<InodeId> {
        let games = Path::new("/srv/games");
        let is_below = games.starts_with(directory) && games != directory;
        self.resolve(games).ok().filter(|_| is_below).map(|found| found.inode).into_iter().collect()
    }

    fn head(&self, path: &Path) -> Option<Vec<u8>> {
        let head = if path == Path::new(SCRIPT) { "#!/usr/bin/bash -e\n" } else { "\x7fELF" };
        Some(head.into())
    }

    fn digest(&self, path: &Path) -> Option<[u8; 32]> {
        self.resolve(path).ok().map(|_found| [0; 32])
    }
}

fn requests(policy: &Policy) -> Vec<Request> {
    let arguments = Some(vec!["stop".to_owned(), "nginx".to_owned()]);
    let mut requests: Vec<Request> = FILES
        .iter()
        .map(|path| Request::Execute { path: PathBuf::from(path), arguments: arguments.clone() })
        .collect();
    // What the policy itself names, as far as that is enough to look at.
    for path in policy.rules.iter().take(8).filter_map(|rule| rule.subject.path()) {
        requests.push(Request::Execute { path: path.to_owned(), arguments: None });
        requests.push(Request::File { operation: Operation::Delete, path: path.join("below") });
    }
    let address = SocketAddr::from(([10, 1, 2, 3], 443));
    requests.push(Request::Connect { address });
    requests.push(Request::File { operation: Operation::Read, path: "/etc/shadow".into() });
    requests
}

/// Puts a policy to use, at a moment.
fn use_policy(policy: &Policy, situation: &Situation) {
    let compiled = compile(policy, &Machine, situation);
    let _shown = compiled.warnings.render(Colour::Never);
    if let Some(next) = compiled.next_change {
        assert!(next > situation.at, "the next change of {} is in the past", policy.name);
    }
    for request in requests(policy) {
        let explanation = explain(policy, &compiled, &Machine, &request, situation);
        assert!(!explanation.conclusion.is_empty());
    }
    let _shown = run_assertions(policy, &compiled, &Machine, situation).render(Colour::Never);
    let _shown = lint(policy, &Machine).render(Colour::Never);
    let person = Affected { name: "alice", shell: Path::new("/bin/bash"), administers: true };
    let _shown = lint_lockout(policy, person, &Machine, situation).render(Colour::Never);
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let sources = text.split("\n---\n").take(8).enumerate();
    let sources =
        sources.map(|(at, text)| Source::new(format!("/etc/sac/policies/{at}.yaml"), text)).collect();
    let loaded = match PolicySet::from_sources(sources) {
        Ok(loaded) => loaded,
        Err(faults) => {
            assert!(faults.iter().next().is_some(), "policies are refused without a reason");
            let _shown = faults.render(Colour::Never);
            return;
        }
    };
    let _shown = loaded.warnings.render(Colour::Never);
    let key = HashKey { k0: 1, k1: 2 };
    let grants = vec![Grant { number: 1, path: "/usr/bin/df".into(), until_boot_s: 9 }];
    for at in [jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::constant(1_790_000_000, 0)] {
        for policy in loaded.set.policies() {
            use_policy(policy, &Situation { at, key, grants: Vec::new() });
            use_policy(policy, &Situation { at, key, grants: grants.clone() });
        }
    }
});
