// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept, what is left out, and what is found again.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn file(directory: &Path, uid: u32) -> serde_json::Value {
    serde_json::from_slice(&fs::read(directory.join(format!("{uid}.json"))).unwrap()).unwrap()
}

#[test]
fn a_program_is_kept_with_its_first_and_last_time_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    for second in [100, 200] {
        let mut sightings = Sightings::new(directory.path());
        sightings.see(1000, "alice", Some("/usr/bin/ls"), at(second));
        sightings.flush();
    }
    let expected = serde_json::json!({
        "version": 1, "user": "alice", "uid": 1000, "left_out": 0,
        "programs": [{"path": "/usr/bin/ls", "first": "1970-01-01T00:01:40Z", "last": "1970-01-01T00:03:20Z"}],
    });
    assert_eq!(file(directory.path(), 1000), expected);
}

#[test]
fn what_does_not_fit_is_counted_and_what_is_known_still_moves() {
    let directory = tempfile::tempdir().unwrap();
    let mut sightings = Sightings::new(directory.path());
    for number in 0..PROGRAMS_MAX + 2 {
        sightings.see(1000, "alice", Some(&format!("/p/{number:06}")), at(1));
    }
    sightings.see(1000, "alice", Some("/p/000000"), at(9));
    sightings.see(1000, "alice", None, at(9));
    sightings.see(1000, "alice", Some("memfd:x"), at(9));
    sightings.flush();
    let file = file(directory.path(), 1000);
    assert_eq!(file["programs"].as_array().unwrap().len(), PROGRAMS_MAX);
    assert_eq!(file["programs"][0]["last"], "1970-01-01T00:00:09Z");
    assert_eq!(file["left_out"], 4);
}

#[test]
fn a_user_too_many_waits_until_another_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut sightings = Sightings::new(directory.path());
    let last = u32::try_from(USERS_MAX).unwrap();
    (0..=last).for_each(|uid| sightings.see(uid, "somebody", Some("/bin/sh"), at(1)));
    assert_eq!((sightings.users.len(), sightings.left_out), (USERS_MAX, 1));
    sightings.flush();
    sightings.see(last, "somebody", Some("/bin/sh"), at(2));
    sightings.flush();
    assert_eq!(sightings.users.len(), USERS_MAX);
    assert_eq!(file(directory.path(), last)["programs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_broken_file_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("1000.json"), "{").unwrap();
    let mut sightings = Sightings::new(directory.path());
    sightings.see(1000, "alice", Some("/bin/sh"), at(1));
    sightings.flush();
    assert_eq!(file(directory.path(), 1000)["programs"][0]["path"], "/bin/sh");
}
