// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames between the PAM module and the loader.
//!
//! The module sends one [`OpenRequest`] over a sequenced-packet socket and gets one [`OpenReply`]; a frame is one packet.
//! Integers are little-endian, strings are bytes with a 16-bit length before them. Both sides treat what they receive as
//! hostile: a frame is decoded whole or refused, and no string is longer than its limit.
//!
//! ```text
//! request: magic u32 | version u16 | user | service | tty | rhost | xdg_session_id
//! reply:   magic u32 | version u16 | kind u16 | session u64 | text (cgroup directory, or the reason for a refusal)
//! ```

use crate::session::SessionId;

/// Where the loader listens for the PAM module; only root may connect.
pub const SOCKET_PATH: &str = "/run/sac/pam.sock";

/// Version of the frames. Module and loader are upgraded together, but an sshd may hold an older module for a while.
pub const FRAME_VERSION: u16 = 1;

/// Longest frame in bytes. A longer packet is refused.
pub const FRAME_BYTES_MAX: usize = 4096;

/// Longest user, service, terminal or host name in bytes: `LOGIN_NAME_MAX` is 256 and host names have 255 at most.
pub const NAME_BYTES_MAX: usize = 256;

/// Longest text of a reply in bytes: a cgroup directory.
pub const TEXT_BYTES_MAX: usize = 2048;

/// "SACp", so that a peer that speaks something else is noticed.
const MAGIC: u32 = u32::from_le_bytes(*b"SACp");

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The frame ends too early, or goes on where it should end.
    Length,
    /// The frame is not one of ours.
    Magic,
    /// The frame is of a version that this side does not speak.
    Version(u16),
    /// The reply's kind is unknown.
    Kind(u16),
    /// A string is longer than its limit.
    StringTooLong,
    /// The session id is out of range.
    SessionId,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length => f.write_str("the frame has a wrong length"),
            Self::Magic => f.write_str("the frame does not begin with the mark of SAC"),
            Self::Version(version) => write!(f, "the frame has version {version}, not {FRAME_VERSION}"),
            Self::Kind(kind) => write!(f, "the reply has the unknown kind {kind}"),
            Self::StringTooLong => f.write_str("the frame holds a string beyond its limit"),
            Self::SessionId => f.write_str("the frame holds a session id out of range"),
        }
    }
}

impl core::error::Error for FrameError {}

/// A login asks to be put under its policy.
///
/// It says who logs in, because root's PAM stack knows that. Which process asks, the loader takes from the socket's
/// credentials, and groups from the name service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenRequest<'a> {
    /// `PAM_USER`.
    pub user: &'a [u8],
    /// `PAM_SERVICE`.
    pub service: &'a [u8],
    /// `PAM_TTY`, empty where unset; sshd says `ssh`.
    pub tty: &'a [u8],
    /// `PAM_RHOST`, empty where unset.
    pub rhost: &'a [u8],
    /// `XDG_SESSION_ID` from the PAM environment, empty where pam_systemd made no session.
    pub xdg_session_id: &'a [u8],
}

/// What the loader answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenReply<'a> {
    /// The session is ready: move this process into the cgroup, then go on.
    Enter {
        /// The new session.
        session: SessionId,
        /// Directory of its cgroup, absolute.
        cgroup: &'a [u8],
    },
    /// The caller already lives in a session (su, sudo) and stays there.
    Nested {
        /// The session it is in.
        session: SessionId,
    },
    /// The caller stays where it is; the policy on its user's slice holds it (the user manager).
    Covered,
    /// No policy applies to this user by the loader's own rules (root).
    Exempt,
    /// The login must not go on.
    Refused {
        /// One line for the log.
        reason: &'a [u8],
    },
}

const KIND_ENTER: u16 = 1;
const KIND_NESTED: u16 = 2;
const KIND_COVERED: u16 = 3;
const KIND_EXEMPT: u16 = 4;
const KIND_REFUSED: u16 = 5;

impl<'a> OpenRequest<'a> {
    /// Writes the frame into `buffer` and returns it.
    ///
    /// # Errors
    ///
    /// [`FrameError::StringTooLong`] where a name is longer than [`NAME_BYTES_MAX`].
    pub fn encode<'b>(&self, buffer: &'b mut [u8; FRAME_BYTES_MAX]) -> Result<&'b [u8], FrameError> {
        let mut writer = Writer { buffer, len: 0 };
        writer.header()?;
        for name in [self.user, self.service, self.tty, self.rhost, self.xdg_session_id] {
            writer.string(name, NAME_BYTES_MAX)?;
        }
        writer.finish()
    }

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// Any [`FrameError`] but `Kind` and `SessionId`.
    pub fn decode(frame: &'a [u8]) -> Result<Self, FrameError> {
        let mut reader = Reader { rest: frame };
        reader.header()?;
        let request = Self {
            user: reader.string(NAME_BYTES_MAX)?,
            service: reader.string(NAME_BYTES_MAX)?,
            tty: reader.string(NAME_BYTES_MAX)?,
            rhost: reader.string(NAME_BYTES_MAX)?,
            xdg_session_id: reader.string(NAME_BYTES_MAX)?,
        };
        reader.finish()?;
        Ok(request)
    }
}

