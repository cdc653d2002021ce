// SPDX-License-Identifier: MIT OR Apache-2.0
//! Turns a plain Debian tree into a guest: people, ssh keys, network, units. Runs as root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result};

use super::build::in_tree;
use super::recipe;

/// Applies the recipe to a tree.
pub(super) fn configure(tree: &Path, public_key: &str) -> Result<()> {
    for file in recipe::FILES {
        write(&tree.join(file.path), file.mode, file.content)?;
    }
    for unit in recipe::MASKED_UNITS {
        let link = tree.join("etc/systemd/system").join(unit);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).with_context(|| format!("removing {}", link.display()))?;
        }
        symlink("/dev/null", &link).with_context(|| format!("masking {unit}"))?;
    }
    in_tree(
        "enable the guest's network",
        tree,
        &["systemctl", "enable", "systemd-networkd.service", "ssh.service"],
    )?;
    add_people(tree)?;
    authorize(tree, "root", "root", public_key)?;
    for user in recipe::USERS {
        authorize(tree, user.name, &format!("home/{}", user.name), public_key)?;
    }
    Ok(())
}

fn add_people(tree: &Path) -> Result<()> {
    for group in recipe::GROUPS {
        in_tree(&format!("add group {group}"), tree, &["groupadd", group])?;
    }
    for user in recipe::USERS {
        let groups = user.groups.join(",");
        let mut arguments = vec!["useradd", "--create-home", "--shell", "/bin/bash"];
        if !groups.is_empty() {
            arguments.extend(["--groups", &groups]);
        }
        arguments.push(user.name);
        in_tree(&format!("add user {}", user.name), tree, &arguments)?;
    }
    let names = recipe::USERS.iter().map(|user| user.name).chain(["root"]);
    let passwords: String = names.map(|name| format!("{name}:{name}\n")).collect();
    let file = tree.join("root/passwords");
    write(&file, 0o600, &passwords)?;
    in_tree("set passwords", tree, &["sh", "-c", "chpasswd </root/passwords"])?;
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))
}

/// Lets the holder of the guests' key in as `user`.
fn authorize(tree: &Path, user: &str, home: &str, public_key: &str) -> Result<()> {
    let dir = tree.join(home).join(".ssh");
    write(&dir.join("authorized_keys"), 0o600, &format!("{public_key}\n"))?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
    in_tree(
        &format!("hand over {user}'s key"),
        tree,
        &["chown", "-R", &format!("{user}:"), &format!("/{home}/.ssh")],
    )
}

fn write(path: &Path, mode: u32, content: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    }
    // A link (resolv.conf) would be followed out of the tree.
    if path.is_symlink() {
        fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
    }
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("setting the mode of {}", path.display()))
}
