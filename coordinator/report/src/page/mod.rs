//! The page: one file that opens from disk, without network or script from elsewhere. It says first what was run and what was found of the
//! claims, then shows figures, then tables.

mod checklist;
mod claims;
mod contents;
mod details;
mod figure;
mod json;
mod overview;
mod provenance;
mod references;
mod results;
mod settings;
mod text;

use basin_charts::number;
use maud::{Markup, PreEscaped, html};

use super::claims::ClaimResult;
use super::figures::DrawnFigure;
use super::results::Results;
use super::runs::Counts;
use text::text;

const STYLE: &str = include_str!("style.css");
/// Tables that are sorted, filtered and opened, and figures that answer: the page says the same without them.
const SCRIPTS: [&str; 2] = [include_str!("tables.js"), include_str!("figures.js")];

/// The page of `results`, with their drawn figures and what was found of their claims.
pub(crate) fn html(results: &Results, figures: &[DrawnFigure], claims: &[ClaimResult]) -> String {
    let title = results.sweep.id.as_str();
    let problems = details::problems(&results.runs);
    let page = html! {
        (PreEscaped("<!doctype html>\n"))
        html lang="en" { "\n"
            head { "\n"
                meta charset="utf-8"; "\n"
                meta name="viewport" content="width=device-width, initial-scale=1"; "\n"
                meta name="color-scheme" content="light dark"; "\n"
                title { (text(title)) " · basin report" } "\n"
                style { "\n" (PreEscaped(STYLE)) } "\n"
            } "\n"
            body { "\n"
                a class="skip" href="#run" { "Skip to the report" } "\n"
                (header(results, Counts::of_tasks(&results.runs)))
                (contents::navigation(results, figures, !claims.is_empty(), problems.is_some()))
                main { "\n"
                    (overview::section(results))
                    (claims::section(claims, results, figures))
                    @if let Some(problems) = &problems { (problems) }
                    (self::figures(results, figures))
                    (results::section(results))
                    (checklist::section(results))
                    (provenance::section(results))
                } "\n"
                @for script in SCRIPTS { script { "\n" (PreEscaped(script)) } "\n" }
            } "\n"
        } "\n"
    };
    page.into_string()
}

/// The table of claims alone, without what leads to other parts of a page.
pub(crate) fn claims_table(claims: &[ClaimResult]) -> String {
    claims::table(claims, |_| html! {}).into_string()
}

fn header(results: &Results, counts: Counts) -> Markup {
    let total = counts.total();
    let done = counts.completed + counts.diverged;
    let state = match (&results.phase, done == total) {
        (_, true) => "complete",
        (Some(phase), false) => phase,
        (None, false) => "incomplete",
    };
    let class = if done == total { "state complete" } else { "state incomplete" };
    let id = results.sweep.id.as_str();
    let name = id.rsplit_once('-').map_or(id, |(name, _)| name);
    let others = [
        (counts.stopped, "of them stopped by a rule"),
        (counts.diverged, "of them diverged"),
        (counts.failed, "failed"),
        (counts.missing, "missing"),
        (counts.unreadable, "unreadable"),
    ];
    html! {
        header { "\n"
            p class="brand" { "basin report" } "\n"
            h1 { (text(name)) " " span class=(class) { (text(state)) } } "\n"
            p class="id" {
                code { (text(id)) }
                @if let Some(profile) = &results.sweep.source.profile { " · profile " (text(profile)) }
            } "\n"
            ul class="tiles" {
                li {
                    b {
                        (number::whole(done as i64))
                        @if done < total { small { " of " (number::whole(total as i64)) } }
                    }
                    " committed"
                }
                @for (count, word) in others.into_iter().filter(|(count, _)| *count > 0) {
                    li { b { (number::whole(count as i64)) } " " (word) }
                }
            } "\n"
        } "\n"
    }
}

fn figures(results: &Results, figures: &[DrawnFigure]) -> Markup {
    html! {
        @if !figures.is_empty() {
            section id="figures" aria-labelledby="figures-title" { "\n"
                h2 id="figures-title" { "Figures" } "\n"
                p class="note hint" hidden {
                    "Point at a figure, or go to a panel by the keyboard and use the arrows, to read values. Drag to zoom, or use the wheel with "
                    "Ctrl or + and −; 0 or a double click shows all again. A line of a legend hides what it names."
                } "\n"
                @for (number, (drawn, figure)) in (1..).zip(figures.iter().zip(&results.figures)) {
                    (figure::figure(number, drawn, &figure.experiments, &results.runs))
                }
            } "\n"
        }
    }
}
