//! The table of results on the page.

use std::collections::BTreeSet;

use basin_charts::number;
use basin_storage::table::{Column, Table};
use maud::{Markup, html};

use super::text::text;
use crate::runs::Run;

/// The most rows that the page shows; the files have all.
const MAX_ROWS: usize = 1000;

/// The table as a section of the page.
pub(super) fn section(table: &Table, runs: &[Run]) -> Markup {
    let parameters: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.task.point.keys()).map(String::as_str).collect();
    let columns: Vec<&(String, Column)> =
        table.columns().iter().filter(|(_, column)| !is_empty(column)).collect();
    let is_parameter = |name: &str| parameters.contains(name.trim_start_matches("parameter."));
    html! {
        section { "\n"
            h2 { "Results" } "\n"
            p class="files" {
                a href="results.csv" download { "CSV" } " "
                a href="results.parquet" download { "Parquet" } " "
                a href="series.csv.zst" download { "all series (CSV, zstd)" }
            } "\n"
            div class="scroll" {
                table class="sortable" { "\n"
                    thead {
                        tr {
                            @for (name, column) in &columns {
                                th scope="col" class=[is_number(column).then_some("number")] {
                                    (text(&name.replace('_', " ")))
                                }
                            }
                        }
                    } "\n"
                    tbody { "\n"
                        @for row in 0..table.rows().min(MAX_ROWS) {
                            tr {
                                @for (name, column) in &columns { (cell(name, column, row, is_parameter(name))) }
                            } "\n"
                        }
                    } "\n"
                }
            } "\n"
            @if table.rows() > MAX_ROWS {
                p class="note" {
                    "The first " (number::whole(MAX_ROWS as i64)) " of " (number::whole(table.rows() as i64))
                    " rows; the files have all."
                } "\n"
            }
        } "\n"
    }
}

/// A cell. Unlike values of a parameter have unlike texts; what was measured has four significant figures.
fn cell(name: &str, column: &Column, row: usize, is_parameter: bool) -> Markup {
    let shown = if is_parameter { number::exact } else { number::significant };
    let number = |value: Option<f64>| value.map(|value| number_cell(&value, &shown(value)));
    let cell = match column {
        Column::Text(values) => values[row].as_deref().map(|value| text_cell(name, value)),
        Column::Integer(values) => values[row].map(|value| number_cell(&value, &number::whole(value))),
        Column::Unsigned(values) => number(values[row].map(|value| value as f64)),
        Column::Float(values) => number(values[row]),
        Column::Boolean(values) => {
            values[row].map(|truth| html! { td { (if truth { "yes" } else { "no" }) } })
        }
    };
    cell.unwrap_or_else(|| html! { td class="gap" { "–" } })
}

fn number_cell(value: &impl std::fmt::Display, shown: &str) -> Markup {
    html! { td class="number" data-value=(value.to_string()) { (shown) } }
}

fn text_cell(name: &str, value: &str) -> Markup {
    match name {
        "task" => {
            let short: String = value.chars().take(10).collect();
            html! { td { code title=(text(value)) { (text(&short)) } } }
        }
        "outcome" => html! { td { span class={ "outcome " (text(value)) } { (text(value)) } } },
        _ => html! { td { (text(value)) } },
    }
}

fn is_number(column: &Column) -> bool {
    match column {
        Column::Integer(_) | Column::Unsigned(_) | Column::Float(_) => true,
        Column::Text(_) | Column::Boolean(_) => false,
    }
}

fn is_empty(column: &Column) -> bool {
    match column {
        Column::Text(values) => values.iter().all(Option::is_none),
        Column::Integer(values) => values.iter().all(Option::is_none),
        Column::Unsigned(values) => values.iter().all(Option::is_none),
        Column::Float(values) => values.iter().all(Option::is_none),
        Column::Boolean(values) => values.iter().all(Option::is_none),
    }
}
