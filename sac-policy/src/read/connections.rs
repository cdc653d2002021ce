// SPDX-License-Identifier: MIT OR Apache-2.0
//! `connections`: where somebody may connect to. Also networks and ports, wherever they stand.

use super::language::{ALLOWED_CONNECTION, CONNECTIONS, DENIED_CONNECTION, SHARED_CONNECTIONS};
use super::rules::{About, Effect, Section};
use super::{Draft, Reader};
use crate::code::Code;
use crate::fault::quoted;
use crate::network::{Network, NetworkError, PortRange};
use crate::policy::Subject;
use crate::yaml::{Node, Value};
use sac_abi::{Action, Operation};

/// Most entries of `ports`.
const PORTS_MAX: usize = 64;

const LIST_HELP: &str = "write a list, also for one: `[10.0.0.0/8]`";

impl Reader<'_> {
    /// Reads the rules and gives the default.
    pub(super) fn connections(&mut self, node: &Node, action: Action, rules: &mut Vec<Draft>) -> Action {
        let Some([default_node, deny, allow]) = self.fields(node, &CONNECTIONS, "`connections`") else {
            return Action::Allow;
        };
        let default = default_node.map_or(Some(Action::Allow), |node| self.default(node, action));
        let first = rules.len();
        self.sections([deny, allow], "a list of networks", LIST_HELP, rules, Self::connection);
        let own = rules.get(first..).unwrap_or_default();
        if default == Some(Action::Allow) {
            self.lint_without_effect(own, "connections");
        }
        default.unwrap_or(Action::Allow)
    }

    pub(super) fn shared_connections(&mut self, node: &Node, rules: &mut Vec<Draft>) {
        if let Some(lists) = self.fields(node, &SHARED_CONNECTIONS, "`connections` of a rule set") {
            self.sections(lists, "a list of networks", LIST_HELP, rules, Self::connection);
        }
    }

    /// One entry: a network, or a mapping.
    fn connection(&mut self, node: &Node, section: Section) -> Option<Draft> {
        let (to, ports, effect) = if matches!(node.value, Value::Mapping(_)) {
            let (to, ports, effect) = match section {
                Section::Deny => {
                    let [to, ports, action, message, severity, when] =
                        self.fields(node, &DENIED_CONNECTION, "a denied connection")?;
                    (to, ports, Effect { action, message, severity, when, overrides: None })
                }
                Section::Allow => {
                    let [to, ports, overrides, when] =
                        self.fields(node, &ALLOWED_CONNECTION, "an allowed connection")?;
                    (to, ports, Effect { overrides, when, ..Effect::default() })
                }
            };
            if to.is_none() {
                self.missing(node, "to", "say where: `to: 10.0.0.0/8`, or `to: 0.0.0.0/0` for all of IPv4");
            }
            (to?, ports, effect)
        } else {
            (node, None, Effect::default())
        };
        self.text(to, "an address or a network")?;
        let ports = ports.map(|list| self.ports(list)).unwrap_or_default();
        let subject = Subject::Address { network: self.network(to)?, ports };
        let about = About { subject, span: to.span, operations: vec![Operation::Connect], arguments: None };
        Some(self.draft(about, section, effect))
    }

    pub(super) fn network(&mut self, node: &Node) -> Option<Network> {
        let text = self.text(node, "an address or a network")?;
        let error = match text.parse::<Network>() {
            Ok(network) => return Some(network),
            Err(error) => error,
        };
        let help = match error {
            NetworkError::Address => {
                "write an address such as `192.0.2.1` or a network such as `10.0.0.0/8`; names are not looked up"
                    .to_owned()
            }
            NetworkError::Prefix => "write a number up to 32 for IPv4, up to 128 for IPv6".to_owned(),
            NetworkError::Host { meant } => format!("did you mean `{meant}`?"),
        };
        let message = format!("{} is not a network: {error}", quoted(text));
        self.push(self.fault(Code::InvalidAddress, node.span, message).help(help));
        None
    }

    fn ports(&mut self, list: &Node) -> Vec<PortRange> {
        let entries = self.full_list(list, "a list of ports", "write a list, also for one: `[443]`");
        let entries = self.at_most(entries, PORTS_MAX, "`ports`");
        entries.iter().filter_map(|entry| self.port_range(entry)).collect()
    }

    fn port_range(&mut self, node: &Node) -> Option<PortRange> {
        let (written, range) = match &node.value {
            Value::Integer(port) => {
                let port_number = u16::try_from(*port).ok();
                (port.to_string(), port_number.map(|port| PortRange { first: port, last: port }))
            }
            _ => {
                let text = self.text(node, "a port or a range of ports")?;
                (text.to_owned(), port_range(text))
            }
        };
        let range = range.filter(|range| range.first != 0 && range.first <= range.last);
        if range.is_none() {
            let message = format!("{} is not a port or a range of ports", quoted(written));
            let help =
                "write a number from 1 to 65535, or two of them with the lesser one first: `8000-8999`";
            self.push(self.fault(Code::InvalidAddress, node.span, message).help(help));
        }
        range
    }
}

fn port_range(text: &str) -> Option<PortRange> {
    let (first, last) = text.split_once('-')?;
    let port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok()).flatten()
    };
    Some(PortRange { first: port(first)?, last: port(last)? })
}
