// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every way in which a loader can fail to answer, on a real socket; each ends in time and leaves no descriptor.

use super::*;
use crate::fake_loader::{
    Connection, Listener, SESSION, become_user_of_this_thread, frame, own_uid, under_signals, without_leaks,
};
use std::time::Instant;

const TIMEOUT: Duration = Duration::from_millis(300);
/// What a busy machine may add to a wait.
const SLACK: Duration = Duration::from_secs(3);

/// Asks the loader at `path` and gives the reply as it would read in an assertion.
fn ask_at(path: &Path, uid: u32) -> Result<String, AskError> {
    let loader = Loader { socket: path, uid };
    let request = OpenRequest { user: b"alice", service: b"sshd", ..OpenRequest::default() };
    let started = Instant::now();
    let mut buffer = [0; FRAME_BYTES_MAX];
    let answer = ask(loader, &request, &Deadline::after(TIMEOUT), &mut buffer);
    let took = started.elapsed();
    assert!(took < TIMEOUT + SLACK, "it took {took:?}");
    if matches!(answer, Err(AskError::Timeout(_))) {
        assert!(took >= TIMEOUT, "it gave up after {took:?}");
    }
    answer.map(|answer| format!("{:?}", answer.reply))
}

/// Asks a loader that accepts and then does `serve`.
fn ask_served(serve: impl FnOnce(Connection) + Send + 'static) -> Result<String, AskError> {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let serving = Listener::bind(&path, 8).serve(serve);
        let answer = ask_at(&path, own_uid());
        serving.join().unwrap();
        answer
    })
}

#[test]
fn a_reply_arrives_and_the_request_is_whole() {
    let reply = ask_served(|connection| {
        let packet = connection.receive();
        let request = OpenRequest::decode(&packet).unwrap();
        assert_eq!((request.user, request.service, request.tty), (&b"alice"[..], &b"sshd"[..], &b""[..]));
        connection.reply(&OpenReply::Nested { session: SESSION });
        connection.wait_for_end();
    });
    assert_eq!(reply.unwrap(), format!("{:?}", OpenReply::Nested { session: SESSION }));
}

#[test]
fn a_reply_counts_even_if_the_loader_is_gone_by_then() {
    let reply = ask_served(|connection| {
        connection.receive();
        connection.reply(&OpenReply::Covered);
    });
    assert_eq!(reply.unwrap(), "Covered");
}

#[test]
fn of_several_packets_only_the_first_counts() {
    let reply = ask_served(|connection| {
        connection.receive();
        connection.reply(&OpenReply::Refused { reason: b"no" });
        // By now the other end may have closed.
        connection.try_send(&frame(&OpenReply::Exempt));
        connection.stirs(TIMEOUT);
    });
    assert_eq!(reply.unwrap(), format!("{:?}", OpenReply::Refused { reason: b"no" }));
}

#[test]
fn nobody_listens() {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        for (what, wanted) in [("absent", libc::ENOENT), ("bound", libc::ECONNREFUSED)] {
            let _listener = (what == "bound").then(|| Listener::bind_only(&path));
            match ask_at(&path, own_uid()) {
                Err(AskError::Connect(error)) => assert_eq!(error.raw_os_error(), Some(wanted), "{what}"),
                other => panic!("{what}: {other:?}"),
            }
        }
        // A stream socket is none of ours.
        let path = directory.path().join("stream");
        let _stream = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(ask_at(&path, own_uid()), Err(AskError::Connect(_))));
    });
}

#[test]
fn a_path_that_is_no_address_is_not_cut() {
    without_leaks(|| {
        for path in ["/x".repeat(54), "/a\0b".to_owned(), String::new()] {
            assert!(matches!(ask_at(Path::new(&path), own_uid()), Err(AskError::Connect(_))), "{path:?}");
        }
    });
}

#[test]
fn a_loader_that_hangs_is_given_up() {
    let answer = ask_served(|connection| {
        connection.receive();
        connection.wait_for_end();
    });
    assert!(matches!(answer, Err(AskError::Timeout(Wait::Reply))), "{answer:?}");
    let answer = without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let _never_accepts = Listener::bind(&path, 8);
        ask_at(&path, own_uid())
    });
    assert!(matches!(answer, Err(AskError::Timeout(Wait::Reply))), "{answer:?}");
}

#[test]
fn a_loader_that_goes_away_is_noticed_at_once() {
    let started = Instant::now();
    let answer = ask_served(|connection| {
        connection.receive();
    });
    assert!(matches!(answer, Err(AskError::Closed)), "{answer:?}");
    let answer = ask_served(|connection| {
        connection.receive();
        connection.send(b"");
        connection.wait_for_end();
    });
    assert!(matches!(answer, Err(AskError::Closed)), "an empty packet: {answer:?}");
    let answer = ask_served(|connection| assert!(connection.stirs(TIMEOUT)));
    assert!(matches!(answer, Err(AskError::Closed)), "the request unread: {answer:?}");
    assert!(started.elapsed() < 2 * SLACK);
}

