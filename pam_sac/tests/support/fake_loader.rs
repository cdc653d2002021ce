// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loader's end of the socket, for tests: a real SEQPACKET listener that answers, lies, hangs or goes away.
//!
//! Nothing here waits longer than [`PATIENCE`], so that a broken test fails instead of hanging.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the unit tests and the pamtester tests each use a part of it")]

use sac_abi::SessionId;
use sac_abi::pam::{FRAME_BYTES_MAX, OpenReply};
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Some session's id.
pub(crate) const SESSION: SessionId = SessionId::new(1_700_000_000, 7);

/// A socket that listens.
pub(crate) struct Listener(OwnedFd);

/// One accepted connection.
pub(crate) struct Connection(OwnedFd);

impl Listener {
    /// Binds and listens; `backlog` as in listen(2).
    pub(crate) fn bind(path: &Path, backlog: i32) -> Self {
        let listener = Self::bind_only(path);
        listener.listen(backlog);
        listener
    }

    /// Binds without listening: connections are refused.
    pub(crate) fn bind_only(path: &Path) -> Self {
        // SAFETY: socket(2) takes three numbers.
        let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0) };
        assert!(fd >= 0, "socket: {}", std::io::Error::last_os_error());
        // SAFETY: the descriptor is new.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: zero is a value for each field.
        let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
        address.sun_family = u16::try_from(libc::AF_UNIX).unwrap();
        for (to, from) in address.sun_path.iter_mut().zip(path.as_os_str().as_bytes()) {
            *to = from.cast_signed();
        }
        let bytes = libc::socklen_t::try_from(size_of::<libc::sockaddr_un>()).unwrap();
        // SAFETY: the pointer and the length describe `address`.
        let bound = unsafe { libc::bind(fd, (&raw const address).cast(), bytes) };
        assert_eq!(bound, 0, "bind {}: {}", path.display(), std::io::Error::last_os_error());
        Self(socket)
    }

    pub(crate) fn listen(&self, backlog: i32) {
        // SAFETY: listen(2) takes two numbers.
        let listening = unsafe { libc::listen(self.0.as_raw_fd(), backlog) };
        assert_eq!(listening, 0, "listen: {}", std::io::Error::last_os_error());
    }

    pub(crate) fn accept(&self) -> Connection {
        assert!(readable(&self.0, PATIENCE), "nobody connected");
        let nobody = std::ptr::null_mut();
        // SAFETY: no address is asked for.
        let fd =
            unsafe { libc::accept4(self.0.as_raw_fd(), nobody, std::ptr::null_mut(), libc::SOCK_CLOEXEC) };
        assert!(fd >= 0, "accept: {}", std::io::Error::last_os_error());
        // SAFETY: the descriptor is new.
        Connection(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Does `serve` to the first connection, on another thread.
    pub(crate) fn serve<T: Send + 'static>(
        self,
        serve: impl FnOnce(Connection) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        thread::spawn(move || serve(self.accept()))
    }
}

impl Connection {
    /// The next packet; empty at the end of the connection.
    pub(crate) fn receive(&self) -> Vec<u8> {
        assert!(readable(&self.0, PATIENCE), "nothing was sent");
        let mut packet = vec![0; 2 * FRAME_BYTES_MAX];
        // SAFETY: the pointer and the length describe `packet`.
        let bytes = unsafe { libc::recv(self.0.as_raw_fd(), packet.as_mut_ptr().cast(), packet.len(), 0) };
        packet.truncate(usize::try_from(bytes).unwrap_or(0));
        packet
    }

    pub(crate) fn send(&self, packet: &[u8]) {
        assert!(self.try_send(packet), "send: {}", std::io::Error::last_os_error());
    }

    /// Whether the packet went out.
    pub(crate) fn try_send(&self, packet: &[u8]) -> bool {
        let flags = libc::MSG_NOSIGNAL;
        // SAFETY: the pointer and the length describe `packet`.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), packet.as_ptr().cast(), packet.len(), flags) };
        usize::try_from(sent) == Ok(packet.len())
    }

    pub(crate) fn reply(&self, reply: &OpenReply<'_>) {
        self.send(&frame(reply));
    }

    /// The process on the other end.
    pub(crate) fn peer(&self) -> i32 {
        let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
        let mut bytes = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap();
        let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
        // SAFETY: the pointer and the length describe `peer`.
        let asked = unsafe {
            libc::getsockopt(self.0.as_raw_fd(), level, option, (&raw mut peer).cast(), &raw mut bytes)
        };
        assert_eq!(asked, 0, "SO_PEERCRED: {}", std::io::Error::last_os_error());
        peer.pid
    }

    /// Whether something arrives, or the connection ends, within `limit`.
    pub(crate) fn stirs(&self, limit: Duration) -> bool {
        readable(&self.0, limit)
    }

    /// Waits for the end of the connection.
    pub(crate) fn wait_for_end(&self) {
        assert_eq!(self.receive(), b"", "something was sent instead of the end");
    }
}

/// A reply as bytes.
pub(crate) fn frame(reply: &OpenReply<'_>) -> Vec<u8> {
    reply.encode(&mut [0; FRAME_BYTES_MAX]).unwrap().to_vec()
}

/// The user that a listener of this process shows to its peers.
pub(crate) fn own_uid() -> u32 {
    // SAFETY: geteuid(2) takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Changes the user of the calling thread, for the rest of its life. The system call concerns one thread; the C library's
/// function would change them all.
pub(crate) fn become_user_of_this_thread(uid: u32) {
    // SAFETY: setresuid(2) takes three numbers; -1 leaves one as it is.
    let result = unsafe { libc::syscall(libc::SYS_setresuid, u32::MAX, uid, u32::MAX) };
    assert_eq!(result, 0, "setresuid: {}", std::io::Error::last_os_error());
}

/// Runs `call` while signals that have a handler keep interrupting it.
pub(crate) fn under_signals<T>(call: impl FnOnce() -> T) -> T {
    extern "C" fn ignore(_signal: libc::c_int) {}
    // SAFETY: zero is a value for each field: no flags, so no system call is restarted.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ignore as *const () as usize;
    // SAFETY: the handler does nothing, and nothing else here uses the signal.
    let installed = unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    assert_eq!(installed, 0, "sigaction: {}", std::io::Error::last_os_error());
    // SAFETY: pthread_self(3) takes nothing.
    let interrupted = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // SAFETY: the thread that is interrupted waits below for this one, so it exists.
                let killed = unsafe { libc::pthread_kill(interrupted, libc::SIGUSR1) };
                assert_eq!(killed, 0);
                thread::sleep(Duration::from_millis(2));
            }
        });
        let result = call();
        done.store(true, Ordering::Relaxed);
        result
    })
}

pub(crate) fn make_fifo(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path ends in NUL.
    let made = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
    assert_eq!(made, 0, "mkfifo: {}", std::io::Error::last_os_error());
}

fn readable(socket: &OwnedFd, limit: Duration) -> bool {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer describes one pollfd.
    unsafe { libc::poll(&raw mut poll, 1, i32::try_from(limit.as_millis()).unwrap()) == 1 }
}

/// Held by each test that opens descriptors: they are counted per process, and tests run on threads of one process.
static DESCRIPTORS: Mutex<()> = Mutex::new(());

/// Runs `test` and fails if it leaves a descriptor open, or closes one that it did not open.
pub(crate) fn without_leaks<T>(test: impl FnOnce() -> T) -> T {
    let _guard = DESCRIPTORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = descriptors();
    let result = test();
    assert_eq!(descriptors(), before, "a descriptor was left open, or one too many was closed");
    result
}

pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
