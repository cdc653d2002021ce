// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report replaces and what it does not.

use super::*;
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn it_is_for_its_owner_and_replaces_an_earlier_report() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    for page in [format!("{BEGINNING}1"), format!("{BEGINNING}2")] {
        write(&path, page.as_bytes(), false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), page);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(names(directory.path()), ["report.html"]);
}

#[test]
fn other_files_stay_unless_it_is_forced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.html");
    fs::write(&path, "<!DOCTYPE html><html>").unwrap();
    let error = write(&path, BEGINNING.as_bytes(), false).unwrap_err().to_string();
    assert!(error.contains("is there already and is not a report"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "<!DOCTYPE html><html>");
    assert_eq!(names(directory.path()), ["mine.html"]);
    write(&path, BEGINNING.as_bytes(), true).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), BEGINNING);
}

#[test]
fn what_is_no_file_stays_even_if_it_is_forced() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("target"), directory.path().join("link"));
    fs::write(&target, BEGINNING).unwrap();
    symlink(&target, &link).unwrap();
    for path in [link.as_path(), directory.path(), Path::new("/dev/null")] {
        let error = may_write(path, true).unwrap_err().to_string();
        assert!(error.contains("is not a regular file"), "{error}");
    }
}

#[test]
fn a_directory_that_is_not_there_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let error = format!("{:#}", write(&directory.path().join("no/report.html"), b"", false).unwrap_err());
    assert!(
        error.starts_with("cannot write ") && error.ends_with("No such file or directory (os error 2)"),
        "{error}"
    );
}
