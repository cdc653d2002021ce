// SPDX-License-Identifier: MIT OR Apache-2.0
//! A plot of a group as SVG 1.1: a bar for each row from zero on, a thin line from the least to the most, and a dashed line at what all are
//! compared with. Widths are whole numbers, so that the same results make the same file.

use std::fmt::Write as _;

use super::results::{Group, Row};
use super::table::{grouped, thousandths};

/// Sizes in pixels.
const LABELS: u64 = 330;
const BARS: u64 = 400;
const NUMBERS: u64 = 190;
const LINE: u64 = 24;
const HEAD: u64 = 58;

/// Draws it.
pub(super) fn bars(group: &Group, release: &str) -> String {
    let longest = group.rows.iter().map(|row| row.most.max(row.value)).max().unwrap_or(0).max(1);
    let scaled = |value: u64| value.saturating_mul(BARS) / longest;
    let (width, height) = (LABELS + BARS + NUMBERS, HEAD + LINE * group.rows.len() as u64 + 12);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"16\">{}</text>\n\
         <text x=\"12\" y=\"42\" fill=\"#555\">{}, kernel {}</text>\n",
        escaped(&group.title),
        escaped(group.unit),
        escaped(release)
    );
    let first = group.first().unwrap_or_default();
    for (number, row) in group.rows.iter().enumerate() {
        draw(&mut svg, row, HEAD + LINE * number as u64, first, scaled);
    }
    let at = LABELS + scaled(first);
    // Writing to a string cannot fail.
    writeln!(
        svg,
        "<line x1=\"{at}\" x2=\"{at}\" y1=\"{HEAD}\" y2=\"{}\" stroke=\"#888\" stroke-dasharray=\"3 3\"/>\n</svg>",
        height - 12
    )
    .ok();
    svg
}

fn draw(svg: &mut String, row: &Row, top: u64, first: u64, scaled: impl Fn(u64) -> u64) {
    let (base, middle) = (top + 16, top + 11);
    let (least, most) = (LABELS + scaled(row.least), LABELS + scaled(row.most));
    let number_at = LABELS + scaled(row.most.max(row.value)) + 6;
    // Writing to a string cannot fail.
    write!(
        svg,
        "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>\n\
         <rect class=\"bar\" width=\"{}\" x=\"{LABELS}\" y=\"{}\" height=\"16\" fill=\"#4a7fb5\"/>\n\
         <line x1=\"{least}\" x2=\"{most}\" y1=\"{middle}\" y2=\"{middle}\" stroke=\"black\"/>\n\
         <text x=\"{number_at}\" y=\"{base}\" fill=\"#333\">{} ({})</text>\n",
        LABELS - 8,
        escaped(&row.title),
        scaled(row.value),
        top + 3,
        grouped(row.value),
        thousandths(row.value, first)
    )
    .ok();
}

/// Text as XML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
