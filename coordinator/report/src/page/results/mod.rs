//! The results on the page: a table an experiment, a row a point, which opens to its seeds.

mod measures;
mod points;
mod seeds;

use basin_charts::number;
use maud::{Markup, html};

use super::text::text;
use crate::figures::names;
use crate::results::Results;
use crate::runs::{Run, experiments};
use measures::Measures;
use points::{Point, points};

/// The most points that the page shows; the files have all.
const MAX_POINTS: usize = 1_000;
/// The most runs to which points open on the page; the files have all.
const MAX_RUNS: usize = 12_000;

/// How much of the page's room for results is left.
struct Room {
    points: usize,
    runs: usize,
}

/// The tables as a section of the page.
pub(super) fn section(results: &Results) -> Markup {
    let mut room = Room { points: MAX_POINTS, runs: MAX_RUNS };
    html! {
        section id="results" aria-labelledby="results-title" { "\n"
            h2 id="results-title" { "Results" } "\n"
            p class="files" {
                a href="results.csv" download { "CSV" } " "
                a href="results.parquet" download { "Parquet, with all parameters" } " "
                a href="series.parquet" download { "all series (Parquet)" } " "
                a href="series.csv.zst" download { "all series (CSV, zstd)" }
            } "\n"
            p class="note" {
                "Mean over the completed runs of a point, ± half of its 95 % Student t interval where there are three or more. n: how many "
                "runs that is; runs that are one computation count once."
            } "\n"
            @for (number, id) in experiments(&results.runs).into_iter().enumerate() {
                (experiment(results, number, id.as_str(), &mut room))
            }
        } "\n"
    }
}

/// The table of an experiment.
fn experiment(results: &Results, number: usize, id: &str, room: &mut Room) -> Markup {
    let runs: Vec<&Run> = results.runs.iter().filter(|run| run.task.experiment.as_str() == id).collect();
    let all = points(&runs);
    let measures = Measures::of(results, id, &runs);
    let shown = &all.points[..all.points.len().min(room.points)];
    room.points -= shown.len();
    let seeds = seeds::json(shown, &measures.shown, &mut room.runs);
    let is_open = seeds.is_some();
    html! {
        h3 id={ "results-" (number) } { (text(id)) } "\n"
        @if shown.is_empty() {
            p class="note" { (number::whole(all.points.len() as i64)) " points: results.csv has them." } "\n"
        } @else {
            div class="table" data-table="results" { "\n"
                div class="tools" hidden {
                    label {
                        "Filter " input type="search" placeholder=(placeholder(&measures, &runs));
                    }
                    output {}
                } "\n"
                div class="scroll" role="region" tabindex="0" aria-label={ "Results of " (text(id)) } {
                    table class="results" { "\n"
                        thead {
                            tr {
                                (heads(&all.parameters, &measures, &runs))
                            }
                        } "\n"
                        tbody { "\n"
                            @for point in shown { (row(point, &measures, is_open)) }
                        } "\n"
                    }
                } "\n"
                @if let Some(seeds) = seeds { script type="application/json" class="seeds" { (seeds) } "\n" }
            } "\n"
            @if shown.len() < all.points.len() {
                p class="note" {
                    "The first " (number::whole(shown.len() as i64)) " of " (number::whole(all.points.len() as i64))
                    " points; the files have all."
                } "\n"
            }
            @if !is_open { p class="note" { "Its runs are in the files: the page has no room for more." } "\n" }
            @if !measures.left_out.is_empty() {
                p class="note" {
                    "Also measured, in the files: "
                    (text(&measures.left_out.iter().map(|name| names::quantity(name, &runs)).collect::<Vec<_>>().join(", ")))
                    "."
                } "\n"
            }
        }
    }
}

/// What to type, by an example of this experiment.
fn placeholder(measures: &Measures, runs: &[&Run]) -> String {
    let name = measures.shown.first().map(|name| names::quantity(name, runs));
    name.map_or_else(|| "words".to_owned(), |name| format!("words, or {name} < 1"))
}

fn heads(parameters: &[String], measures: &Measures, runs: &[&Run]) -> Markup {
    html! {
        @if parameters.is_empty() { th scope="col" { "point" } }
        @for name in parameters { th scope="col" data-name=(text(name)) { (text(&names::parameter(name))) } }
        th scope="col" class="number" { "n" }
        @for name in &measures.shown {
            th scope="col" class="number" data-name=(text(name)) { (text(&names::quantity(name, runs))) }
        }
    }
}

fn row(point: &Point<'_>, measures: &Measures, is_open: bool) -> Markup {
    let counts = point.counts();
    let beside = counts.left_out();
    html! {
        tr {
            th scope="row" data-value=[point.settings.first().and_then(|setting| setting.number)] {
                @if is_open { button type="button" class="open" aria-expanded="false" aria-label={ "Runs of " (text(&point.name)) } {} }
                (text(point.settings.first().map_or("all runs", |setting| &setting.text)))
            }
            @for setting in point.settings.iter().skip(1) {
                td class=[setting.number.map(|_| "number")] data-value=[setting.number] { (text(&setting.text)) }
            }
            td class="number" data-value=(counts.completed) {
                (counts.completed)
                @if !beside.is_empty() { span class="remark" { ", " (beside) } }
            }
            @for name in &measures.shown { (measures::cell(point, name)) }
        } "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::tests::results_with_claims;

    fn page(runs: Vec<Run>) -> String {
        section(&results_with_claims(runs, samples::claims())).into_string()
    }

    #[test]
    fn a_row_is_a_point_with_its_mean_its_interval_and_how_many_runs_it_is_of() {
        let page = page(samples::points::batch_sizes(3));
        assert_eq!(page.matches("<th scope=\"row\"").count(), 5);
        assert!(page.contains(">batch size</th>") && page.contains(">test loss (nats)</th>"), "{page}");
        assert!(page.contains(" ± "), "{page}");
        assert!(page.contains("2<span class=\"remark\">, 1 diverged</span>"), "{page}");
        assert!(page.contains("\"seed\":2") || page.contains("[2,\"missing\""), "{page}");
    }

    #[test]
    fn ten_thousand_runs_leave_the_page_small_and_say_so() {
        let first = samples::images(1, 1).remove(0);
        let runs: Vec<Run> = (0..10_000_i64)
            .map(|number| {
                let mut run = first.clone();
                run.task.point.insert("width".to_owned(), basin_domain::value::Value::Integer(number));
                run.task.id =
                    basin_domain::id::TaskId(basin_domain::digest::Digest::of(&number.to_le_bytes()));
                run
            })
            .collect();
        let page = page(runs);
        assert!(page.len() < 2 << 20, "{} bytes", page.len());
        assert!(page.contains("The first 1,000 of 10,000 points; the files have all."));
    }

    #[test]
    fn measures_that_figures_and_claims_speak_of_come_first_and_the_rest_is_named() {
        let mut runs = samples::images(3, 10);
        for run in &mut runs {
            samples::measure(run, |metrics| {
                (0..30).for_each(|number| metrics.set(&format!("extra_{number:02}"), 1.0));
            });
        }
        let page = page(runs);
        let place = |name: &str| page.find(&format!("data-name=\"{name}\"")).unwrap_or(usize::MAX);
        assert!(place("test_accuracy") < place("extra_00"), "{page}");
        assert!(page.contains("Also measured, in the files: ") && page.contains("extra 29"), "{page}");
    }
}
