// SPDX-License-Identifier: MIT OR Apache-2.0
//! The shared form of results, and their files.

use super::{Group, INSTRUCTIONS, Row, write_in};

fn group() -> Group {
    let dear = Row { title: "10 rules & <more>".to_owned(), value: 1_500, least: 1_400, most: 2_000 };
    Group {
        title: "open to read, close".to_owned(),
        unit: INSTRUCTIONS,
        rows: vec![Row::once("nothing", 1_000), dear],
    }
}

#[test]
fn a_group_compares_with_its_first_row() {
    let text = group().to_string();
    assert!(text.contains("1,500    1.500  1,400 to 2,000\n"), "{text}");
    assert_eq!(
        (group().first(), group().value("nothing"), group().value("else")),
        (Some(1_000), Some(1_000), None)
    );
}

#[test]
fn results_are_written_as_json_and_plots() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("bench");
    write_in(&directory, "6.12", "6.12.1-test", &[group()]).unwrap();
    let json = std::fs::read_to_string(directory.join("6.12.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["kernel"], "6.12.1-test");
    let row = &json["groups"][0]["rows"][1];
    assert_eq!((row["median"].as_u64(), row["most"].as_u64()), (Some(1_500), Some(2_000)));
    assert_eq!(row["ratio"], "1.500");
    let plot = std::fs::read_to_string(directory.join("6.12-open-to-read-close.svg")).unwrap();
    assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"), "{plot}");
    assert!(plot.contains("10 rules &amp; &lt;more&gt;"), "{plot}");
    // One bar is half as much again as the other one.
    let widths: Vec<u64> = plot
        .lines()
        .filter_map(|line| line.split_once("class=\"bar\" width=\"")?.1.split('"').next()?.parse().ok())
        .collect();
    assert_eq!(widths.len(), 2, "{plot}");
    assert_eq!(widths[1], widths[0] * 3 / 2, "{plot}");
}