#[test]
fn nonsense_is_no_reply() {
    let valid = frame(&OpenReply::Enter { session: SESSION, cgroup: b"/sys/fs/cgroup/x" });
    let mut later_version = valid.clone();
    later_version[4] = 9;
    let mut unknown_kind = valid.clone();
    unknown_kind[6] = 99;
    let request = OpenRequest::default().encode(&mut [0; FRAME_BYTES_MAX]).unwrap().to_vec();
    let cases: [(Vec<u8>, FrameError); 6] = [
        (b"OK\n".to_vec(), FrameError::Length),
        (b"HTTP/1.1 200 OK".to_vec(), FrameError::Magic),
        (valid[..valid.len() - 1].to_vec(), FrameError::Length),
        ([&valid[..], b"x"].concat(), FrameError::Length),
        (later_version, FrameError::Version(9)),
        (unknown_kind, FrameError::Kind(99)),
    ];
    for (packet, wanted) in cases {
        let answer = ask_served(move |connection| {
            connection.receive();
            connection.send(&packet);
        });
        assert!(
            matches!(answer, Err(AskError::Reply(error)) if error == wanted),
            "{answer:?}, not {wanted:?}"
        );
    }
    // Our own request, sent back.
    let answer = ask_served(move |connection| {
        connection.receive();
        connection.send(&request);
    });
    assert!(matches!(answer, Err(AskError::Reply(_))), "{answer:?}");
}

#[test]
fn a_reply_that_does_not_fit_is_refused_whole() {
    let answer = ask_served(|connection| {
        connection.receive();
        let mut packet = frame(&OpenReply::Exempt);
        packet.resize(FRAME_BYTES_MAX + 1, 0);
        connection.send(&packet);
    });
    assert!(matches!(answer, Err(AskError::TooLong(bytes)) if bytes == FRAME_BYTES_MAX + 1), "{answer:?}");
}

#[test]
fn a_full_backlog_is_waited_for_within_the_deadline() {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let listener = Listener::bind(&path, 0);
        let waiting = fill_backlog(&path);
        let answer = ask_at(&path, own_uid());
        assert!(matches!(answer, Err(AskError::Timeout(Wait::Connect))), "{answer:?}");
        // The same, but there is room after a while.
        let serving = thread::spawn(move || {
            thread::sleep(TIMEOUT / 4);
            for _ in &waiting {
                drop(listener.accept());
            }
            let connection = listener.accept();
            connection.receive();
            connection.reply(&OpenReply::Covered);
        });
        assert_eq!(ask_at(&path, own_uid()).unwrap(), "Covered");
        serving.join().unwrap();
    });
}

fn fill_backlog(path: &Path) -> Vec<OwnedFd> {
    let mut waiting = Vec::new();
    loop {
        let connection = socket::seqpacket().unwrap();
        match socket::connect(connection.as_fd(), path) {
            Ok(()) => waiting.push(connection),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return waiting,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn only_root_is_believed() {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let listener = Listener::bind_only(&path);
        // The credentials that a peer sees are those of the thread that called listen. Where the tests run as root, that
        // thread becomes somebody else first; otherwise it is somebody else already.
        let listener = thread::spawn(move || {
            if own_uid() == 0 {
                become_user_of_this_thread(65534);
            }
            listener.listen(8);
            (own_uid(), listener)
        });
        let (uid, listener) = listener.join().unwrap();
        assert_ne!(uid, 0);
        let answer = ask_at(&path, 0);
        assert!(matches!(answer, Err(AskError::Peer { uid: found }) if found == uid), "{answer:?}");
        // It was not even told who logs in.
        assert_eq!(listener.accept().receive(), b"");
    });
}

#[test]
fn signals_neither_shorten_nor_lengthen_the_wait() {
    without_leaks(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let _never_accepts = Listener::bind(&path, 8);
        let answer = under_signals(|| ask_at(&path, own_uid()));
        assert!(matches!(answer, Err(AskError::Timeout(Wait::Reply))), "{answer:?}");
    });
}

#[test]
fn a_name_that_is_too_long_is_not_sent() {
    let long = [b'a'; 300];
    let request = OpenRequest { user: &long, ..OpenRequest::default() };
    let loader = Loader { socket: Path::new("/nonexistent"), uid: 0 };
    let answer = ask(loader, &request, &Deadline::after(TIMEOUT), &mut [0; FRAME_BYTES_MAX]).map(|_| ());
    assert!(matches!(answer, Err(AskError::Request(FrameError::StringTooLong))), "{answer:?}");
}
