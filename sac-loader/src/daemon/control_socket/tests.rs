// SPDX-License-Identifier: MIT OR Apache-2.0
//! The server, over real sockets: who is let in, and that nobody keeps others waiting.

use super::{
    access::{hand_over, permission},
    serve::{Bounds, Place, Places, Service},
    *,
};
use crate::control::REQUEST_BYTES_MAX;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::Shutdown,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Answers with what it was asked, to whoever is let in by `peer`; a request `wait` takes as long as that one says.
struct Echo {
    peer: Peer,
}

impl Service for Echo {
    fn peer(&self, _connection: &UnixStream) -> io::Result<Peer> {
        Ok(self.peer)
    }

    fn answer(&self, _peer: &Peer, line: &[u8]) -> io::Result<Vec<u8>> {
        match line.strip_prefix(b"wait ") {
            Some(_) => thread::sleep(Duration::from_secs(1)),
            None if line == b"much" => return Ok(vec![b'x'; 4 << 20]),
            None => {}
        }
        Ok([line, b"\n"].concat())
    }
}

const READER: Peer = Peer { pid: 1, uid: 1000, may: Some(Permission::Look) };
const ROOT: Peer = Peer { pid: 1, uid: 0, may: Some(Permission::Change) };
const STRANGER: Peer = Peer { pid: 1, uid: 1000, may: None };

/// As in the daemon, but for the patience.
const BOUNDS: Bounds = Bounds { patience: Duration::from_secs(3), ..serve::BOUNDS };

/// Answers as the daemon does, but for what it would do.
struct Judge {
    peer: Peer,
}

impl Service for Judge {
    fn peer(&self, _connection: &UnixStream) -> io::Result<Peer> {
        Ok(self.peer)
    }

    fn answer(&self, peer: &Peer, line: &[u8]) -> io::Result<Vec<u8>> {
        permitted(peer, line).map_or_else(|reason| error(&reason), |request| json(&Answer::Ok(request)))
    }
}

/// A server for `peer` whose socket is in a directory of its own; it lasts as long as the test.
struct Server {
    directory: tempfile::TempDir,
}

impl Server {
    fn start(peer: Peer) -> Self {
        Self::of(Echo { peer })
    }

    fn of(service: impl Service) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UnixListener::bind(directory.path().join("socket")).unwrap();
        thread::spawn(move || serve::serve(&Arc::new(service), &socket, BOUNDS));
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        // Where nobody listens any more the answer has come already.
        let _refused = stream.write_all(request.as_bytes());
        line(&stream)
    }

    /// Wants an answer to come soon, whatever others do meanwhile.
    fn is_awake(&self) {
        let begin = Instant::now();
        assert_eq!(self.ask("hello\n"), "hello\n");
        assert!(begin.elapsed() < BOUNDS.patience, "waited {:?}", begin.elapsed());
    }
}

fn line(stream: &UnixStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_request_may_come_in_pieces_and_without_the_end_of_its_line() {
    let server = Server::start(READER);
    let mut stream = server.connect();
    for piece in ["he", "l", "lo\nand more"] {
        stream.write_all(piece.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(line(&stream), "hello\n");
    let mut half_closed = server.connect();
    half_closed.write_all(b"hello").unwrap();
    half_closed.shutdown(Shutdown::Write).unwrap();
    let mut all = String::new();
    half_closed.read_to_string(&mut all).unwrap();
    assert_eq!(all, "hello\n");
    // Somebody looks whether anybody listens.
    let silent = server.connect();
    silent.shutdown(Shutdown::Write).unwrap();
    assert_eq!(line(&silent), "");
    server.is_awake();
}

#[test]
fn a_request_that_is_too_long_is_refused_and_the_answer_arrives() {
    let server = Server::start(READER);
    for bytes in [REQUEST_BYTES_MAX, 64 << 10, 4 << 20] {
        let answer = server.ask(&"x".repeat(bytes));
        assert!(answer.contains("one line of at most 4096 bytes"), "{bytes}: {answer}");
    }
    let longest = format!("{}\n", "x".repeat(REQUEST_BYTES_MAX - 1));
    assert_eq!(server.ask(&longest), longest);
}

#[test]
fn what_trickles_in_extends_nothing() {
    let server = Server::start(READER);
    let stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    let dripping = thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout)
            && writer.write_all(b"x").is_ok()
        {}
    });
    let begin = Instant::now();
    server.is_awake();
    let answer = line(&stream);
    let took = begin.elapsed();
    drop(stop);
    dripping.join().unwrap();
    assert!(answer.contains("was not there within 3 s"), "{answer}");
    assert!(took < 2 * BOUNDS.patience, "{took:?}");
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let server = Server::start(READER);
    let greedy: Vec<_> = (0..BOUNDS.of_one_user)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"much\n").unwrap();
            stream
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    // Some take a little now and then, which does not help them.
    let begin = Instant::now();
    while server.ask("hello\n").contains("too many") {
        greedy.iter().for_each(|mut stream| stream.read_exact(&mut [0; 1000]).unwrap());
        assert!(begin.elapsed() < 3 * BOUNDS.patience, "they keep their places");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(begin.elapsed() > Duration::from_millis(500), "{:?}", begin.elapsed());
}

