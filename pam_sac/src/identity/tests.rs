// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is asked about and who is not, from a made-up name service and from this machine's.

use super::*;
use crate::fake_loader::without_leaks;
use crate::sys::names::NameService;
use std::cell::Cell;
use std::ffi::CString;

/// root and toor have uid 0; alice is in developers (primary) and wheel; nobody knows ghost.
#[derive(Default)]
struct MadeUp {
    group_lookups: Cell<u32>,
    broken: Option<&'static str>,
}

impl MadeUp {
    fn fail(&self, lookup: &str) -> io::Result<()> {
        if self.broken == Some(lookup) { Err(io::Error::from_raw_os_error(libc::EIO)) } else { Ok(()) }
    }
}

impl Names for MadeUp {
    fn account(&self, user: &CStr) -> io::Result<Option<Account>> {
        self.fail("account")?;
        Ok(match user.to_bytes() {
            b"root" | b"toor" => Some(Account { uid: 0, gid: 0 }),
            b"alice" => Some(Account { uid: 1000, gid: 100 }),
            _ => None,
        })
    }

    fn group(&self, group: &CStr) -> io::Result<Option<u32>> {
        self.group_lookups.set(self.group_lookups.get() + 1);
        self.fail("group")?;
        Ok(match group.to_bytes() {
            b"developers" => Some(100),
            b"wheel" => Some(10),
            b"dba" => Some(20),
            _ => None,
        })
    }

    fn groups_of(&self, _user: &CStr, account: Account) -> io::Result<Vec<u32>> {
        self.group_lookups.set(self.group_lookups.get() + 1);
        self.fail("groups_of")?;
        Ok(vec![account.gid, 10])
    }
}

fn entries(exempt: &str) -> Vec<Exempt> {
    let entry = |name: &str| match name.strip_prefix('@') {
        Some(group) => Exempt::Group(CString::new(group).unwrap()),
        None => Exempt::User(CString::new(name).unwrap()),
    };
    exempt.split_terminator(',').map(entry).collect()
}

/// `wanted` is `root`, `ordinary` or the entry that exempts; the warnings come back.
fn check(names: &dyn Names, user: &CStr, exempt: &str, wanted: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let entries = entries(exempt);
    let found = match standing(names, user, &entries, &mut warnings) {
        Standing::Root => "root".to_owned(),
        Standing::Ordinary => "ordinary".to_owned(),
        Standing::Exempt(entry) => String::from_utf8(entry.spelling()).unwrap(),
    };
    assert_eq!(found, wanted, "user {user:?}, exempt={exempt}");
    warnings
}

#[test]
fn every_name_of_uid_0_is_root_whatever_is_exempt() {
    let names = MadeUp::default();
    for exempt in ["", "root", "@wheel"] {
        assert!(check(&names, c"root", exempt, "root").is_empty());
        assert!(check(&names, c"toor", exempt, "root").is_empty());
    }
}

#[test]
fn users_and_members_of_groups_are_exempt() {
    let names = MadeUp::default();
    for (exempt, wanted) in [
        ("", "ordinary"),
        ("bob", "ordinary"),
        ("alice", "alice"),
        ("ALICE", "ordinary"),
        ("@developers", "@developers"),
        ("@wheel", "@wheel"),
        ("@dba", "ordinary"),
        ("@alice", "ordinary"),
        ("wheel", "ordinary"),
        ("@dba,@wheel,alice", "alice"),
    ] {
        let warnings = check(&names, c"alice", exempt, wanted);
        assert_eq!(warnings.is_empty(), exempt != "@alice", "{warnings:?}");
    }
}

#[test]
fn groups_are_looked_up_only_where_exempt_names_one() {
    let names = MadeUp::default();
    check(&names, c"alice", "bob,carol", "ordinary");
    check(&names, c"alice", "alice,@wheel", "alice");
    assert_eq!(names.group_lookups.get(), 0);
}

#[test]
fn an_unknown_user_is_exempt_by_name_alone() {
    let names = MadeUp::default();
    assert!(check(&names, c"ghost", "@wheel", "ordinary").is_empty());
    assert!(check(&names, c"ghost", "ghost", "ghost").is_empty());
}

#[test]
fn a_failed_lookup_exempts_nobody_and_warns() {
    let error = "Input/output error (os error 5)";
    for (broken, user, exempt, warning) in [
        ("account", c"root", "@wheel", format!("cannot look up user \"root\": {error}")),
        ("group", c"alice", "@wheel", format!("cannot look up group \"wheel\": {error}")),
        ("groups_of", c"alice", "@wheel", format!("cannot look up the groups of user \"alice\": {error}")),
        ("", c"alice", "@wheels", "exempt= names the group \"wheels\", which does not exist".to_owned()),
    ] {
        let names = MadeUp { broken: Some(broken), ..MadeUp::default() };
        assert_eq!(check(&names, user, exempt, "ordinary"), [warning]);
    }
    // The primary group stands in the account itself.
    let names = MadeUp { broken: Some("groups_of"), ..MadeUp::default() };
    assert_eq!(check(&names, c"alice", "@developers", "@developers").len(), 1);
}

#[test]
fn this_machine_knows_root_and_daemon() {
    // The name service may keep what it loads, so the first look is outside the count.
    assert_eq!(NameService.account(c"root").unwrap(), Some(Account { uid: 0, gid: 0 }));
    without_leaks(|| {
        assert!(check(&NameService, c"root", "", "root").is_empty());
        assert!(check(&NameService, c"daemon", "@daemon", "@daemon").is_empty());
        assert!(check(&NameService, c"daemon", "@root", "ordinary").is_empty());
        assert!(check(&NameService, c"no such user", "@daemon", "ordinary").is_empty());
        assert_eq!(check(&NameService, c"daemon", "@no such group", "ordinary").len(), 1);
    });
}
