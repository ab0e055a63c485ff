//! The contents at the side of the page.

use maud::{Markup, html};

use super::text::text;
use crate::figures::DrawnFigure;
use crate::results::Results;
use crate::runs::experiments;

/// The page's parts, with its figures and the tables of its experiments.
pub(super) fn navigation(
    results: &Results,
    figures: &[DrawnFigure],
    has_claims: bool,
    has_problems: bool,
) -> Markup {
    html! {
        nav aria-label="Contents" { "\n"
            ol { "\n"
                li { a href="#run" { "What was run" } } "\n"
                @if has_claims { li { a href="#claims" { "Claims" } } "\n" }
                @if has_problems { li { a href="#problems" { "Not averaged" } } "\n" }
                @if !figures.is_empty() {
                    li {
                        a href="#figures" { "Figures" }
                        ol {
                            @for (number, figure) in (1..).zip(figures) {
                                li { a href={ "#" (text(figure.id.as_str())) } { (number) " " (text(&figure.title)) } }
                            }
                        }
                    } "\n"
                }
                li {
                    a href="#results" { "Results" }
                    ol {
                        @for (number, id) in experiments(&results.runs).into_iter().enumerate() {
                            li { a href={ "#results-" (number) } { (text(id.as_str())) } }
                        }
                    }
                } "\n"
                li { a href="#checklist" { "Reproducibility checklist" } } "\n"
                li { a href="#provenance" { "Provenance" } } "\n"
            } "\n"
        } "\n"
    }
}
