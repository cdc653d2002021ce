// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page about the language against the language, and roff against what looks like it.

use super::*;
use crate::process;
use serde_json::Value;
use std::collections::BTreeSet;

fn documentation() -> String {
    fs::read_to_string(workspace::root().join("docs/policy.md")).unwrap()
}

fn made(markdown: &str) -> String {
    page(&Page { date: "2026-01-01", ..POLICY }, markdown)
}

/// What follows the page's own beginning, and comes before the other pages that it names.
fn body(markdown: &str) -> String {
    let page = made(markdown);
    let (_, body) = page.split_once(".SH DESCRIPTION\n").unwrap();
    body.split_once(".SH SEE ALSO").unwrap().0.to_owned()
}

/// The entries of all lists in a page.
fn entries(page: &str) -> BTreeSet<String> {
    let mut lines = page.lines();
    let mut entries = BTreeSet::new();
    while lines.any(|line| line == ".TP") {
        let entry = lines.next().unwrap();
        entries.insert(entry.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-"));
    }
    entries
}

/// Paths of all keys in a schema, as the documentation writes them; those of `when` once.
fn keys(schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let parent = if path.rsplit('.').next() == Some("when") { "when" } else { path };
        let key = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        keys(property, &key, into);
        into.insert(key);
    }
    for below in ["then", "else"] {
        keys_of(schema.get(below), path, into);
    }
    keys_of(schema.get("items"), &format!("{path}[]"), into);
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        keys(alternative, path, into);
    }
}

fn keys_of(schema: Option<&Value>, path: &str, into: &mut BTreeSet<String>) {
    if let Some(schema) = schema {
        keys(schema, path, into);
    }
}

#[test]
fn the_page_has_each_key_and_each_code() {
    let page = made(&documentation());
    let entries = entries(&page);
    let mut wanted = BTreeSet::new();
    keys(&serde_json::from_str(&sac_policy::schema()).unwrap(), "", &mut wanted);
    assert!(wanted.len() > 80 && wanted.contains("programs.deny[].args") && wanted.contains("when.hours"));
    wanted.extend(sac_policy::Code::ALL.iter().map(|code| code.as_str().to_owned()));
    let missing: Vec<_> = wanted.difference(&entries).collect();
    assert!(missing.is_empty(), "{missing:?} of {entries:?}");
}

#[test]
fn the_page_has_each_section_and_each_example() {
    let (documentation, page) = (documentation(), made(&documentation()));
    for heading in documentation.lines().filter_map(|line| line.strip_prefix("## ")) {
        assert!(page.contains(&format!(".SH \"{}\"\n", heading.to_uppercase())), "{heading}");
    }
    let examples = documentation.matches("\n```").count() / 2;
    assert_eq!((page.matches("\n.nf\n").count(), page.matches("\n.fi\n").count()), (examples, examples));
    assert!(page.contains("\napplies_to:\n"));
}

#[test]
fn the_page_begins_as_pages_do() {
    let page = made("# Title\n\nSome text.\n");
    let lines: Vec<_> = page.lines().skip(1).collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        lines,
        [
            &format!(".TH sac\\-policy 5 2026-01-01 \"sac {version}\" \"SAC: Server Access Control\""),
            ".SH NAME",
            "sac\\-policy \\- policies of SAC: who may run what, when, and how it is enforced",
            ".SH DESCRIPTION",
            "Some text.",
            ".SH SEE ALSO",
            "\\fBsac\\-loader\\fR(8)",
        ]
    );
}

#[test]
fn nothing_in_a_text_is_taken_for_roff() {
    assert_eq!(
        body(".TH is `.SH 'a' -x \\n ~^`"),
        "\\&.TH is \\fB.SH \\(aqa\\(aq \\-x \\en \\(ti\\(ha\\fR\n"
    );
    assert_eq!(body("```\n.de x\n'a\n```"), ".RS 4\n.nf\n\\&.de x\n\\(aqa\n.fi\n.RE\n");
    assert_eq!(body("a … \"b\""), "a \\[u2026] \\(dqb\\(dq\n");
    let long = format!("{} .end", "x".repeat(WIDE));
    assert_eq!(body(&long), format!("{}\n\\&.end\n", "x".repeat(WIDE)));
}

/// More than a line of a page's source.
const WIDE: usize = 90;

#[test]
fn lists_and_tables_become_entries() {
    assert_eq!(body("text:\n\n- one\n- two\n"), "text:\n.IP \\(bu 2\none\n.IP \\(bu 2\ntwo\n");
    assert_eq!(body("2. two\n3. three\n"), ".IP 2. 4\ntwo\n.IP 3. 4\nthree\n");
    assert_eq!(
        body("| Key | Value | Without it |\n|---|---|---|\n| `a` | A text | none |\n| `b[]` | Any | |\n"),
        ".TP\n\\fBa\\fR\nA text. Without it: none\n.TP\n\\fBb[]\\fR\nAny\n"
    );
    assert_eq!(body("text:\n\n    code\n"), "text:\n.PP\n.RS 2\n.nf\ncode\n.fi\n.RE\n");
    assert_eq!(body("### `a` and b\n\ntext\n\nmore\n"), ".SS \"\\fBa\\fR and b\"\ntext\n.PP\nmore\n");
}

/// What formatters say of the page, those of them that are on this machine.
#[test]
fn formatters_have_nothing_to_say() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), made(&documentation())).unwrap();
    // `-mandoc` finds out by itself which macros a page uses.
    for (program, arguments) in
        [("groff", &["-ww", "-z", "-mandoc", "-Tutf8"][..]), ("mandoc", &["-Tlint", "-Wwarning"][..])]
    {
        let Ok(output) = Command::new(program).args(arguments).arg(file.path()).output() else {
            process::note(&format!("{program} is not here, so it was not asked"));
            continue;
        };
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&said), "", "{program}");
    }
}
