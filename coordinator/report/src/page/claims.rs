//! The table of claims on the page.

use basin_charts::number::significant;
use maud::{Markup, html};

use super::references;
use super::text::text;
use crate::claims::{Band, CheckResult, ClaimResult, CombinationResult, VariedResult, Verdict};
use crate::figures::{DrawnFigure, names};
use crate::results::Results;
use crate::statistics::{ConfidenceInterval, MIN_PAIRS_OF_INTERVAL, MIN_RUNS};

/// The claims as a section of the page, each with the figures that show what it speaks of; nothing if there are none.
pub(super) fn section(claims: &[ClaimResult], results: &Results, figures: &[DrawnFigure]) -> Markup {
    if claims.is_empty() {
        return html! {};
    }
    let profile = results.sweep.source.profile.as_deref();
    let is_evidence = claims.iter().all(|claim| claim.evidence);
    html! {
        section id="claims" aria-labelledby="claims-title" { "\n"
            h2 id="claims-title" { "Claims" } "\n"
            @if !is_evidence {
                p class="no-evidence" {
                    b { "No evidence. " }
                    "The sweep file says of its profile "
                    @if let Some(profile) = profile { "“" (text(profile)) "” " }
                    "that it is too small to say anything: these verdicts show what the full sweep would be asked."
                } "\n"
            }
            p class="files" {
                a href="claims.csv" download { "CSV" } " " a href="claims.json" download { "JSON" }
            } "\n"
            div class="scroll" role="region" tabindex="0" aria-label="Claims" {
                (table(claims, |place| {
                    let asked = results.claims.get(place);
                    asked.map_or_else(Markup::default, |asked| {
                        links(&references::figures_of(asked, &results.figures), figures)
                    })
                }))
            } "\n"
            p class="note" {
                "A claim holds if all its checks do, and doesn't if one doesn't. A check holds by its 95 % interval; of k ways in "
                "which a claim can be refused, each takes an interval at 1 − 5 %/k, so that a claim is refused falsely in no more "
                "than 2.5 % of cases. Where an interval reaches over its bound, or fewer than " (MIN_RUNS) " runs are there ("
                (MIN_PAIRS_OF_INTERVAL) " for a rank correlation, and as many points where points have several runs), the check "
                "is undecided. So is one of whose runs some have no value: the reason counts them. Runs that are the same "
                "computation are one run. Intervals are over seeds, for the examples that were used."
                @if claims.iter().any(|claim| claim.varied.is_some()) {
                    " A claim that varies settings of its analysis holds, or doesn't, where it does under every combination of them, on "
                    "the same runs; that needs no correction for their number, since all would have to err."
                }
            } "\n"
        } "\n"
    }
}

/// The table of claims, each with what `beside` says of the one at its place.
pub(super) fn table(claims: &[ClaimResult], beside: impl Fn(usize) -> Markup) -> Markup {
    html! {
        table class="claims" { "\n"
            thead {
                tr {
                    @for heading in ["claim", "what was measured", "n", "interval", "verdict"] {
                        th scope="col" { (heading) }
                    }
                }
            } "\n"
            @for (place, claim) in claims.iter().enumerate() {
                (self::claim(claim, &beside(place)))
            }
        }
    }
}

/// A claim's rows: one a check, with the claim's own verdict beside its text if there are several.
fn claim(claim: &ClaimResult, links: &Markup) -> Markup {
    let checks = claim.checks.len();
    let rows = checks + usize::from(claim.varied.is_some());
    html! {
        tbody { "\n"
            @for (place, result) in claim.checks.iter().enumerate() {
                tr {
                    @if place == 0 {
                        th scope="rowgroup" rowspan=(rows) {
                            (text(&claim.text))
                            @if checks > 1 { p { (badge(claim.verdict, claim.evidence)) } }
                            @if let Some(depends_on) = claim.depends_on() {
                                p class="remark" { (text(&sentence(depends_on))) }
                            }
                            (links)
                        }
                    }
                    (check(result, claim.evidence))
                } "\n"
            }
            @if let Some(varied) = &claim.varied {
                tr { td class="measured" colspan="4" { (self::varied(varied, claim.evidence)) } } "\n"
            }
        } "\n"
    }
}

