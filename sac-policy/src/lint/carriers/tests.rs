// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that carry others.

use super::*;
use crate::files::fake::FakeFiles;
use crate::policy::fake::policy;

fn found(policy: &Policy, files: &FakeFiles) -> Vec<(Code, String)> {
    let mut faults = Faults::default();
    lint(policy, files, &mut faults);
    faults.iter().map(|fault| (fault.code(), fault.message().to_owned())).collect()
}

#[test]
fn carriers_are_known_by_their_names() {
    for (name, way) in [
        ("python3.11", Way::Interprets),
        ("python", Way::Interprets),
        ("perl5.36.0", Way::Interprets),
        ("vim.basic", Way::Interprets),
        ("ld-linux-x86-64.so.2", Way::Loads),
        ("ld-linux-aarch64.so.1", Way::Loads),
        ("busybox", Way::Contains),
        ("bash", Way::Shell),
        ("sudo", Way::Leaves),
        ("find", Way::Starts),
    ] {
        assert_eq!(carrier(name).map(|carrier| carrier.way), Some(way), "{name}");
    }
    for name in ["df", "ls", "pythonic", "rmdir", "", "3"] {
        assert!(carrier(name).is_none(), "{name}");
    }
}

#[test]
fn no_name_is_in_the_table_twice() {
    let mut names: Vec<_> = CARRIERS.iter().flat_map(|carrier| carrier.names).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn an_allow_list_is_warned_of_each_carrier_in_it() {
    let rules = "allow /usr/bin/bash\nallow /usr/bin/ls\nallow /usr/bin/awk\nallow /usr/bin/find\n\
        allow /usr/bin/perl args /opt/report.pl\nkill /usr/bin/ruby\nallow tree:/opt\nallow dir:/srv";
    let policy = Policy { default: Action::Deny, ..policy(rules) };
    let files = FakeFiles::default()
        .program("/usr/bin/mawk", 7)
        .link("/usr/bin/awk", "/usr/bin/mawk")
        .program("/opt/python3", 8)
        .program("/srv/ls", 9);
    let found = found(&policy, &files);
    let messages: Vec<_> = found.iter().map(|(_, message)| message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`/usr/bin/awk` runs scripts that it is given, and these can write files or start programs",
            "among what is in `/opt` are `python3`",
        ]
    );
}

#[test]
fn an_allow_list_without_carriers_is_sound() {
    let policy = Policy {
        default: Action::Kill,
        ..policy("allow /usr/bin/bash\nallow /usr/bin/ls\nkill /usr/bin/df")
    };
    assert_eq!(found(&policy, &FakeFiles::default()), []);
}

#[test]
fn a_deny_list_is_warned_once() {
    let files = FakeFiles::default().program("/usr/bin/perl", 1).program("/usr/bin/bash", 2);
    let codes = |rules| found(&policy(rules), &files).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(codes("kill /usr/bin/df\ndeny /usr/bin/du"), [Code::DenyListCarriers]);
    assert_eq!(codes("audit /usr/bin/df\ndeny delete /srv"), []);
    let message = |rules, files: &FakeFiles| found(&policy(rules), files)[0].1.clone();
    let several = files
        .program("/usr/bin/python3", 3)
        .program("/usr/bin/python", 3)
        .link("/usr/bin/sh", "/usr/bin/bash");
    assert_eq!(
        message("kill /usr/bin/df", &several),
        "4 programs here, such as `python` and `python3`, can do what a denied one does, and so can a copy of it"
    );
    // What is denied itself is no way around, under none of its names.
    assert_eq!(
        message("kill /usr/bin/df\nkill /usr/bin/sh\nkill /usr/bin/python\nkill /usr/bin/python3", &several),
        "`perl` can do what a denied program does, and so can a copy of it"
    );
    assert_eq!(
        message("kill /usr/bin/df", &FakeFiles::default()),
        "who can bring a copy of a denied program can do what it does"
    );
}

#[test]
fn where_nothing_untrusted_runs_there_are_no_copies() {
    let files = FakeFiles::default().program("/usr/bin/df", 7).program("/usr/bin/perl", 8);
    let message =
        |rules| found(&policy(rules), &files).into_iter().map(|(_, message)| message).collect::<Vec<_>>();
    assert_eq!(message("kill /usr/bin/df\ndeny untrusted"), ["`perl` can do what a denied program does"]);
    assert_eq!(message("kill /usr/bin/df\nkill /usr/bin/perl\ndeny untrusted"), Vec::<String>::new());
    // These are no list of programs.
    assert_eq!(message("deny untrusted\ndeny execmem"), Vec::<String>::new());
    assert_eq!(
        message("kill /usr/bin/df\naudit untrusted"),
        ["`perl` can do what a denied program does, and so can a copy of it"]
    );
}
