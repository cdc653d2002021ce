// SPDX-License-Identifier: MIT OR Apache-2.0
//! The terminal: drawn on, given back as it was however that ends, and waited for together with signals and news.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use ratatui::{DefaultTerminal, Frame};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, eventfd, poll},
    io::Errno,
};
use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    sync::Arc,
};

/// The terminal while it is drawn on.
pub(super) struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal. A panic gives it back before it says anything.
    pub(super) fn open() -> io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_error| give_back())
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The cursor is shown again when the terminal itself is dropped. What a panic said would be overwritten if it was given back twice.
        if !std::thread::panicking() {
            give_back();
        }
    }
}

fn give_back() {
    // If the terminal is gone there is nothing to give back.
    let _gone = ratatui::try_restore();
}

/// Wakes somebody who waits in `poll`.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(super) fn ring(&self) {
        // Where so many have rung that there is no room for more, it is ringing.
        let _rings_already = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(super) fn quiet(&self) {
        let _quiet_already = rustix::io::read(&self.0, &mut [0; 8]);
    }

    pub(super) fn is_rung(&self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut polled, Some(&rustix::event::Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What is waited for.
pub(super) struct Inputs {
    signals: SignalFd,
    bell: Arc<Bell>,
}

/// Something that came.
#[derive(Debug)]
pub(super) enum Input {
    /// Bytes from the keyboard.
    Typed(Vec<u8>),
    /// There is something to take.
    News,
    /// The terminal has another size.
    Resized,
    /// A signal that ends programs.
    Signal(u8),
    /// The terminal has gone.
    Gone,
}

impl Inputs {
    /// From here on signals are read; for threads that are started later as well.
    pub(super) fn open() -> io::Result<Self> {
        let signals = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGWINCH];
        let signals = SigSet::from_iter(signals);
        signals.thread_block()?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { signals, bell: Arc::new(Bell::new()?) })
    }

    /// What to ring when there are news.
    pub(super) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Waits for as long as nothing comes.
    pub(super) fn wait(&self) -> io::Result<Vec<Input>> {
        let keyboard = rustix::stdio::stdin();
        let mut polled = [
            PollFd::new(&keyboard, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [is_typed, is_signalled, is_rung] = polled.map(|one| !one.revents().is_empty());
        let mut inputs = Vec::new();
        if is_typed {
            inputs.push(typed(keyboard)?);
        }
        if is_signalled && let Some(signal) = self.signals.read_signal()? {
            inputs.push(of_signal(signal.ssi_signo));
        }
        if is_rung {
            self.bell.quiet();
            inputs.push(Input::News);
        }
        Ok(inputs)
    }
}

fn typed(keyboard: BorrowedFd<'_>) -> io::Result<Input> {
    let mut bytes = vec![0; 256];
    match rustix::io::read(keyboard, &mut bytes) {
        // A terminal that was hung up has an end, or is said to be broken.
        Ok(0) | Err(Errno::IO) => Ok(Input::Gone),
        Ok(count) => {
            bytes.truncate(count);
            Ok(Input::Typed(bytes))
        }
        Err(Errno::INTR | Errno::AGAIN) => Ok(Input::Typed(Vec::new())),
        Err(error) => Err(error.into()),
    }
}

fn of_signal(number: u32) -> Input {
    match u8::try_from(number) {
        Ok(number) if i32::from(number) != Signal::SIGWINCH as i32 => Input::Signal(number),
        _ => Input::Resized,
    }
}
