// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grants as they are given, taken back, and found again.

use super::*;

fn wish(uid: u32, path: &str, for_s: u32) -> Wish {
    let [user, reason, by] = ["bob", "the disk is full", "alice"].map(str::to_owned);
    Wish { uid, user, path: path.into(), for_s, reason, by }
}

fn grants() -> (tempfile::TempDir, Grants) {
    let directory = tempfile::tempdir().unwrap();
    let grants = Grants::open(&directory.path().join("grants.json")).unwrap();
    (directory, grants)
}

#[test]
fn numbers_never_repeat_not_even_after_a_restart() {
    let (directory, mut grants) = grants();
    assert_eq!(grants.add(wish(1000, "/bin/sh", 60), 5).unwrap().number, 1);
    assert_eq!(grants.revoke(1).unwrap().unwrap().until_boot_s, 65);
    assert!(grants.revoke(1).unwrap().is_none());
    let mut again = Grants::open(&directory.path().join("grants.json")).unwrap();
    assert!(again.list().is_empty());
    assert_eq!(again.add(wish(1000, "/bin/sh", 60), 5).unwrap().number, 2);
    let found = Grants::open(&directory.path().join("grants.json")).unwrap();
    assert_eq!(found.list().len(), 1);
}

#[test]
fn a_grant_ends_at_its_second_and_not_before() {
    let (_directory, mut grants) = grants();
    grants.add(wish(1000, "/bin/sh", 60), 5).unwrap();
    grants.add(wish(1000, "/bin/sh", 90), 5).unwrap();
    assert_eq!(grants.next_end_boot_s(), Some(65));
    assert!(grants.expire(64).unwrap().is_empty());
    assert_eq!(grants.expire(65).unwrap().iter().map(|grant| grant.number).collect::<Vec<_>>(), [1]);
    assert_eq!(grants.next_end_boot_s(), Some(95));
}

#[test]
fn what_cannot_be_granted_changes_nothing() {
    let (_directory, mut grants) = grants();
    let mut refused = |wish| grants.add(wish, 0).unwrap_err().to_string();
    assert!(refused(wish(0, "/bin/sh", 60)).contains("root"));
    assert!(refused(wish(1000, "bin/sh", 60)).contains("absolute"));
    assert!(refused(wish(1000, "/no/such/program", 60)).contains("no file"));
    assert!(refused(wish(1000, "/bin", 60)).contains("no file"));
    assert!(refused(wish(1000, "/bin/sh", 0)).contains("30 days"));
    assert!(refused(wish(1000, "/bin/sh", GRANT_SECONDS_MAX + 1)).contains("30 days"));
    assert!(refused(Wish { reason: "a\nb".to_owned(), ..wish(1000, "/bin/sh", 60) }).contains("reason"));
    assert!(refused(Wish { reason: "  ".to_owned(), ..wish(1000, "/bin/sh", 60) }).contains("reason"));
    assert_eq!(grants.add(wish(1000, "/bin/sh", GRANT_SECONDS_MAX), 0).unwrap().number, 1);
}

#[test]
fn there_is_room_for_so_many_grants_and_no_more() {
    let (_directory, mut grants) = grants();
    let one = grants.add(wish(1000, "/bin/sh", 60), 0).unwrap();
    grants.grants = vec![one; GRANTS_MAX];
    assert!(matches!(grants.add(wish(1000, "/bin/sh", 60), 0), Err(GrantError::TooMany)));
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("grants.json");
    fs::write(&file, "{").unwrap();
    assert!(Grants::open(&file).is_err());
}
