// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stacks from files in a directory.

use super::*;
use tempfile::TempDir;

fn host(files: &[(&str, &str)]) -> (TempDir, Host) {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let host = Host { root: directory.path().to_owned() };
    (directory, host)
}

fn stack(files: &[(&str, &str)]) -> Vec<Entry> {
    session_stack(&host(files).1, "s").unwrap().unwrap()
}

/// The modules with their places.
fn modules(files: &[(&str, &str)]) -> Vec<String> {
    stack(files).iter().map(|entry| format!("{} {}", entry.module, entry.place)).collect()
}

#[test]
fn only_session_lines_count() {
    let text = "auth required a.so\nsession required b.so\n-session optional c.so\nSESSION required d.so\n\
                password required e.so\nsessions required f.so\nsession required\n";
    assert_eq!(
        modules(&[("etc/pam.d/s", text)]),
        ["b.so /etc/pam.d/s:2", "c.so /etc/pam.d/s:3", "d.so /etc/pam.d/s:4"]
    );
}

#[test]
fn includes_come_in_their_place() {
    let files = [
        ("etc/pam.d/s", "session required a.so\n@include common\nsession required z.so\n"),
        ("etc/pam.d/common", "auth include nothing\nsession required b.so\nsession include more\n"),
        ("etc/pam.d/more", "auth required x.so\nsession required c.so\n"),
    ];
    assert_eq!(
        modules(&files),
        ["a.so /etc/pam.d/s:1", "b.so /etc/pam.d/common:2", "c.so /etc/pam.d/more:2", "z.so /etc/pam.d/s:3"]
    );
}

#[test]
fn a_substack_is_a_level_of_its_own() {
    let files = [
        ("etc/pam.d/s", "session substack sub\nsession required a.so\n"),
        ("etc/pam.d/sub", "session required b.so\nsession include more\n"),
        ("etc/pam.d/more", "session required c.so\n"),
    ];
    let levels: Vec<_> =
        stack(&files).into_iter().map(|entry| (entry.module, entry.substack_level)).collect();
    assert_eq!(levels, [("b.so".to_owned(), 1), ("c.so".to_owned(), 1), ("a.so".to_owned(), 0)]);
}

#[test]
fn the_administrators_file_hides_the_distributions() {
    let files = [
        ("usr/lib/pam.d/s", "session required vendor.so\n"),
        ("usr/lib/pam.d/common", "session required common.so\n"),
    ];
    assert_eq!(modules(&files), ["vendor.so /usr/lib/pam.d/s:1"]);
    let own = ("etc/pam.d/s", "@include common\n");
    assert_eq!(modules(&[files[0], files[1], own]), ["common.so /usr/lib/pam.d/common:1"]);
}

#[test]
fn files_can_be_named_by_path() {
    let files = [("etc/pam.d/s", "session include /opt/stack\n"), ("opt/stack", "session required a.so\n")];
    assert_eq!(modules(&files), ["a.so /opt/stack:1"]);
}

#[test]
fn comments_and_continued_lines_are_understood() {
    let text = "# session required a.so\n\nsession \\\n  required \\\n  b.so x=1 # y=2\n#\\\nsession required c.so\n";
    let stack = stack(&[("etc/pam.d/s", text)]);
    assert_eq!(stack.len(), 2);
    assert_eq!((stack[0].place.line, stack[0].module.as_str()), (3, "b.so"));
    assert_eq!(stack[0].arguments, ["x=1"]);
    assert_eq!((stack[1].place.line, stack[1].module.as_str()), (7, "c.so"));
}

#[test]
fn brackets_make_one_word() {
    let text = "session [success=ok default=bad]  a.so [x y\\] z] w\n";
    let stack = stack(&[("etc/pam.d/s", text)]);
    assert_eq!(stack[0].control, "[success=ok default=bad]");
    assert_eq!(stack[0].module, "a.so");
    assert_eq!(stack[0].arguments, ["[x y\\] z]", "w"]);
    assert_eq!(words("session [never closed"), ["session", "[never closed"]);
}

#[test]
fn a_module_is_known_by_its_file_name() {
    let entry = &stack(&[("etc/pam.d/s", "session required /lib/security/pam_sac.so\n")])[0];
    assert!(entry.is("pam_sac.so"));
    assert!(!entry.is("sac.so"));
}

#[test]
fn a_service_without_a_file_has_no_stack() {
    assert!(session_stack(&host(&[]).1, "s").unwrap().is_none());
}

#[test]
fn a_missing_include_is_named_with_its_line() {
    let (_directory, host) = host(&[("etc/pam.d/s", "\n@include nothing\n")]);
    let error = session_stack(&host, "s").unwrap_err();
    assert_eq!(error.to_string(), "/etc/pam.d/s:2 includes `nothing`, which does not exist");
}

#[test]
fn a_circle_ends() {
    let (_directory, host) = host(&[("etc/pam.d/s", "session include s\n")]);
    assert!(matches!(session_stack(&host, "s"), Err(StackError::TooDeep { .. })));
}

#[test]
fn a_directory_in_place_of_a_file_is_a_fault() {
    let (_directory, host) = host(&[("etc/pam.d/s/x", "")]);
    assert!(matches!(session_stack(&host, "s"), Err(StackError::Read { .. })));
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let (directory, host) = host(&[("etc/pam.d/s", "")]);
    fs::write(directory.path().join("etc/pam.d/s"), b"\xff\xfe\nsession required a.so \xff\n").unwrap();
    assert_eq!(session_stack(&host, "s").unwrap().unwrap().len(), 1);
}
