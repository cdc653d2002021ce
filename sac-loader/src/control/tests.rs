// SPDX-License-Identifier: MIT OR Apache-2.0
//! The language of the control socket, as somebody with `socat` would speak it.

use super::*;

fn reads(text: &str) -> Result<Request, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_command_is_one_word() {
    assert_eq!(reads(r#"{"command":"list-sessions"}"#), Ok(Request::ListSessions {}));
    assert_eq!(reads(r#"{"command":"reload"}"#), Ok(Request::Reload {}));
    assert_eq!(reads(r#"{"command":"revoke","number":3}"#), Ok(Request::Revoke { number: 3 }));
    let grant = r#"{"command":"grant","user":"bob","exec":"/usr/bin/df","for_s":60,"reason":"why"}"#;
    let [user, reason] = ["bob", "why"].map(str::to_owned);
    assert_eq!(reads(grant), Ok(Request::Grant { user, exec: "/usr/bin/df".into(), for_s: 60, reason }));
}

#[test]
fn what_is_no_command_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        r#"{"command":"stop"}"#,
        r#"{"command":"reload","force":true}"#,
        r#"{"command":"reload"}x"#,
    ] {
        assert!(reads(text).is_err(), "{text}");
    }
}

#[test]
fn an_answer_reads_back() {
    for answer in [Answer::Ok(Reloaded { policies: 3 }), Answer::Error("no".to_owned())] {
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer<Reloaded>>(&text).unwrap(), answer);
    }
}
