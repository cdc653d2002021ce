// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes as what the PAM module asks the loader: what is read is what was written, within its limits, and a refusal of it can be recorded
//! and sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sac_abi::pam::{FRAME_BYTES_MAX, NAME_BYTES_MAX, OpenReply, OpenRequest, TEXT_BYTES_MAX};
use sac_audit::record::Event;
use sac_audit::text::Text;

fuzz_target!(|bytes: &[u8]| {
    let mut frame = [0; FRAME_BYTES_MAX];
    refuse(bytes, &mut frame);
    let Ok(request) = OpenRequest::decode(bytes) else { return };
    let OpenRequest { user, service, tty, rhost, xdg_session_id } = request;
    for name in [user, service, tty, rhost, xdg_session_id] {
        assert!(name.len() <= NAME_BYTES_MAX);
    }
    // There is one way to write a request: nothing can be hidden in it.
    assert_eq!(request.encode(&mut frame), Ok(bytes));
    record(&request);
});

/// Refuses a login with these bytes as the reason: the reply is always one, with as much of it as there is room for.
fn refuse(reason: &[u8], frame: &mut [u8; FRAME_BYTES_MAX]) {
    let reply = OpenReply::Refused { reason }.encode(frame).expect("a refusal always fits");
    let kept = reason.get(..TEXT_BYTES_MAX).unwrap_or(reason);
    assert_eq!(OpenReply::decode(reply), Ok(OpenReply::Refused { reason: kept }));
}

fn record(request: &OpenRequest<'_>) {
    let [user, service, from] = [request.user, request.service, request.rhost].map(Text::from_bytes);
    let refused = Event::SessionRefused { user, service, from, reason: "no".to_owned() };
    let line = serde_json::to_string(&refused).expect("it can be written");
    assert!(!line.contains('\n') && line.len() <= 6 * 3 * NAME_BYTES_MAX + 256, "{} bytes", line.len());
    assert_eq!(serde_json::from_str::<Event>(&line).expect("it can be read"), refused);
}