#[test]
fn many_connections_of_one_user_are_turned_away_at_once_and_only_for_a_while() {
    let server = Server::start(READER);
    let idle: Vec<_> = (0..BOUNDS.of_one_user).map(|_| server.connect()).collect();
    thread::sleep(Duration::from_millis(100));
    for _ in 0..100 {
        let begin = Instant::now();
        assert!(server.ask("hello\n").contains("too many are asking at the moment"));
        assert!(begin.elapsed() < BOUNDS.patience);
    }
    for stream in &idle {
        assert!(line(stream).contains("was not there within"));
    }
    // Their places come free a moment after they are told.
    let begin = Instant::now();
    while server.ask("hello\n").contains("too many") {
        assert!(begin.elapsed() < BOUNDS.patience, "places are not given back");
        thread::sleep(Duration::from_millis(10));
    }
    server.is_awake();
}

#[test]
fn root_has_more_room_and_there_is_an_end_to_it() {
    let server = Server::start(ROOT);
    let mut busy: Vec<_> = (0..BOUNDS.connections).map(|_| server.connect()).collect();
    for stream in &mut busy {
        stream.write_all(b"wait for it\n").unwrap();
    }
    thread::sleep(Duration::from_millis(100));
    assert!(server.ask("hello\n").contains("too many"));
    for stream in &busy {
        assert_eq!(line(stream), "wait for it\n");
    }
}

#[test]
fn whoever_may_not_ask_is_told_so_before_saying_anything() {
    let server = Server::start(STRANGER);
    for _ in 0..50 {
        let stream = server.connect();
        assert!(line(&stream).contains("only root and members of the group sac-audit may ask"));
    }
    assert!(server.ask("hello\n").contains("only root and members"));
}

#[test]
fn places_are_counted_by_user_and_some_are_root_s() {
    let places = Arc::new(Places { bounds: BOUNDS, taken: std::sync::Mutex::default() });
    let take = |uid: u32| Place::take(&places, uid);
    let readers: Vec<_> = (1000..1004).flat_map(|uid| [uid; 5]).map(take).collect();
    let taken = readers.iter().flatten().count();
    assert_eq!(taken, BOUNDS.connections - BOUNDS.for_root, "4 of three users each, and the rest is root's");
    assert!(readers[4].is_none() && readers[3].is_some(), "one user has 4");
    let roots: Vec<_> = (0..=BOUNDS.for_root).map(|_| take(0)).collect();
    assert!(roots[..BOUNDS.for_root].iter().all(Option::is_some) && roots[BOUNDS.for_root].is_none());
    drop(readers);
    assert!(take(1000).is_some());
    drop(roots);
    assert!(places.taken.lock().unwrap().is_empty(), "all are given back");
}

#[test]
fn groups_of_all_kinds_count_and_only_the_one_group() {
    use Permission::{Change, Look};
    assert_eq!(permission(0, 5, &[], None), Some(Change));
    assert_eq!(permission(1000, 7, &[], Some(7)), Some(Look), "the primary group");
    assert_eq!(permission(1000, 1000, &[4, 7, 9], Some(7)), Some(Look), "a supplementary one");
    assert_eq!(permission(1000, 1000, &[4, 0], Some(7)), None);
    assert_eq!(permission(1000, 7, &[7, 0], None), None, "there is no such group");
}

#[test]
fn the_kernel_says_who_is_there() {
    let (one, _other) = UnixStream::pair().unwrap();
    let (access, _rung) = Access::for_root();
    let peer = access.peer(&one).unwrap();
    assert_eq!((peer.pid.unsigned_abs(), peer.uid), (std::process::id(), rustix::process::getuid().as_raw()));
    let mut groups = crate::sys::peer_groups(std::os::fd::AsFd::as_fd(&one)).unwrap();
    let mut wanted: Vec<_> =
        rustix::process::getgroups().unwrap().into_iter().map(|group| group.as_raw()).collect();
    groups.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(groups, wanted);
}

#[test]
fn the_socket_is_open_to_the_group_and_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let _socket = UnixListener::bind(&path).unwrap();
    let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
    let own = rustix::process::getgid().as_raw();
    for (group, wanted) in [(None, 0o600), (Some(own), 0o660), (None, 0o600)] {
        hand_over(&path, group).unwrap();
        assert_eq!(mode(), wanted);
    }
    assert_eq!(path.metadata().unwrap().gid(), own);
}

