// SPDX-License-Identifier: MIT OR Apache-2.0
//! What verifying the chain came to.

use super::collect::Collected;
use super::{About, counted, grouped};
use crate::chain::Checkpoint;
use crate::text::shown;
use crate::verify::Report;
use jiff::Timestamp;
use maud::{Markup, html};

/// The section.
pub(super) fn section(about: &About, collected: &Collected) -> Markup {
    html! {
        section aria-labelledby="verification" {
            h2 #verification { "Verification" }
            @match &about.verification {
                Err(why) => p.notice { strong { "The record could not be verified: " } (shown(why)) },
                Ok(report) => (verified(about, report)),
            }
            dl.facts {
                (place(about, "First record of this report", collected.first))
                (place(about, "Last record of this report", collected.last))
            }
            p {
                "The digests are the SHA-256 of these records' lines, and each stands for all records before it. To verify again: "
                code { "sac-loader audit verify" }
            }
        }
    }
}

fn place(about: &About, name: &str, place: Option<(Checkpoint, Timestamp)>) -> Markup {
    html! {
        @if let Some((Checkpoint { number, digest }, time)) = place {
            dt { (name) }
            dd { (number) ", " (about.time(time)) ", SHA-256 " code.digest { (digest) } }
        }
    }
}

fn verified(about: &About, report: &Report) -> Markup {
    let findings = report.findings.len() as u64 + report.findings_left_out;
    html! {
        @if report.is_sound() {
            p.sound {
                strong { "✓ The record is sound: " }
                "no record was changed, removed, inserted or moved"
                @if about.checkpoints == 0 {
                    ". There was no checkpoint to compare with, so that an end that was cut off, or a record that was made anew as a whole, would not show"
                }
                "."
            }
        } @else {
            p.notice.blocked { strong { "✗ The record is not sound: " } (counted(findings, "finding", "findings")) }
            ul.findings {
                @for finding in &report.findings { li { (shown(&finding.to_string())) } }
                @if report.findings_left_out > 0 { li { "and " (grouped(report.findings_left_out)) " more" } }
            }
        }
        dl.facts {
            dt { "Verified" }
            dd {
                (counted(report.records, "record", "records")) " in " (counted(report.files as u64, "file", "files"))
                @if let (Some((first, from)), Some((last, to))) = (report.from, report.to) {
                    ", " (first) " (" (about.time(from)) ") to " (last) " (" (about.time(to)) ")"
                }
            }
            @if let Some(Checkpoint { number, digest }) = report.end {
                dt { "End of the chain" }
                dd { (number) ", SHA-256 " code.digest { (digest) } }
            }
            dt { "Checkpoints" }
            dd {
                (about.checkpoints) " compared, " (report.checkpoints_met) " met, "
                (report.checkpoints_removed) " of records that are not kept any more"
            }
        }
    }
}
