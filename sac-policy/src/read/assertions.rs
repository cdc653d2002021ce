// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tests`: what must be so under a policy. Here it is only read; nothing is decided.

use super::language::{ASSERTION, TESTS};
use super::{Reader, path};
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::{Assertion, Request};
use crate::source::Span;
use crate::yaml::{Node, Value};
use sac_abi::Operation;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Most assertions in one policy.
const ASSERTIONS_MAX: usize = 10_000;

const HELP: &str = "say what is done: `exec`, `delete`, `rename`, `write`, `create`, `read` or `connect`";

impl Reader<'_> {
    pub(super) fn assertions(&mut self, node: &Node) -> Vec<Assertion> {
        let Some([allowed, denied]) = self.fields(node, &TESTS, "`tests`") else {
            return Vec::new();
        };
        let mut assertions = Vec::new();
        for (list, is_allowed) in [(allowed, true), (denied, false)] {
            let Some(list) = list else { continue };
            let entries = self.list(list, "a list of tests", "write a list, also for one: `[/usr/bin/ls]`");
            for entry in self.at_most(entries, ASSERTIONS_MAX, "a list of tests") {
                if let Some((request, span)) = self.request(entry) {
                    assertions.push(Assertion { request, allowed: is_allowed, span });
                }
            }
        }
        assertions
    }

    fn request(&mut self, node: &Node) -> Option<(Request, Span)> {
        if !matches!(node.value, Value::Mapping(_)) {
            let path = self.path(node, "a path or a mapping")?;
            return Some((Request::Execute { path, arguments: None }, node.span));
        }
        let [exec, args, delete, rename, write, create, read, connect] =
            self.fields(node, &ASSERTION, "a test")?;
        let mut requests = [
            (exec, Operation::Execute),
            (delete, Operation::Delete),
            (rename, Operation::Rename),
            (write, Operation::Write),
            (create, Operation::Create),
            (read, Operation::Read),
            (connect, Operation::Connect),
        ]
        .into_iter()
        .filter_map(|(value, operation)| Some((value?, operation)));
        let Some((value, operation)) = requests.next() else {
            self.missing(node, "exec", HELP);
            return None;
        };
        if let Some((second, _)) = requests.next() {
            self.conflict(second, value, "a test is about one thing", "write two tests");
        }
        if let Some(args) = args.filter(|_| exec.is_none()) {
            self.conflict(args, value, "only a program has arguments", "remove `args`");
        }
        let request = match operation {
            Operation::Execute => {
                let arguments = args.map(|list| self.argument_texts(list, "`args`"));
                Request::Execute { path: self.path(value, "a path")?, arguments }
            }
            Operation::Connect => Request::Connect { address: self.socket_address(value)? },
            operation => Request::File { operation, path: self.path(value, "a path")? },
        };
        Some((request, value.span))
    }

    /// A key that cannot stand beside another one.
    pub(super) fn conflict(&mut self, second: &Node, first: &Node, message: &str, help: &str) {
        let fault = self
            .fault(Code::ConflictingKeys, second.span, message)
            .related(self.place(first.span), "beside this")
            .help(help);
        self.push(fault);
    }

    pub(super) fn path(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        let path = self.text(node, what)?;
        if let Err(fault) = path::check(path) {
            self.push(self.fault(fault.code, node.span, fault.message).help(fault.help));
            return None;
        }
        Some(PathBuf::from(path))
    }

    fn socket_address(&mut self, node: &Node) -> Option<SocketAddr> {
        let text = self.text(node, "an address and a port")?;
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.port() != 0);
        if address.is_none() {
            let message = format!("{} is not an address and a port", quoted(text));
            let help = "write `192.0.2.1:443`, or `[2001:db8::1]:443`; names are not looked up";
            self.push(self.fault(Code::InvalidAddress, node.span, message).help(help));
        }
        address
    }
}
