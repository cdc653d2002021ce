// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader top`: who is in, what runs there and what was just blocked, live on a terminal.
//!
//! [`source`] asks the daemon and reads the record, on a thread of its own, so that a daemon that does not answer keeps nobody from
//! leaving. [`model`] makes rows of what it found, [`view`] draws them, and [`terminal`] is where keys and signals come from.

mod keys;
mod model;
mod processes;
mod seen;
mod source;
mod terminal;
mod view;

use super::look::DirectoryArguments;
use super::paint::Paint;
use anyhow::{Context as _, bail};
use jiff::tz::TimeZone;
use model::{Model, Pressed};
use source::Source;
use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};
use terminal::{Input, Inputs, Screen};

/// What `top` takes.
#[derive(clap::Args, Debug)]
pub(super) struct TopArguments {
    #[command(flatten)]
    directory: DirectoryArguments,
}

/// Shows it until somebody wants to leave.
pub(super) fn run(arguments: &TopArguments) -> anyhow::Result<ExitCode> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        writeln!(
            io::stderr(),
            "sac-loader: top needs a terminal; elsewhere use `sac-loader list-sessions` or `sac-loader events --follow`"
        )?;
        return Ok(ExitCode::from(super::MISUSED));
    }
    let paint = Paint::for_output(&io::stdout());
    let mut source = Source::new(&arguments.directory.directory);
    let first = source.look(None);
    if let (Some(Err(daemon)), Some(record)) = (&first.sessions, &first.record_fault) {
        bail!("{daemon}; {record}");
    }
    let mut model = Model::new(TimeZone::system(), host());
    model.take(first);
    // From here on signals are read, by all threads that are started below.
    let inputs = Inputs::open().context("preparing to wait for keys and signals")?;
    let told = source.start(inputs.bell()).context("starting the thread that looks")?;
    let mut screen = Screen::open().context("preparing the terminal")?;
    let mut keys = keys::Keys::default();
    loop {
        told.want(model.wanted());
        screen.draw(|frame| view::draw(frame, &model, paint))?;
        for input in inputs.wait()? {
            match input {
                Input::Typed(bytes) => {
                    let pressed = bytes.into_iter().filter_map(|byte| keys.take(byte));
                    if pressed.map(|key| model.press(key)).any(|pressed| pressed == Pressed::Quit) {
                        return Ok(ExitCode::SUCCESS);
                    }
                }
                Input::News => told.take()?.into_iter().for_each(|look| model.take(look)),
                Input::Resized => {}
                Input::Signal(number) => return Ok(ExitCode::from(128 + number)),
                Input::Gone => return Ok(ExitCode::SUCCESS),
            }
        }
    }
}

/// The name of this machine; nothing where it is not known.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
