// SPDX-License-Identifier: MIT OR Apache-2.0
//! `applies_to`: whom a policy is for, and for which of their logins.
//!
//! Whether a user or group exists is not asked here: that is the loader's business, at the login.

use super::Reader;
use super::fields::did_you_mean;
use super::language::{APPLIES_TO, EVERYONE, LOCAL};
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::{Account, AccountId, AppliesTo, Origin, Who};
use crate::yaml::{Node, Value};

/// Most services in one policy.
const SERVICES_MAX: usize = 64;

/// Most networks in one policy.
const ORIGINS_MAX: usize = 256;

/// Longest name of a PAM service, in bytes; it is the name of a file.
const SERVICE_BYTES_MAX: usize = 255;

/// Longest user or group name, in bytes. Linux itself allows 32, directories of companies more.
const ACCOUNT_BYTES_MAX: usize = 255;

#[derive(Clone, Copy)]
enum AccountKind {
    User,
    Group,
}

impl AccountKind {
    const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

impl Reader<'_> {
    pub(super) fn applies_to(&mut self, node: &Node) -> Option<AppliesTo> {
        let of = |who| AppliesTo { who, services: Vec::new(), from: Vec::new(), terminal: None, when: None };
        if let Value::Text(word) = &node.value {
            if word == EVERYONE {
                return Some(of(Who::Everyone { span: node.span }));
            }
            let message = format!("{} does not say whom the policy is for", quoted(word));
            let help = did_you_mean(word, &[EVERYONE])
                .unwrap_or_else(|| "use `everyone`, or a mapping with `users` and `groups`".to_owned());
            self.push(self.fault(Code::UnknownWord, node.span, message).help(help));
            return None;
        }
        let [users, groups, everyone, services, from, terminal, when] =
            self.fields(node, &APPLIES_TO, "`applies_to`")?;
        let who = match everyone {
            Some(everyone) => self.everyone(everyone, users.or(groups)),
            None => Some(self.people(node, users, groups)),
        };
        Some(AppliesTo {
            services: services.map(|list| self.services(list)).unwrap_or_default(),
            from: from.map(|list| self.origins(list)).unwrap_or_default(),
            terminal: terminal.and_then(|node| self.flag(node)),
            when: when.and_then(|node| self.when(node)),
            ..of(who?)
        })
    }

    /// The key `everyone`, beside which nobody else is named.
    fn everyone(&mut self, node: &Node, accounts: Option<&Node>) -> Option<Who> {
        if let Some(accounts) = accounts {
            let fault = self
                .fault(Code::ConflictingKeys, node.span, "a policy for everyone names nobody else")
                .related(self.place(accounts.span), "named here")
                .help("remove `everyone`, or `users` and `groups`");
            self.push(fault);
        }
        if !self.flag(node)? {
            let help = "write `everyone: true`, or remove the key";
            let fault =
                self.fault(Code::UnknownWord, node.span, "`false` does not say whom the policy is for");
            self.push(fault.help(help));
            return None;
        }
        Some(Who::Everyone { span: node.span })
    }

    fn people(&mut self, node: &Node, users: Option<&Node>, groups: Option<&Node>) -> Who {
        let written = [users, groups].into_iter().flatten().any(|list| match &list.value {
            Value::List(entries) => !entries.is_empty(),
            Value::Null => false,
            _ => true,
        });
        if !written {
            let help = "name somebody under `users` or `groups`, or write `applies_to: everyone`";
            let fault =
                self.fault(Code::AppliesToNobody, node.span, "the policy applies to nobody").help(help);
            self.push(fault);
        }
        let users = users.map(|list| self.accounts(list, AccountKind::User)).unwrap_or_default();
        let groups = groups.map(|list| self.accounts(list, AccountKind::Group)).unwrap_or_default();
        Who::Accounts { users, groups }
    }