/// What the settings that a claim varies make of it: the band of each check, and a row a combination.
fn varied(varied: &VariedResult, is_evidence: bool) -> Markup {
    let several = varied.bands.len() > 1;
    let name = |place: usize| if several { format!("check {}: ", place + 1) } else { String::new() };
    html! {
        "Over all settings"
        @for (place, band) in varied.bands.iter().enumerate() { (self::band(&name(place), *band)) }
        table class="combinations" { "\n"
            thead {
                tr {
                    @for setting in &varied.settings { th scope="col" { (text(setting)) } }
                    @for place in 0..varied.bands.len() {
                        th scope="col" {
                            @if several { "check " (place + 1) } @else { "estimate" }
                        }
                    }
                    th scope="col" { "verdict" }
                }
            } "\n"
            tbody { "\n" @for combination in &varied.combinations { (row(combination, is_evidence)) } }
        }
    }
}

fn band(name: &str, band: Band) -> Markup {
    html! {
        @if let (Some(smallest), Some(largest)) = (band.smallest, band.largest) {
            p class="remark" {
                (name) "estimates from " (significant(smallest)) " to " (significant(largest))
                @if let Some(interval) = band.interval { ", intervals within " (ends(interval)) }
                "."
            }
        }
    }
}

/// A combination of settings, with the estimate and interval of each check.
fn row(combination: &CombinationResult, is_evidence: bool) -> Markup {
    html! {
        tr {
            @for value in &combination.values {
                td { (text(value)) }
            }
            @for check in &combination.checks {
                td {
                    @match check.estimate { Some(estimate) => { (significant(estimate)) }, None => { "–" } }
                    @if let Some(interval) = check.interval { " (" (ends(interval)) ")" }
                    @if combination.checks.len() > 1 { ", " (text(check.verdict.words())) }
                }
            }
            td {
                (badge(combination.verdict, is_evidence))
                @if combination.is_own { " as the sweep has it" }
            }
        } "\n"
    }
}

/// Links to the figures at these places.
fn links(places: &[usize], figures: &[DrawnFigure]) -> Markup {
    html! {
        @if !places.is_empty() {
            p class="see" {
                @for (number, place) in places.iter().enumerate() {
                    @if number > 0 { ", " }
                    @if let Some(figure) = figures.get(*place) {
                        a href={ "#" (text(figure.id.as_str())) } { "Figure " (place + 1) }
                    }
                }
            }
        }
    }
}

fn check(result: &CheckResult, is_evidence: bool) -> Markup {
    html! {
        td class="measured" {
            (text(&result.measured))
            @if !result.left_out.is_empty() { p class="remark" { "Left out: " (text(&result.left_out)) } }
            @if let Some(improvement) = result.probability_of_improvement {
                p class="remark" {
                    "Probability of improvement: " (significant(improvement.estimate))
                    @if let Some(interval) = improvement.interval { " (" (ends(interval)) ")" }
                    "."
                }
            }
            @for caution in &result.cautions { p class="remark" { (text(&sentence(caution))) } }
        }
        td {
            (result.runs())
            @if let Some(points) = result.points { p class="remark" { "at " (points) " points" } }
        }
        @match result.interval {
            Some(interval) => td {
                (ends(interval))
                p class="remark" { (result.level_in_words()) }
                @if let Some(both) = result.over_test_examples {
                    p class="remark" { "with the choice of test examples: " (ends(both)) }
                }
            },
            None => td class="gap" { "–" },
        }
        td class="measured" {
            (badge(result.verdict, is_evidence))
            @if !result.why.is_empty() { p class="remark" { (text(&result.why)) } }
        }
    }
}

fn ends(ConfidenceInterval { low, high }: ConfidenceInterval) -> Markup {
    html! { (significant(low)) " to " (significant(high)) }
}

/// A remark as a sentence.
fn sentence(text: &str) -> String {
    names::capitalised(text) + "."
}

/// A verdict as a mark and words: never by colour alone. One that is no evidence says so, without the colour of one that is.
fn badge(verdict: Verdict, is_evidence: bool) -> Markup {
    let (class, mark) = match verdict {
        Verdict::Holds => ("verdict holds", "✓"),
        Verdict::DoesntHold => ("verdict fails", "✗"),
        Verdict::Undecided => ("verdict undecided", "?"),
    };
    let class = if is_evidence { class } else { "verdict undecided" };
    html! {
        span class=(class) { (mark) " " (text(verdict.words())) }
        @if !is_evidence { " " span class="verdict undecided" { "no evidence" } }
    }
}
