//! The table of results on the page.

use std::collections::BTreeSet;

use basin_storage::table::{Column, Table};

use crate::runs::Run;
use basin_charts::escape::escape;
use basin_charts::number;

/// The most rows that the page shows; the files have all.
const MAX_ROWS: usize = 1000;

/// The table as a section of the page.
pub(super) fn section(table: &Table, runs: &[Run]) -> String {
    let parameters: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.task.point.keys()).map(String::as_str).collect();
    let mut html = String::from(
        "<section>\n<h2>Results</h2>\n<p class=\"files\"><a href=\"results.csv\" download>CSV</a> \
         <a href=\"results.parquet\" download>Parquet</a> <a href=\"series.csv.zst\" download>all series (CSV, zstd)</a></p>\n\
         <div class=\"scroll\"><table class=\"sortable\">\n<thead><tr>",
    );
    let columns: Vec<&(String, Column)> =
        table.columns().iter().filter(|(_, column)| !is_empty(column)).collect();
    for (name, column) in &columns {
        let class = if is_number(column) { " class=\"number\"" } else { "" };
        html += &format!("<th scope=\"col\"{class}>{}</th>", escape(&name.replace('_', " ")));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in 0..table.rows().min(MAX_ROWS) {
        html += "<tr>";
        for (name, column) in &columns {
            html += &cell(name, column, row, parameters.contains(name.trim_start_matches("parameter.")));
        }
        html += "</tr>\n";
    }
    html += "</tbody>\n</table></div>\n";
    if table.rows() > MAX_ROWS {
        let (rows, shown) = (number::whole(table.rows() as i64), number::whole(MAX_ROWS as i64));
        html += &format!("<p class=\"note\">The first {shown} of {rows} rows; the files have all.</p>\n");
    }
    html + "</section>\n"
}

/// A cell. Unlike values of a parameter have unlike texts; what was measured has four significant figures.
fn cell(name: &str, column: &Column, row: usize, is_parameter: bool) -> String {
    let text = if is_parameter { number::exact } else { number::significant };
    let gap = || "<td class=\"gap\">–</td>".to_owned();
    let number = |value: Option<f64>| {
        value.map_or_else(gap, |value| {
            format!("<td class=\"number\" data-value=\"{value}\">{}</td>", text(value))
        })
    };
    match column {
        Column::Text(values) => match (&values[row], name) {
            (None, _) => gap(),
            (Some(id), "task") => {
                let short: String = id.chars().take(10).collect();
                format!("<td><code title=\"{}\">{}</code></td>", escape(id), escape(&short))
            }
            (Some(outcome), "outcome") => {
                let outcome = escape(outcome);
                format!("<td><span class=\"outcome {outcome}\">{outcome}</span></td>")
            }
            (Some(text), _) => format!("<td>{}</td>", escape(text)),
        },
        Column::Integer(values) => values[row].map_or_else(gap, |value| {
            format!("<td class=\"number\" data-value=\"{value}\">{}</td>", number::whole(value))
        }),
        Column::Unsigned(values) => number(values[row].map(|value| value as f64)),
        Column::Float(values) => number(values[row]),
        Column::Boolean(values) => {
            values[row].map_or_else(gap, |truth| format!("<td>{}</td>", if truth { "yes" } else { "no" }))
        }
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