    fn services(&mut self, list: &Node) -> Vec<String> {
        let entries = self.full_list(list, "a list of PAM services", "write a list, also for one: `[sshd]`");
        let entries = self.at_most(entries, SERVICES_MAX, "`services`");
        entries.iter().filter_map(|entry| self.service(entry)).collect()
    }

    fn service(&mut self, node: &Node) -> Option<String> {
        let name = self.text(node, "the name of a PAM service")?;
        let sound = !name.is_empty()
            && name.len() <= SERVICE_BYTES_MAX
            && !name.contains(|c: char| c.is_control() || c.is_whitespace() || c == '/');
        if !sound {
            let message = format!("{} cannot be the name of a PAM service", quoted(name));
            let help = "use the name of a file in /etc/pam.d, such as `sshd`, `login` or `cron`";
            self.push(self.fault(Code::InvalidService, node.span, message).help(help));
        }
        sound.then(|| name.to_owned())
    }

    fn origins(&mut self, list: &Node) -> Vec<Origin> {
        let help = "write a list, also for one: `[10.0.0.0/8]`";
        let entries = self.full_list(list, "a list of networks", help);
        let entries = self.at_most(entries, ORIGINS_MAX, "`from`");
        entries.iter().filter_map(|entry| self.origin(entry)).collect()
    }

    fn origin(&mut self, node: &Node) -> Option<Origin> {
        if self.text(node, "a network or `local`")? == LOCAL {
            return Some(Origin::Local);
        }
        self.network(node).map(Origin::Network)
    }

    fn accounts(&mut self, list: &Node, kind: AccountKind) -> Vec<Account> {
        let noun = kind.noun();
        let entries = self.list(list, &format!("a list of {noun}s"), "write a list, also for one: `[NAME]`");
        entries.iter().filter_map(|entry| self.account(entry, kind)).collect()
    }

    fn account(&mut self, node: &Node, kind: AccountKind) -> Option<Account> {
        let id = match &node.value {
            Value::Integer(number) => self.account_number(node, *number, kind)?,
            _ => self.account_name(node, kind)?,
        };
        let root = matches!(&id, AccountId::Id(0)) || matches!(&id, AccountId::Name(name) if name == "root");
        if root && matches!(kind, AccountKind::User) {
            let fault = self
                .fault(Code::RootConfined, node.span, "a policy cannot apply to root")
                .help("remove this entry: root is never confined, so that no policy can lock everyone out");
            self.push(fault);
            return None;
        }
        Some(Account { id, span: node.span })
    }

    fn account_number(&mut self, node: &Node, number: i128, kind: AccountKind) -> Option<AccountId> {
        // The greatest number means "no id" to the kernel.
        match u32::try_from(number) {
            Ok(id) if id != u32::MAX => Some(AccountId::Id(id)),
            _ => {
                let message = format!("{number} cannot be the id of a {}", kind.noun());
                let help = format!("use a number from 0 to {}", u32::MAX - 1);
                self.push(self.fault(Code::InvalidAccount, node.span, message).help(help));
                None
            }
        }
    }

    fn account_name(&mut self, node: &Node, kind: AccountKind) -> Option<AccountId> {
        let noun = kind.noun();
        let name = self.text(node, &format!("the name or id of a {noun}"))?;
        let help = if name.starts_with(['%', '@']) {
            "write groups under `groups`, without a sign before the name"
        } else if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            "write an id as a number: without quotes, `_` and leading zeros"
        } else if name.is_empty()
            || name.len() > ACCOUNT_BYTES_MAX
            || name.starts_with('-')
            || name.trim() != name
            || name.contains([':', ',', '/'])
            || name.contains(char::is_control)
        {
            "a name has 1 to 255 bytes, no `:`, `,`, `/`, control character or outer space, and no `-` in front"
        } else {
            return Some(AccountId::Name(name.to_owned()));
        };
        let message = format!("{} cannot be the name of a {noun}", quoted(name));
        self.push(self.fault(Code::InvalidAccount, node.span, message).help(help));
        None
    }
}
