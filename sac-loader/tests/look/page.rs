// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report in a real browser: it is whole, it fits, it can be read, and nothing in it is more than text.

use super::browser::Browser;
use super::sample::{ALICE, HOSTILE, afternoon};
use super::*;
use std::path::Path;

/// The red of the style sheet, by day, on paper, and in the dark.
const RED: &str = "rgb(179, 0, 27)";
const RED_IN_THE_DARK: &str = "rgb(255, 154, 148)";

const MEASURE: &str = include_str!("measure.js");

/// A report of everything, in a file beside the record.
fn report(fixture: &Fixture) -> PathBuf {
    let path = fixture.settings.directory.join("../report.html");
    let ran = fixture.run(&["report", "--since", "2026-09-01 00:00", "-o", path.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    path.canonicalize().unwrap()
}

/// The same after something was done to it.
fn changed(path: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let page = fs::read_to_string(path).unwrap();
    let changed = change(page.clone());
    assert_ne!(changed, page);
    let path = path.with_file_name("changed.html");
    fs::write(&path, changed).unwrap();
    path
}

fn tamper(fixture: &Fixture) {
    let first = fixture.files().remove(0);
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replacen("web1", "web2", 1)).unwrap();
}

#[test]
fn a_report_is_seen_whole_at_any_width_and_asks_for_nothing() {
    let fixture = afternoon();
    let path = report(&fixture);
    let mut browser = Browser::start();
    // The last one is as wide as a sheet of paper between its margins.
    for (media, width) in [("screen", 1280), ("screen", 1100), ("screen", 400), ("print", 720)] {
        browser.show_as(media, "light");
        browser.open(&path, width);
        assert_eq!(browser.errors(), Vec::<String>::new());
        assert_eq!(browser.requests(), [format!("file://{}", path.display())]);
        let seen = browser.evaluate(MEASURE);
        assert_eq!((&seen["page"], &seen["wide"]), (&seen["window"], &json!([])), "{media} {width}");
        let sizes = |of: &str| seen[of].as_array().unwrap().clone();
        assert!(sizes("marks").len() > 20 && sizes("rows").len() > 40, "{seen:#}");
        let parts = seen["parts"].as_object().unwrap().values();
        assert!(parts.clone().all(|size| size[0].as_f64() > Some(300.0)), "{seen:#}");
        for size in parts.cloned().chain(sizes("marks")).chain(sizes("rows")) {
            // A thin mark has the width of its stroke alone, which is no part of its box.
            assert!(size[1].as_f64() > Some(9.0), "{seen:#}");
        }
    }
}

#[test]
fn what_was_blocked_is_red_and_all_of_it_can_be_read() {
    let fixture = afternoon();
    tamper(&fixture);
    let path = report(&fixture);
    let mut browser = Browser::start();
    browser.open(&path, 1280);
    for (media, scheme, red) in [
        ("screen", "light", RED),
        ("screen", "dark", RED_IN_THE_DARK),
        ("print", "light", RED),
        // Nobody wants to print on black paper.
        ("print", "dark", RED),
    ] {
        browser.show_as(media, scheme);
        let seen = browser.evaluate(MEASURE);
        assert!(seen["blocked"].as_u64() > Some(15), "{seen:#}");
        for (name, colours) in seen["red"].as_object().unwrap() {
            assert_eq!(*colours, json!([red]), "{name} {media} {scheme}");
        }
        let [paper, other] = ["blocked", "other"].map(|of| seen["paper"][of].as_array().unwrap());
        assert!(paper.len() == 1 && !other.contains(&paper[0]), "{paper:?} {other:?}");
        let plain = seen["plain"].as_array().unwrap();
        assert!(plain.len() == 1 && plain[0] != red, "{plain:?}");
        assert_eq!(seen["pale"], json!([]), "{media} {scheme}");
    }
}

#[test]
fn what_users_type_is_text_in_a_browser() {
    let fixture = afternoon();
    let path = report(&fixture);
    let mut browser = Browser::start();
    browser.open(&path, 1280);
    let seen = browser.evaluate(MEASURE);
    let text = seen["text"].as_str().unwrap();
    for typed in [HOSTILE[0], HOSTILE[2], "\\u{1b}[2J\\u{202e}"] {
        holds(text, typed);
    }
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{fffd}']));
    assert_eq!(browser.errors(), Vec::<String>::new());
    // A harmless text makes the same elements.
    let harmless = changed(&path, |page| {
        HOSTILE.iter().fold(page, |page, typed| {
            page.replace(&typed.replace('<', "&lt;").replace('>', "&gt;"), "harmless")
        })
    });
    browser.open(&harmless, 1280);
    assert_eq!(browser.evaluate(MEASURE)["elements"], seen["elements"]);
}

/// What the others find nothing of is found where it is.
#[test]
fn the_browser_sees_scripts_requests_and_what_is_too_wide() {
    let fixture = afternoon();
    let path = report(&fixture);
    let bad = changed(&path, |page| {
        page.replace(
            "</h1>",
            "</h1><img src=http://192.0.2.1/a.png><script>alert(1)</script><pre style=width:3000px>x</pre>",
        )
    });
    let mut browser = Browser::start();
    browser.open(&bad, 400);
    // The page's own policy stops both.
    assert_eq!((browser.errors().len(), browser.requests().len()), (2, 2), "{:?}", browser.errors());
    let seen = browser.evaluate(MEASURE);
    assert!(
        seen["page"].as_u64() > Some(2000) && seen["wide"].as_array().is_some_and(|wide| wide.len() == 1),
        "{seen:#}"
    );
    let pale = changed(&path, |page| page.replace("--soft: #57606a", "--soft: #c0c4ca"));
    browser.open(&pale, 400);
    assert_ne!(browser.evaluate(MEASURE)["pale"], json!([]));
    assert!(fixture.run(&["tree", ALICE]).out.contains("BLOCKED"));
}
