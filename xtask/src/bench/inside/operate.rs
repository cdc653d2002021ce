// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out single operations, many in one process, so that they are counted without the process's start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::bench::operations::{self, Operation};
use crate::bench::part;

/// How many mappings a program does more than the one that it is compared with.
pub(super) const MAPPINGS: u32 = 1_000;

/// Everything that operations are carried out on.
pub(super) struct Operator {
    dir: PathBuf,
    file: PathBuf,
    other_name: PathBuf,
    /// A socket that sends to itself.
    /// In memory: ext4 looks for a free inode among all that were freed lately, which costs more the more there are.
    made: PathBuf,
    socket: UdpSocket,
    own_address: SocketAddr,
    /// Where nobody listens.
    nobody: SocketAddr,
}

impl Operator {
    /// Where `prepare` was.
    pub(super) fn new(dir: &Path) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("making a socket")?;
        socket.set_nonblocking(true)?;
        let own_address = socket.local_addr()?;
        // The listener goes at once, and nobody else comes.
        let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        Ok(Self {
            dir: dir.to_owned(),
            file: operations::file(dir),
            other_name: operations::directory(dir).join("other-name"),
            made: PathBuf::from(format!("/dev/shm/bench-{}", std::process::id())),
            socket,
            own_address,
            nobody: nobody.context("looking for a port that nobody uses")?,
        })
    }

    /// How many instructions one of `runs` operations takes.
    pub(super) fn round(&self, operation: Operation, runs: u32) -> Result<u64> {
        if operation == Operation::Map {
            return self.mappings();
        }
        if operation == Operation::Unlink {
            return self.unlink(runs);
        }
        let start = Instant::now();
        for _ in 0..runs {
            self.once(operation).with_context(|| format!("measuring {}", part::name(operation)))?;
        }
        let taken = start.elapsed();
        if operation == Operation::Send {
            self.receive(runs)?;
        }
        // There and back are two.
        each(taken, if operation == Operation::Rename { runs * 2 } else { runs })
    }

    fn once(&self, operation: Operation) -> io::Result<()> {
        match operation {
            Operation::Read => File::open(&self.file).map(drop),
            Operation::Write => OpenOptions::new().write(true).open(&self.file).map(drop),
            Operation::Create => {
                File::create_new(&self.made).map(drop)?;
                fs::remove_file(&self.made)
            }
            Operation::Rename => {
                fs::rename(&self.file, &self.other_name)?;
                fs::rename(&self.other_name, &self.file)
            }
            Operation::Connect => match TcpStream::connect(self.nobody) {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
                Err(error) => Err(error),
                Ok(_) => Err(io::Error::other("somebody listens")),
            },
            Operation::Send => self.socket.send_to(b"x", self.own_address).map(drop),
            // These have rounds of their own.
            Operation::Unlink | Operation::Map => Ok(()),
        }
    }

    /// Files are made first, which does not count.
    fn unlink(&self, runs: u32) -> Result<u64> {
        let file = |number| operations::directory(&self.dir).join(format!("made-{number}"));
        let files: Vec<_> = (0..runs).map(file).collect();
        for file in &files {
            File::create_new(file).with_context(|| format!("making {}", file.display()))?;
        }
        let start = Instant::now();
        for file in &files {
            fs::remove_file(file).with_context(|| format!("removing {}", file.display()))?;
        }
        each(start.elapsed(), runs)
    }

    /// Takes what was sent out of the socket, which has room for about two hundred datagrams; with no room it would cost less to send.
    fn receive(&self, sent: u32) -> Result<()> {
        for number in 0..sent {
            let received = self.socket.recv(&mut [0]);
            received.with_context(|| format!("receiving {sent} datagrams, of which {number} came"))?;
        }
        Ok(())
    }

    /// Two executions of programs that differ in how often they map.
    fn mappings(&self) -> Result<u64> {
        let few = self.run_mapping(1)?;
        let many = self.run_mapping(MAPPINGS + 1)?;
        each(many.saturating_sub(few), MAPPINGS)
    }

    fn run_mapping(&self, times: u32) -> Result<Duration> {
        let program = operations::mapping(&self.dir, times);
        let mapped = File::open(&self.file).with_context(|| format!("opening {}", self.file.display()))?;
        let mut command = Command::new(&program);
        command.stdin(mapped);
        let start = Instant::now();
        let status = command.status().with_context(|| format!("starting {}", program.display()))?;
        let taken = start.elapsed();
        ensure!(status.success(), "{} ended with {status}", program.display());
        Ok(taken)
    }
}

fn each(taken: Duration, count: u32) -> Result<u64> {
    Ok(u64::try_from(taken.as_nanos() / u128::from(count))?)
}
