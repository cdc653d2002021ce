// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a file is that the kernel half tells of by names and a device.
//!
//! The kernel gives no path where it checks an operation on a name, so the kernel half reads the names up to the root of the file
//! system. Which path that root has is a question of mounts; the answer here is the loader's own.

use std::time::{Duration, Instant};

/// The loader's mounts, read when they are needed and not more than once a second.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    text: Vec<u8>,
    read: Option<Instant>,
}

impl Mounts {
    /// What /proc/self/mountinfo says; nothing where it cannot be read.
    pub(super) fn text(&mut self) -> &[u8] {
        const AGAIN: Duration = Duration::from_secs(1);
        if self.read.is_none_or(|at| at.elapsed() >= AGAIN) {
            self.text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
            self.read = Some(Instant::now());
        }
        &self.text
    }
}

/// The path of what is called `names`, its own name first, on the device `dev`, with these mounts.
///
/// Where no mount shows it, the device stands in front of it; where there are more names than these, `…/` does.
pub(super) fn path<'a>(
    names: impl Iterator<Item = &'a [u8]>,
    are_cut: bool,
    dev: u32,
    mountinfo: &[u8],
) -> Vec<u8> {
    let mut names: Vec<_> = names.collect();
    names.reverse();
    let inside = names.join(&b'/');
    if are_cut {
        return ["…/".as_bytes(), &inside].concat();
    }
    let inside = [b"/", &*inside].concat();
    let (major, minor) = (dev >> 20, dev & 0xf_ffff);
    let device = format!("{major}:{minor}");
    mounted(&inside, device.as_bytes(), mountinfo)
        .unwrap_or_else(|| [format!("(device {device})").as_bytes(), &inside].concat())
}

/// The path of what is `inside` of the file system on `device`, where a mount shows it: one of the whole file system, if there is one.
fn mounted(inside: &[u8], device: &[u8], mountinfo: &[u8]) -> Option<Vec<u8>> {
    let mounts = mountinfo.split(|&byte| byte == b'\n').filter_map(|line| Mount::parse(line, device));
    let mut of_part = None;
    for mount in mounts {
        if mount.root == b"/" {
            return Some(mount.path_of(inside));
        }
        let rest = inside.strip_prefix(&*mount.root).filter(|rest| rest.is_empty() || rest.starts_with(b"/"));
        if let (None, Some(rest)) = (&of_part, rest) {
            of_part = Some(mount.path_of(rest));
        }
    }
    of_part
}

/// A line of mountinfo.
struct Mount {
    /// What of the file system is mounted.
    root: Vec<u8>,
    /// Where.
    point: Vec<u8>,
}

impl Mount {
    /// Reads a line; `None` where it is about another device.
    fn parse(line: &[u8], device: &[u8]) -> Option<Self> {
        // proc_pid_mountinfo(5): the third field is the device, then come the root and the mount point.
        let mut fields = line.split(|&byte| byte == b' ').skip(2);
        if fields.next()? != device {
            return None;
        }
        Some(Self { root: unescaped(fields.next()?), point: unescaped(fields.next()?) })
    }

    /// The path of what is at `rest` below what is mounted.
    fn path_of(&self, rest: &[u8]) -> Vec<u8> {
        let point = self.point.strip_suffix(b"/").unwrap_or(&self.point);
        let rest = if rest == b"/" { b"" } else { rest };
        let path = [point, rest].concat();
        if path.is_empty() { b"/".to_vec() } else { path }
    }
}

/// A field without the `\NNN`, in octal, that stand for spaces and the like.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, behind)) = rest.split_first() {
        match (byte, behind.first_chunk::<3>().and_then(octal)) {
            (b'\\', Some(escaped)) => {
                bytes.push(escaped);
                rest = behind.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

fn octal(digits: &[u8; 3]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?;
    u8::from_str_radix(text, 8).ok()
}

#[cfg(test)]
mod tests;