#[test]
fn readers_may_look_and_change_nothing() {
    let asks = |peer: &Peer, command: &str| permitted(peer, format!("{{\"command\":{command}}}").as_bytes());
    for command in
        [r#""list-sessions""#, r#""grants""#, r#""show-session","session":"x""#, r#""policy-status""#]
    {
        assert!(asks(&READER, command).is_ok() && asks(&ROOT, command).is_ok(), "{command}");
    }
    for command in [
        r#""reload""#,
        r#""apply-policies","directory":"/root/new","confirm_s":60"#,
        r#""confirm-policies""#,
        r#""roll-back-policies""#,
        r#""revoke","number":1"#,
        r#""grant","user":"bob","exec":"/bin/sh","for_s":60,"reason":"why""#,
        r#""kill-session","session":"x","reason":"why""#,
        r#""freeze","session":"x","reason":"why""#,
        r#""thaw","session":"x""#,
    ] {
        assert!(asks(&READER, command).unwrap_err().contains("only root may do that"), "{command}");
        assert!(asks(&STRANGER, command).unwrap_err().contains("may ask"), "{command}");
        assert!(asks(&ROOT, command).is_ok(), "{command}");
    }
    for text in [&b""[..], b"null", b"\xff", b"{\"command\":\"stop\"}", b"[[[[[[[["] {
        assert!(permitted(&ROOT, text).unwrap_err().contains("not a request"));
    }
}

/// What this process holds that a broken connection could leave in it.
#[derive(Clone, Copy, Debug)]
struct Holdings {
    resident_kib: u64,
    descriptors: usize,
    threads: usize,
}

impl Holdings {
    fn now() -> Self {
        let count = |directory: &str| fs::read_dir(directory).unwrap().count();
        let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        Self {
            resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }

    /// The same when all connections have ended, for which the servers need a moment: when no more is held than before.
    fn when_settled(before: Self) -> Self {
        let begin = Instant::now();
        loop {
            let now = Self::now();
            let is_settled = now.threads <= before.threads && now.descriptors <= before.descriptors;
            if is_settled || begin.elapsed() > 2 * BOUNDS.patience {
                return now;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// One connection of somebody who does it wrong, each in another way. What has to be answered is; a peer that has gone is no error.
fn do_it_wrong(server: &Server, number: usize) {
    let mut stream = server.connect();
    let sends = |mut stream: &UnixStream, bytes: &[u8]| {
        let _turned_away = stream.write_all(bytes);
    };
    let malformed =
        [&b"null\n"[..], b"\xff\0\x1b[2J\n", b"{\"command\":\"stop\"}\n", b"GET / HTTP/1.1\r\n\r\n"];
    match number % 8 {
        // Goes at once.
        0 => {}
        // Says something and does not wait for an answer.
        1 => sends(&stream, b"{\"command\":\"list-sessions\"}\n"),
        // Goes in the middle of a word.
        2 => sends(&stream, b"{\"comm"),
        // Says too much and goes.
        3 => sends(&stream, &[b'x'; 3 * REQUEST_BYTES_MAX]),
        // Says nothing, and that there is nothing more.
        4 => {
            let _turned_away = stream.shutdown(Shutdown::Write);
            let _nothing = stream.read_to_end(&mut Vec::new());
        }
        // Goes deep.
        5 => sends(&stream, &[&[b'['; REQUEST_BYTES_MAX - 1][..], b"\n"].concat()),
        // Says something else than a request, and wants to know what is wrong with it.
        kind => {
            sends(&stream, malformed[number / 8 % malformed.len()]);
            // Of those before, who have gone, some may still be counted.
            let answer = line(&stream);
            let is_refused = ["not a request", "too many are asking", "only root and members"];
            assert!(is_refused.iter().any(|reason| answer.contains(reason)), "{kind}: {answer}");
        }
    }
}

/// In the environment of a process in which a test runs alone: what others hold would be counted with it.
const ALONE: &str = "SAC_TEST_ALONE";

/// Runs the test of this name, of this module, in a process of its own; whether this is that process.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", &format!("{module}::{test}"), "--nocapture"]).env(ALONE, "1");
    let output = alone.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

/// Threat: whoever can connect wears the daemon out.
#[test]
fn ten_thousand_broken_connections_leave_nothing_behind() {
    const CONNECTIONS: usize = 10_000;
    const GROWTH_KIB_MAX: u64 = 1024;
    if !is_alone("ten_thousand_broken_connections_leave_nothing_behind") {
        return;
    }
    let servers = [ROOT, READER, STRANGER].map(|peer| Server::of(Judge { peer }));
    let before = Holdings::now();
    let go_on = |range: std::ops::Range<usize>| {
        range.for_each(|number| do_it_wrong(&servers[number % 3], number / 3));
        Holdings::when_settled(before)
    };
    let early = go_on(0..CONNECTIONS / 10);
    let last = go_on(CONNECTIONS / 10..CONNECTIONS);
    for held in [early, last] {
        assert_eq!((held.descriptors, held.threads), (before.descriptors, before.threads));
    }
    let growth_kib = last.resident_kib.saturating_sub(early.resident_kib);
    assert!(growth_kib <= GROWTH_KIB_MAX, "{early:?}, {last:?}");
    let list = "{\"command\":\"list-sessions\"}\n";
    assert_eq!(servers[0].ask(list), "{\"ok\":{\"command\":\"list-sessions\"}}\n");
}
