// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiled policies, judged as the kernel half judges. Here is what the tests share: files and arguments as the kernel sees them.

mod agreement;
mod confined_root;
mod tables;

use super::*;
use crate::files::fake::FakeFiles;
use crate::policy::fake::policy;
use sac_abi::decide::{
    Address, Argument, Arguments, DirectoryLookup, Matching, TextLookup, decide, decide_address,
    decide_administration, decide_arguments, decide_content, decide_executable_memory, decide_socket,
    decide_unnamed,
};
use sac_abi::{Object, Verdict};

const KEY: HashKey = HashKey { k0: 3, k1: 4 };

fn situation() -> Situation {
    Situation { at: Timestamp::UNIX_EPOCH, key: KEY, grants: Vec::new() }
}

fn compiled(policy: &Policy, files: &FakeFiles) -> Compiled {
    compile(policy, files, &situation())
}

/// A file as the kernel sees it.
#[derive(Clone, Debug)]
struct File {
    inode: InodeId,
    path: PathBuf,
    directories: Vec<InodeId>,
    untrusted: bool,
    next: usize,
}

impl File {
    /// The file with this identity at this path; it may be anywhere, whatever stands there in `files`.
    fn at(files: &FakeFiles, inode: InodeId, path: &Path) -> Self {
        let mut directories: Vec<InodeId> = Vec::new();
        for part in path.ancestors().skip(1) {
            let Ok(found) = files.resolve(part) else { continue };
            if found.inode.dev != directories.last().map_or(inode.dev, |below| below.dev) {
                break;
            }
            directories.push(found.inode);
        }
        let untrusted = files.resolve(path).is_ok_and(|found| found.owner != 0);
        Self { inode, path: path.to_owned(), directories, untrusted, next: 0 }
    }
}

impl Object for File {
    fn inode(&self) -> InodeId {
        self.inode
    }
    fn path(&mut self) -> TextLookup {
        text(self.path.as_os_str().as_bytes())
    }
    fn name(&mut self) -> TextLookup {
        text(self.path.file_name().unwrap().as_bytes())
    }
    fn parent(&mut self) -> DirectoryLookup {
        self.directories.first().map_or(DirectoryLookup::End, |inode| DirectoryLookup::Known(*inode))
    }
    fn is_untrusted(&mut self) -> bool {
        self.untrusted
    }
    fn next_directory(&mut self) -> DirectoryLookup {
        self.next += 1;
        self.directories
            .get(self.next - 1)
            .map_or(DirectoryLookup::End, |inode| DirectoryLookup::Known(*inode))
    }
}

fn text(text: &[u8]) -> TextLookup {
    TextHash::of_text(KEY, text).map_or(TextLookup::TooLong, TextLookup::Known)
}

struct Words<'w>(&'w [String]);

impl Arguments for Words<'_> {
    fn count(&self) -> u32 {
        self.0.len().try_into().unwrap()
    }
    fn each(&mut self, rules: &impl Rules, matching: &mut Matching) {
        for word in self.0 {
            let argument =
                TextHash::of_text(KEY, word.as_bytes()).map_or(Argument::Unreadable, Argument::Known);
            if !matching.add(rules, argument) {
                return;
            }
        }
    }
}

fn judge(compiled: &Compiled, operation: Operation, file: &File, arguments: &[String]) -> Verdict {
    let decision = decide(compiled, operation, &mut file.clone());
    match decision.group {
        0 => decision.verdict,
        group => decide_arguments(compiled, group, decision.verdict, &mut Words(arguments)),
    }
}

fn verdict_with(
    compiled: &Compiled,
    files: &FakeFiles,
    ino: u64,
    path: &str,
    arguments: &str,
) -> (Action, u32) {
    let file = File::at(files, FakeFiles::inode(ino), Path::new(path));
    let arguments: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
    let verdict = judge(compiled, Operation::Execute, &file, &arguments);
    let (action, rule) = (verdict.action(), verdict.rule);
    (action, rule)
}

fn verdict(compiled: &Compiled, ino: u64, path: &str) -> (Action, u32) {
    verdict_with(compiled, &FakeFiles::default(), ino, path, "")
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.warnings.iter().map(Fault::code).collect()
}

fn contents(compiled: &Compiled, operation: Operation) -> Contents {
    RuleValue::from_bits(compiled.get(&RuleKey::policy(operation))).contents()
}