impl<'a> OpenReply<'a> {
    /// Writes the frame into `buffer` and returns it.
    ///
    /// # Errors
    ///
    /// [`FrameError::StringTooLong`] where the cgroup's directory is longer than [`TEXT_BYTES_MAX`]. A reason is cut.
    pub fn encode<'b>(&self, buffer: &'b mut [u8; FRAME_BYTES_MAX]) -> Result<&'b [u8], FrameError> {
        let (kind, session, text): (u16, u64, &[u8]) = match *self {
            Self::Enter { session, cgroup } => (KIND_ENTER, session.get(), cgroup),
            Self::Nested { session } => (KIND_NESTED, session.get(), &[]),
            Self::Covered => (KIND_COVERED, 0, &[]),
            Self::Exempt => (KIND_EXEMPT, 0, &[]),
            Self::Refused { reason } => (KIND_REFUSED, 0, reason.get(..TEXT_BYTES_MAX).unwrap_or(reason)),
        };
        let mut writer = Writer { buffer, len: 0 };
        writer.header()?;
        writer.bytes(&kind.to_le_bytes())?;
        writer.bytes(&session.to_le_bytes())?;
        writer.string(text, TEXT_BYTES_MAX)?;
        writer.finish()
    }

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// Any [`FrameError`].
    pub fn decode(frame: &'a [u8]) -> Result<Self, FrameError> {
        let mut reader = Reader { rest: frame };
        reader.header()?;
        let kind = u16::from_le_bytes(reader.array()?);
        let session =
            SessionId::from_number(u64::from_le_bytes(reader.array()?)).ok_or(FrameError::SessionId)?;
        let text = reader.string(TEXT_BYTES_MAX)?;
        reader.finish()?;
        match kind {
            KIND_ENTER => Ok(Self::Enter { session, cgroup: text }),
            KIND_NESTED => Ok(Self::Nested { session }),
            KIND_COVERED => Ok(Self::Covered),
            KIND_EXEMPT => Ok(Self::Exempt),
            KIND_REFUSED => Ok(Self::Refused { reason: text }),
            unknown => Err(FrameError::Kind(unknown)),
        }
    }
}

/// Appends to a frame.
struct Writer<'b> {
    buffer: &'b mut [u8; FRAME_BYTES_MAX],
    len: usize,
}

impl<'b> Writer<'b> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        let room = self.buffer.get_mut(self.len..).and_then(|rest| rest.get_mut(..bytes.len()));
        room.ok_or(FrameError::Length)?.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    fn header(&mut self) -> Result<(), FrameError> {
        self.bytes(&MAGIC.to_le_bytes())?;
        self.bytes(&FRAME_VERSION.to_le_bytes())
    }

    fn string(&mut self, string: &[u8], bytes_max: usize) -> Result<(), FrameError> {
        let len = u16::try_from(string.len()).ok().filter(|_| string.len() <= bytes_max);
        self.bytes(&len.ok_or(FrameError::StringTooLong)?.to_le_bytes())?;
        self.bytes(string)
    }

    fn finish(self) -> Result<&'b [u8], FrameError> {
        self.buffer.get(..self.len).ok_or(FrameError::Length)
    }
}

/// Takes a frame apart.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(FrameError::Length)?;
        self.rest = rest;
        Ok(*array)
    }

    fn header(&mut self) -> Result<(), FrameError> {
        if u32::from_le_bytes(self.array()?) != MAGIC {
            return Err(FrameError::Magic);
        }
        match u16::from_le_bytes(self.array()?) {
            FRAME_VERSION => Ok(()),
            version => Err(FrameError::Version(version)),
        }
    }

    fn string(&mut self, bytes_max: usize) -> Result<&'a [u8], FrameError> {
        let len = usize::from(u16::from_le_bytes(self.array()?));
        if len > bytes_max {
            return Err(FrameError::StringTooLong);
        }
        let (string, rest) = self.rest.split_at_checked(len).ok_or(FrameError::Length)?;
        self.rest = rest;
        Ok(string)
    }

    fn finish(self) -> Result<(), FrameError> {
        if self.rest.is_empty() { Ok(()) } else { Err(FrameError::Length) }
    }
}

#[cfg(test)]
mod tests;
