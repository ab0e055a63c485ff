//! The table of claims on the page.

use basin_charts::number::significant;
use maud::{Markup, html};

use super::text::text;
use crate::claims::{CheckResult, ClaimResult, Verdict};
use crate::statistics::{ConfidenceInterval, MIN_PAIRS_OF_INTERVAL, MIN_RUNS};

/// The claims as a section of the page; nothing if there are none.
pub(super) fn section(claims: &[ClaimResult]) -> Markup {
    if claims.is_empty() {
        return html! {};
    }
    html! {
        section id="claims" { "\n"
            h2 { "Claims" } "\n"
            p class="files" {
                a href="claims.csv" download { "CSV" } " " a href="claims.json" download { "JSON" }
            } "\n"
            div class="scroll" {
                table class="claims" { "\n"
                    thead {
                        tr {
                            @for heading in ["claim", "what was measured", "n", "95 % interval", "verdict"] {
                                th scope="col" { (heading) }
                            }
                        }
                    } "\n"
                    @for claim in claims { (self::claim(claim)) }
                }
            } "\n"
            p class="note" {
                "A claim holds if all its checks do, and doesn't if one doesn't. Where an interval reaches over its bound, or "
                "fewer than " (MIN_RUNS) " runs are there (" (MIN_PAIRS_OF_INTERVAL) " for a rank correlation), the check is "
                "undecided. So is one of whose runs some have no value: the reason counts them. Runs that are the same "
                "computation are one run."
            } "\n"
        } "\n"
    }
}

/// A claim's rows: one a check, with the claim's own verdict beside its text if there are several.
fn claim(claim: &ClaimResult) -> Markup {
    let checks = claim.checks.len();
    html! {
        tbody { "\n"
            @for (place, result) in claim.checks.iter().enumerate() {
                tr {
                    @if place == 0 {
                        th scope="rowgroup" rowspan=(checks) {
                            (text(&claim.text))
                            @if checks > 1 { p { (badge(claim.verdict)) } }
                        }
                    }
                    (check(result))
                } "\n"
            }
        } "\n"
    }
}

fn check(result: &CheckResult) -> Markup {
    html! {
        td class="measured" {
            (text(&result.measured))
            @if !result.left_out.is_empty() { p class="remark" { "Left out: " (text(&result.left_out)) } }
        }
        td { (result.runs()) }
        @match result.interval {
            Some(ConfidenceInterval { low, high }) => td { (significant(low)) " to " (significant(high)) },
            None => td class="gap" { "–" },
        }
        td class="measured" {
            (badge(result.verdict))
            @if !result.why.is_empty() { p class="remark" { (text(&result.why)) } }
        }
    }
}

/// A verdict as a mark and words: never by colour alone.
fn badge(verdict: Verdict) -> Markup {
    let (class, mark) = match verdict {
        Verdict::Holds => ("verdict holds", "✓"),
        Verdict::DoesntHold => ("verdict fails", "✗"),
        Verdict::Undecided => ("verdict undecided", "?"),
    };
    html! { span class=(class) { (mark) " " (text(verdict.words())) } }
}
