// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames there and back, and everything that is none.

use super::*;
use proptest::prelude::*;

#[test]
fn a_reply_of_a_later_version_is_refused() {
    let mut buffer = [0; FRAME_BYTES_MAX];
    let len = OpenReply::Exempt.encode(&mut buffer).unwrap().len();
    buffer[4] += 1;
    assert_eq!(OpenReply::decode(&buffer[..len]), Err(FrameError::Version(FRAME_VERSION + 1)));
}

#[test]
fn a_request_is_no_reply() {
    let mut buffer = [0; FRAME_BYTES_MAX];
    let frame = OpenRequest { user: b"alice", ..OpenRequest::default() }.encode(&mut buffer).unwrap();
    assert!(OpenReply::decode(frame).is_err());
}

#[test]
fn a_name_beyond_its_limit_is_refused_and_a_reason_is_cut() {
    let long = [b'a'; TEXT_BYTES_MAX + 1];
    let mut buffer = [0; FRAME_BYTES_MAX];
    let request = OpenRequest { user: &long[..NAME_BYTES_MAX + 1], ..OpenRequest::default() };
    assert_eq!(request.encode(&mut buffer), Err(FrameError::StringTooLong));
    let session = SessionId::new(1, 1);
    assert_eq!(
        OpenReply::Enter { session, cgroup: &long }.encode(&mut buffer),
        Err(FrameError::StringTooLong)
    );
    let frame = OpenReply::Refused { reason: &long }.encode(&mut buffer).unwrap();
    assert_eq!(OpenReply::decode(frame), Ok(OpenReply::Refused { reason: &long[..TEXT_BYTES_MAX] }));
}

fn name() -> impl Strategy<Value = std::vec::Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=NAME_BYTES_MAX)
}

proptest! {
    #[test]
    fn a_request_reads_back(user in name(), service in name(), tty in name(), rhost in name(), xdg_session_id in name()) {
        let request = OpenRequest { user: &user, service: &service, tty: &tty, rhost: &rhost, xdg_session_id: &xdg_session_id };
        let mut buffer = [0; FRAME_BYTES_MAX];
        let frame = request.encode(&mut buffer).unwrap();
        prop_assert_eq!(OpenRequest::decode(frame), Ok(request));
        prop_assert_eq!(OpenRequest::decode(&frame[..frame.len() - 1]), Err(FrameError::Length));
    }

    #[test]
    fn a_reply_reads_back(number in 0..1_u64 << 48, text in prop::collection::vec(any::<u8>(), 0..=TEXT_BYTES_MAX), kind in 0..5) {
        let session = SessionId::from_number(number).unwrap();
        let reply = match kind {
            0 => OpenReply::Enter { session, cgroup: &text },
            1 => OpenReply::Nested { session },
            2 => OpenReply::Covered,
            3 => OpenReply::Exempt,
            _ => OpenReply::Refused { reason: &text },
        };
        let mut buffer = [0; FRAME_BYTES_MAX];
        let frame = reply.encode(&mut buffer).unwrap();
        prop_assert_eq!(OpenReply::decode(frame), Ok(reply));
    }

    #[test]
    fn no_frame_breaks_the_readers(mut frame in prop::collection::vec(any::<u8>(), 0..FRAME_BYTES_MAX), ours: bool) {
        if ours && frame.len() >= 6 {
            frame[..6].copy_from_slice(b"SACp\x01\0");
        }
        let _request = OpenRequest::decode(&frame);
        let _reply = OpenReply::decode(&frame);
    }
}
