// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine's own file system: links, absence, identity.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    (directory, path)
}

#[test]
fn links_lead_to_the_file_itself() {
    let (_guard, directory) = directory();
    let (file, hard, soft, in_directory) =
        (directory.join("file"), directory.join("hard"), directory.join("soft"), directory.join("d/file"));
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
    fs::hard_link(&file, &hard).unwrap();
    symlink("file", &soft).unwrap();
    symlink(".", directory.join("d")).unwrap();

    let host = HostFiles::new(|_file| None);
    let resolved = host.resolve(&file).unwrap();
    assert_eq!((resolved.kind, resolved.mode, resolved.name), (FileKind::Regular, 0o750, NameKind::File));
    assert_eq!(resolved.canonical, file);
    assert_eq!(resolved.names, 2);
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((resolved.owner, resolved.group), (metadata.uid(), metadata.gid()));
    assert_eq!(host.resolve(&hard).unwrap(), Resolved { canonical: hard, ..resolved.clone() });
    assert_eq!(host.resolve(&soft).unwrap(), Resolved { name: NameKind::SymbolicLink, ..resolved.clone() });
    assert_eq!(host.resolve(&in_directory).unwrap(), resolved);
    assert_eq!(host.resolve(&directory).unwrap().kind, FileKind::Directory);
    assert_eq!(host.resolve(Path::new("/dev/null")).unwrap().kind, FileKind::Special);
}

#[test]
fn the_identity_is_the_inode_and_the_mounts_device() {
    let (_guard, directory) = directory();
    let metadata = fs::metadata(&directory).unwrap();
    let inode = HostFiles::new(|_file| None).resolve(&directory).unwrap().inode;
    assert_eq!(inode.ino, metadata.ino());
    let known = Mounts::read()
        .unwrap()
        .devices
        .into_values()
        .any(|device| InodeId::new(device.major, device.minor, inode.ino) == inode);
    assert!(known, "{inode:?} is on no mount");
}

#[test]
fn what_is_not_there_is_told_from_what_cannot_be_seen() {
    let (_guard, directory) = directory();
    let host = HostFiles::new(|_file| None);
    fs::write(directory.join("file"), "").unwrap();
    symlink("nowhere", directory.join("dangling")).unwrap();
    symlink("circle", directory.join("circle")).unwrap();
    for missing in ["missing", "missing/file", "file/below", "dangling"] {
        let error = host.resolve(&directory.join(missing)).unwrap_err();
        assert!(matches!(error, ResolveError::NotFound), "{missing}: {error:?}");
    }
    let error = host.resolve(&directory.join("circle")).unwrap_err();
    assert!(matches!(error, ResolveError::Open(_)), "{error:?}");
}

#[test]
fn mounts_are_read_from_their_table() {
    let mountinfo = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n\
        37 35 0:45 / /with\\040space\\134 rw - btrfs /dev/sda1 rw\nnot a line\n38\n39 1 x:y / / rw - a b c\n";
    let Mounts { devices, points } = Mounts::parse(mountinfo);
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[&36], Device { major: 98, minor: 0 });
    assert_eq!(devices[&37], Device { major: 0, minor: 45 });
    assert_eq!(points.iter().collect::<Vec<_>>(), [Path::new("/mnt2"), Path::new("/with space\\")]);
}

#[test]
fn mounts_below_a_directory_are_found() {
    let host = HostFiles::new(|_file| None);
    let proc = host.resolve(Path::new("/proc")).unwrap().inode;
    assert!(host.mounts_below(Path::new("/")).contains(&proc));
    // What a directory itself is, is not below it.
    assert!(!host.mounts_below(Path::new("/proc")).contains(&proc));
    let (_guard, directory) = directory();
    assert_eq!(host.mounts_below(&directory), []);
}

#[test]
fn a_digest_is_of_a_whole_regular_file() {
    let (_guard, directory) = directory();
    let host = HostFiles::new(|_file| None);
    let file = directory.join("file");
    let of = |content: &[u8]| {
        fs::write(&file, content).unwrap();
        let digest = host.digest(&file).unwrap();
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    // FIPS 180-2, appendix B.
    assert_eq!(of(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(of(&[b'a'; 1_000_000]), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_eq!(host.digest(&directory), None);
    assert_eq!(host.digest(&directory.join("missing")), None);
    assert_eq!(host.digest(Path::new("/dev/null")), None);
    assert!(digest(&[0; 9][..], 9).is_some());
    assert_eq!(digest(&[0; 10][..], 9), None);
}

#[test]
fn a_head_is_the_first_bytes_of_a_regular_file() {
    let (_guard, directory) = directory();
    let host = HostFiles::new(|_file| None);
    let file = directory.join("script");
    fs::write(&file, format!("#!/bin/sh\n{}", "x".repeat(HEAD_BYTES_MAX))).unwrap();
    let head = host.head(&file).unwrap();
    assert_eq!((head.len(), head.starts_with(b"#!/bin/sh\n")), (HEAD_BYTES_MAX, true));
    assert_eq!(host.head(&directory), None);
    assert_eq!(host.head(&directory.join("missing")), None);
}
