//! The page: one file that opens from disk, without network or script from elsewhere.

mod checklist;
mod claims;
mod details;
mod provenance;
mod table_of_results;
mod text;

use basin_charts::number;
use basin_storage::table::Table;
use maud::{Markup, PreEscaped, html};

use super::claims::ClaimResult;
use super::figures::DrawnFigure;
use super::results::Results;
use super::runs::Counts;
use text::text;

const STYLE: &str = include_str!("style.css");
const SORT: &str = include_str!("sort.js");

/// The page of `results`, with their drawn figures, what was found of their claims, and their table.
pub(crate) fn html(
    results: &Results,
    figures: &[DrawnFigure],
    claims: &[ClaimResult],
    table: &Table,
) -> String {
    let title = results.sweep.id.as_str();
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
                (header(results, Counts::of_tasks(&results.runs)))
                main { "\n"
                    (details::problems(&results.runs))
                    (self::figures(figures))
                    (claims::section(claims, results.sweep.source.profile.as_deref()))
                    (details::experiments(&results.runs))
                    (table_of_results::section(table, &results.runs))
                    (checklist::section(results))
                    (provenance::section(results))
                } "\n"
                script { "\n" (PreEscaped(SORT)) } "\n"
            } "\n"
        } "\n"
    };
    page.into_string()
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

fn figures(figures: &[DrawnFigure]) -> Markup {
    html! {
        @if !figures.is_empty() {
            section { "\n"
                h2 { "Figures" } "\n"
                @for figure in figures { (self::figure(figure)) }
            } "\n"
        }
    }
}

fn figure(figure: &DrawnFigure) -> Markup {
    let id = figure.id.as_str();
    html! {
        figure id=(text(id)) { "\n"
            h3 { (text(&figure.title)) } "\n"
            div class="plot" { "\n" (PreEscaped(&figure.inline)) } "\n"
            figcaption {
                p { (text(&figure.notes.join(" "))) }
                p class="files" {
                    @for (place, (extension, name)) in [("svg", "SVG"), ("png", "PNG"), ("csv", "CSV")].iter().enumerate() {
                        @if place > 0 { " " }
                        a href={ "figures/" (text(id)) "." (extension) } download { (name) }
                    }
                }
            } "\n"
        } "\n"
    }
}
