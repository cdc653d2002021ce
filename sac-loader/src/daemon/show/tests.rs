// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said where a session is not found.

use super::*;

const OPEN: [(&str, &str); 3] = [("3b0kmxp000", "alice"), ("3b0kmxw000", "bob"), ("3c00000001", "carol")];

fn said(session: &str) -> String {
    unknown(session, &OPEN.map(|(id, user)| (id.to_owned(), user)))
}

#[test]
fn ids_that_are_nearly_the_same_are_named() {
    for (session, named) in [
        ("3b0kmxp001", &[0, 1][..]),
        ("3B0KMXP00O", &[0, 1]),
        ("3b0k", &[0, 1]),
        ("3c00000010", &[2]),
        ("3c00", &[2]),
    ] {
        let text = said(session);
        assert!(text.contains("did you mean"), "{text}");
        for (index, (id, user)) in OPEN.iter().enumerate() {
            let is_named = text.contains(&format!("{id} ({user})"));
            assert_eq!(is_named, named.contains(&index), "{id} in {text}");
        }
    }
}

#[test]
fn otherwise_the_newest_are_named_and_where_none_is_open_that_is_said() {
    let text = said("zzz");
    assert!(
        text.contains("the newest are 3c00000001 (carol), 3b0kmxw000 (bob), 3b0kmxp000 (alice);"),
        "{text}"
    );
    assert_eq!(unknown("zzz", &[]), "there is no session zzz; none is open");
    let many: Vec<_> = (0..9).map(|number| (format!("3c0000000{number}"), "dave")).collect();
    let text = unknown("zzz", &many);
    assert!(text.contains("3c00000004 (dave) and others;") && !text.contains("3c00000003"), "{text}");
}
