// SPDX-License-Identifier: MIT OR Apache-2.0
//! Both formats of apt's sources, and the choice of mirrors.

use super::{Mirror, Source, parse_deb822, parse_one_line};

fn source(uris: &[&str], suites: &[&str]) -> Source {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Source { uris: owned(uris), suites: owned(suites) }
}

#[test]
fn one_line_format() {
    let text = "\
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # why
deb-src http://mirror.example/debian bookworm main
deb\t[arch=amd64 signed-by=/usr/share/keyrings/x.gpg]  http://mirror.example/security\tbookworm-security main

debris http://mirror.example/debian bookworm main
deb http://incomplete.example/debian
";
    let expected = vec![
        source(&["http://mirror.example/debian"], &["bookworm"]),
        source(&["http://mirror.example/security"], &["bookworm-security"]),
    ];
    assert_eq!(parse_one_line(text), expected);
}

#[test]
fn deb822_format() {
    let text = "\
Types: deb deb-src
# a comment inside a stanza
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
";
    assert_eq!(
        parse_deb822(text),
        vec![source(&["http://mirror.example/debian"], &["bookworm", "bookworm-updates"])]
    );
}

#[test]
fn the_mirror_is_the_one_of_the_running_release() {
    let sources = [
        source(&["http://other.example/tool"], &["stable"]),
        source(&["http://mirror.example/debian/"], &["bookworm", "bookworm-updates"]),
        source(&["http://mirror.example/security"], &["bookworm-security"]),
    ];
    let mirror = Mirror::choose(&sources, "bookworm").expect("a source names bookworm");
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    assert_eq!(
        mirror.release_lines("trixie"),
        [
            format!("deb [signed-by={keyring}] http://mirror.example/debian trixie main"),
            format!("deb [signed-by={keyring}] http://mirror.example/debian trixie-updates main"),
            format!("deb [signed-by={keyring}] http://mirror.example/security trixie-security main"),
        ]
    );
    assert_eq!(Mirror::choose(&sources, "trixie"), None);
}

#[test]
fn without_a_security_source_there_is_no_security_line() {
    let sources = [source(&["http://mirror.example/debian"], &["bookworm"])];
    let mirror = Mirror::choose(&sources, "bookworm").expect("a source names bookworm");
    assert_eq!(mirror.release_lines("bookworm").len(), 2);
}
