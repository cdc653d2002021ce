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
    let session = || "3b0kq7e000".to_owned();
    let show = r#"{"command":"show-session","session":"3b0kq7e000"}"#;
    assert_eq!(reads(show), Ok(Request::ShowSession { session: session() }));
    let kill = r#"{"command":"kill-session","session":"3b0kq7e000","reason":"why"}"#;
    assert_eq!(reads(kill), Ok(Request::KillSession { session: session(), reason: "why".to_owned() }));
    let freeze = r#"{"command":"freeze","session":"3b0kq7e000","reason":"why"}"#;
    assert_eq!(reads(freeze), Ok(Request::Freeze { session: session(), reason: "why".to_owned() }));
    let thaw = r#"{"command":"thaw","session":"3b0kq7e000"}"#;
    assert_eq!(reads(thaw), Ok(Request::Thaw { session: session(), reason: None }));
    assert_eq!(reads(r#"{"command":"policy-status"}"#), Ok(Request::PolicyStatus {}));
    assert_eq!(reads(r#"{"command":"confirm-policies"}"#), Ok(Request::ConfirmPolicies {}));
    assert_eq!(reads(r#"{"command":"roll-back-policies"}"#), Ok(Request::RollBackPolicies {}));
    let apply = r#"{"command":"apply-policies","directory":"/root/new"}"#;
    assert_eq!(reads(apply), Ok(Request::ApplyPolicies { directory: "/root/new".into(), confirm_s: None }));
    let on_trial = r#"{"command":"apply-policies","directory":"/root/new","confirm_s":60}"#;
    assert_eq!(
        reads(on_trial),
        Ok(Request::ApplyPolicies { directory: "/root/new".into(), confirm_s: Some(60) })
    );
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
        r#"{"command":"apply-policies","confirm_s":60}"#,
        r#"{"command":"apply-policies","directory":"/root/new","confirm_s":-1}"#,
        r#"{"command":"kill-session","session":"3b0kq7e000"}"#,
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

#[test]
fn a_daemon_that_does_not_answer_is_named_as_that() {
    // A read that takes too long, as the kernel says it.
    let (mut stream, _silent) = std::os::unix::net::UnixStream::pair().unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
    let error = std::io::Read::read(&mut stream, &mut [0]).unwrap_err();
    let told = no_answer(&error).to_string();
    assert!(told.starts_with("the daemon gave no answer within 30 s, "), "{told}");
}
