// SPDX-License-Identifier: MIT OR Apache-2.0
//! `applies_to`: whom a policy is for.
//!
//! Whether a user or group exists is not asked here: that is the loader's business, at the login.

use super::Reader;
use crate::code::Code;
use crate::fault::quoted;
use crate::policy::{Account, AccountId, Who};
use crate::yaml::{Node, Value};

pub(super) const WHO_KEYS: [&str; 2] = ["users", "groups"];
const EVERYONE: &str = "everyone";

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
    pub(super) fn who(&mut self, node: &Node) -> Option<Who> {
        if let Value::Text(word) = &node.value {
            if word == EVERYONE {
                return Some(Who::Everyone { span: node.span });
            }
            let message = format!("{} does not say whom the policy is for", quoted(word));
            let help = "use `everyone`, or a mapping with `users` and `groups`";
            self.push(self.fault(Code::UnknownWord, node.span, message).help(help));
            return None;
        }
        let [users, groups] = self.fields(node, WHO_KEYS, "`applies_to`")?;
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
        Some(Who::Accounts { users, groups })
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
