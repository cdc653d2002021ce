// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that answer, and some that do not.

use super::*;
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

/// A process whose memory does not answer.
const STUCK: i32 = 13;

fn fake(pid: i32) -> io::Result<Vec<u8>> {
    if pid == STUCK {
        thread::sleep(Duration::from_secs(600));
    }
    if pid < 0 { Err(io::Error::other("gone")) } else { Ok(format!("run\0{pid}\0").into_bytes()) }
}

fn lines() -> CommandLines {
    CommandLines { read: fake, patience: Duration::from_secs(3), reading: Arc::default() }
}

fn read_by(lines: &CommandLines, pids: &[i32]) -> Vec<i32> {
    lines.read(pids.to_owned()).into_keys().collect()
}

#[test]
fn one_that_does_not_answer_keeps_others_waiting_once() {
    let lines = lines();
    let begin = Instant::now();
    assert_eq!(read_by(&lines, &[1, -2, STUCK, 3]), [1]);
    assert!(begin.elapsed() < Duration::from_secs(30));
    for _ in 0..THREADS_MAX {
        assert_eq!(read_by(&lines, &[1, STUCK, 3]), [1, 3]);
    }
    assert_eq!(lock(&lines.reading).threads, 1, "only the one thread waits for it");
}

#[test]
fn threads_are_bounded_and_given_back() {
    let lines = lines();
    let taken: Vec<_> = (0..THREADS_MAX).map(|_| Thread::take(&lines.reading).unwrap()).collect();
    assert!(read_by(&lines, &[1]).is_empty());
    drop(taken);
    assert_eq!(read_by(&lines, &[1]), [1]);
}

#[test]
fn arguments_are_split_as_they_were_given() {
    let texts = |words: &[&str]| words.iter().map(|word| Text::from(*word)).collect::<Vec<_>>();
    assert_eq!(split(b"a\0\0b c\0"), (texts(&["a", "", "b c"]), false));
    for title in [&b"sshd: alice [priv]"[..], b"sshd: alice [priv]\0\0\0\0"] {
        assert_eq!(split(title), (texts(&["sshd: alice [priv]"]), false));
    }
    assert_eq!((split(b""), split(b"\0\0")), ((Vec::new(), false), (Vec::new(), false)));
    let long = vec![b'x'; BYTES_MAX + 1];
    assert_eq!(split(&long), (texts(&["x".repeat(BYTES_MAX).as_str()]), true));
    assert!(!split(&long[1..]).1);
}

#[test]
fn of_a_real_process_no_more_is_read_than_is_shown() {
    let mut child = Command::new("sh")
        .args(["-c", "echo; read line", &"0".repeat(2 * BYTES_MAX)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Until it has begun to run it has no command line.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let (words, is_cut) = CommandLines::patient().read(vec![pid]).remove(&pid).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_cut);
    assert_eq!(words.iter().map(|word| word.as_bytes().len() + 1).sum::<usize>(), BYTES_MAX + 1);
}
