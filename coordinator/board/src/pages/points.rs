//! `/sweeps/{id}/points`: what was measured at each point of a sweep, and which parameters it goes with.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use basin_report::{parameter_name, quantity};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::common::above;
use super::tasks::table_of;
use crate::answer::parts::Head::{self, Numbers, Words};
use crate::answer::parts::{heads, measured, scrolling, share, sweep_url, text, whole};
use crate::answer::{Failure, Page, Place, Query, json_answer};
use crate::context::{Asked, Shared};
use crate::model::SweepModel;
use crate::points::{Importance, importances, kind_of, spans_decades};
use crate::table::{Cell, Column, FilterError, Points, Role, Table};

/// The ways to look at points, each with its name.
const VIEWS: [(&str, &str); 4] = [
    ("parallel", "Side by side"),
    ("against", "One against another"),
    ("heat", "Two parameters"),
    ("importances", "What matters"),
];

/// The points of a sweep.
pub(crate) async fn show(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Page, Failure> {
    let (table, gap) = table_of(&board.model, &id).await?;
    let points = points_of(&table, &asked.query).await?;
    let now = board.model.now();
    let view = asked.query.get("view").filter(|view| VIEWS.iter().any(|(name, _)| name == view));
    let view = view.unwrap_or("parallel");
    let main = html! {
        h1 tabindex="-1" { "Points of " (text(&id)) }
        (above(&asked, &now))
        @if let Some(gap) = &gap { p.note { "What the sweep varies isn't known: " (text(gap)) } }
        nav aria-label="Views" {
            ul {
                @for (name, words) in VIEWS {
                    li {
                        a href=(asked.query.with(&[("view", Some(name)), ("outcome", None)])) aria-current=[(name == view).then_some("page")] { (words) }
                    }
                }
            }
        }
        (form(&asked.query, view, points.as_ref().ok()))
        div #points data-live="tasks" { (shown(&id, &asked.query, view, &points)) }
    };
    Ok(asked.shows(Page::new(format!("Points of {id}"), Place::Sweep(id, "points"), "tasks", main)))
}

async fn points_of(table: &Arc<Table>, query: &Query) -> Result<Result<Points, FilterError>, Failure> {
    let (table, filter) = (Arc::clone(table), query.get("where").map(str::to_owned));
    let found = tokio::task::spawn_blocking(move || table.points(filter.as_deref()));
    found.await.map_err(|_| Failure::unavailable("the points couldn't be looked through"))
}

fn form(query: &Query, view: &str, points: Option<&Points>) -> Markup {
    let columns = points.map_or(&[][..], |points| points.columns.as_slice());
    let select = |name: &'static str, label: &'static str| {
        html! {
            label {
                (label) " "
                select name=(name) {
                    option value="" { "chosen by itself" }
                    @for column in columns {
                        option value=(text(&column.name)) selected[query.get(name) == Some(column.name.as_str())] { (text(&column.name)) }
                    }
                }
            }
            " "
        }
    };
    html! {
        form.filter method="get" data-auto {
            input type="hidden" name="view" value=(text(view));
            label for="where" { "Tasks for which" }
            " "
            input id="where" type="search" name="where" value=(text(query.get("where").unwrap_or_default())) spellcheck="false"
                autocomplete="off" placeholder="experiment = 'batch-sizes'";
            " "
            @if view == "against" || view == "heat" { (select("x", "horizontally")) (select("y", "vertically")) }
            @if view != "importances" { (select("by", "coloured by")) }
            button type="submit" { "Show" }
        }
    }
}

fn shown(sweep: &str, query: &Query, view: &str, points: &Result<Points, FilterError>) -> Markup {
    let points = match points {
        Ok(points) => points,
        Err(error) => return html! { p.trouble role="alert" { (text(&error.to_string())) } },
    };
    if points.rows.is_empty() {
        return html! { p.empty { "No task is committed yet of those that were asked for." } };
    }
    let count = whole(points.rows.len() as u64);
    html! {
        p {
            (count) " points" @if points.is_cut { ", and more that aren't shown" }
            "; a measure is the mean over those seeds of a point for which it is a number: what diverged to NaN is left out."
        }
        @if view == "importances" {
            (importances_shown(&importances(points)))
        } @else {
            (chart_of(sweep, query, view, points))
        }
    }
}

/// The chart of a view; what isn't chosen is the first that makes sense.
fn chart_of(sweep: &str, query: &Query, view: &str, points: &Points) -> Markup {
    let source = format!(
        "{}{}",
        sweep_url(sweep, "points.json"),
        Query::default().with(&[("where", query.get("where"))])
    );
    let name_of = |role: Role, place: usize| {
        let of_role = points.columns.iter().filter(move |column| column.role == role);
        of_role.map(|column| column.name.clone()).nth(place)
    };
    let chosen = |name: &str, otherwise: Option<String>| {
        let asked = query.get(name).filter(|asked| points.columns.iter().any(|column| column.name == *asked));
        asked.map(str::to_owned).or(otherwise)
    };
    let (x, y, by) = match view {
        "heat" => (
            chosen("x", name_of(Role::Parameter, 0)),
            chosen("y", name_of(Role::Parameter, 1)),
            chosen("by", name_of(Role::Measure, 0)),
        ),
        "against" => (
            chosen("x", name_of(Role::Parameter, 0)),
            chosen("y", name_of(Role::Measure, 0)),
            chosen("by", None),
        ),
        _ => (None, None, chosen("by", name_of(Role::Measure, 0))),
    };
    let caption = VIEWS.iter().find(|(name, _)| *name == view).map_or("", |(_, words)| *words);
    html! {
        figure.chart data-chart=(view) data-src=(source) data-x=[x.as_deref().map(text)] data-y=[y.as_deref().map(text)]
            data-by=[by.as_deref().map(text)] {
            figcaption { (caption) }
            div.plot role="img" aria-label={ "Points: " (caption) } {}
            details {
                summary { "Values" }
                p { a href=(source) data-full { "The numbers as JSON" } }
                (values(points))
            }
        }
    }
}

/// The first points as a table, for those who see no chart.
fn values(points: &Points) -> Markup {
    const ROWS: usize = 50;
    let columns = points.columns.iter().enumerate().map(|(place, column)| {
        let has_numbers =
            points.rows.iter().filter_map(|row| row.get(place)).any(|cell| cell.number().is_some());
        if has_numbers { Numbers(&column.name) } else { Words(&column.name) }
    });
    let columns: Vec<Head<'_>> = columns.collect();
    let table = html! {
        table {
            thead {
                tr {
                    (heads(&columns))
                    (heads(&[Numbers("runs")]))
                }
            }
            tbody {
                @for (row, runs) in points.rows.iter().zip(&points.runs).take(ROWS) {
                    tr {
                        @for cell in row {
                            @match cell.number() {
                                Some(number) => { td.number { (measured(Some(number))) } },
                                None => { td { (text(cell.text())) } },
                            }
                        }
                        td.number { (runs) }
                    }
                }
            }
        }
    };
    scrolling("The first points", &table)
}

fn importances_shown(found: &[Importance]) -> Markup {
    if found.is_empty() {
        return html! { p.empty { "There are too few points, or nothing that was measured spreads." } };
    }
    let table = html! {
        table {
            thead {
                tr {
                    (heads(&["Measure", "Parameter", "Share explained (η²)"].map(Words)))
                    (heads(&["Points", "Classes"].map(Numbers)))
                }
            }
            tbody {
                @for it in found {
                    tr {
                        th scope="row" { (text(&quantity(&it.measure, &[]))) }
                        td { (text(&parameter_name(&it.parameter))) }
                        td { (share(it.share)) @if it.is_rough() { " " span.note { "few points a class" } } }
                        td.number { (it.points) }
                        td.number { (it.classes) }
                    }
                }
            }
        }
    };
    html! {
        p.note {
            "η², the correlation ratio, is the share of a measure's variance over points that the means of a parameter's values explain: "
            "1 if the parameter alone decides it, 0 if the means are the same whatever it is. Numbers of more than 8 values are put into 8 "
            "classes by their ranks. Each parameter is looked at by itself: what two do together only is nobody's, and where points aren't all "
            "combinations of values, parameters that vary together share what one of them does. With few points a class η² is large by chance. "
            "That a measure goes with a parameter doesn't say that it is caused by it."
        }
        (scrolling("What matters", &table))
    }
}

/// `/sweeps/{id}/points.json`.
pub(crate) async fn points_json(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let (table, _) = table_of(&board.model, &id).await?;
    let points = points_of(&table, &asked.query).await?;
    let points = points.map_err(|error| Failure::bad_request(error.to_string()))?;
    let sweep = board.model.sweep(&id);
    Ok(json_answer(&value(&points, &labels(&sweep, &points.columns).await)))
}

/// The columns as people call them: measures with their units, once the sweep's plan was read.
async fn labels(sweep: &SweepModel, columns: &[Column]) -> Vec<String> {
    let runs = sweep.results.runs.read().await;
    // Kinds that aren't Basin's own name their measures themselves.
    let runs = runs.as_ref().map(|runs| runs.results().runs.iter().collect::<Vec<_>>()).unwrap_or_default();
    let label = |column: &Column| match column.role {
        Role::Measure => quantity(&column.of, &runs),
        Role::Task | Role::Parameter | Role::Progress => parameter_name(&column.of),
    };
    columns.iter().map(label).collect()
}

fn value(points: &Points, labels: &[String]) -> Value {
    let columns = points.columns.iter().zip(labels).enumerate().map(|(place, (column, label))| {
        let role = if column.role == Role::Measure { "measure" } else { "parameter" };
        json!({ "name": column.name, "label": label, "kind": kind_of(points, place).as_str(), "role": role,
            "log": spans_decades(points, place) })
    });
    let columns: Vec<Value> = columns.collect();
    let rows: Vec<Vec<Value>> = points.rows.iter().map(|row| row.iter().map(cell_value).collect()).collect();
    json!({ "columns": columns, "rows": rows, "ids": points.tasks, "runs": points.runs, "n": points.rows.len(), "cut": points.is_cut })
}

fn cell_value(cell: &Cell) -> Value {
    match cell {
        Cell::Nothing => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Number(number) => json!(number),
        Cell::Text(text) => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Points {
        let column = |name: &str, role| Column { name: name.to_owned(), of: name.to_owned(), role };
        let row = |number: i64| {
            vec![
                Cell::Text("<i>".to_owned()),
                Cell::Integer(16 << number),
                Cell::Number(if number == 0 { f64::INFINITY } else { number as f64 }),
            ]
        };
        Points {
            columns: vec![
                column("experiment", Role::Task),
                column("batch_size", Role::Parameter),
                column("train_loss", Role::Measure),
            ],
            rows: (0..5).map(row).collect(),
            tasks: (0..5).map(|number| number.to_string()).collect(),
            runs: vec![3; 5],
            is_cut: false,
        }
    }

    #[test]
    fn points_are_told_with_what_their_columns_hold() {
        let labels = ["experiment", "batch size", "training loss (nats)"].map(str::to_owned);
        let value = value(&points(), &labels);
        let of = |place: usize, key: &str| value["columns"][place][key].clone();
        assert_eq!(
            [of(0, "kind"), of(1, "kind"), of(2, "role")],
            [json!("text"), json!("number"), json!("measure")]
        );
        assert_eq!(
            [of(1, "log"), of(2, "log"), of(2, "label")],
            [json!(true), json!(false), json!("training loss (nats)")]
        );
        assert_eq!((&value["rows"][0][2], &value["rows"][1][1]), (&Value::Null, &json!(32)));
        assert_eq!((&value["n"], &value["ids"][4], &value["cut"]), (&json!(5), &json!("4"), &json!(false)));
    }

    #[test]
    fn a_view_chooses_what_makes_sense_and_words_are_text() {
        let shown = |query: &str, view: &str| {
            shown("a-1", &Query::parse(query.as_bytes()), view, &Ok(points())).into_string()
        };
        let against = shown("where=batch_size+%3E+1", "against");
        assert!(against.contains("data-x=\"batch_size\" data-y=\"train_loss\""), "{against}");
        assert!(against.contains("data-src=\"/sweeps/a-1/points.json?where=batch_size+%3E+1\""), "{against}");
        assert!(!against.contains("<i>") && against.contains("&lt;i&gt;"), "{against}");
        assert!(shown("x=nonsense", "against").contains("data-x=\"batch_size\""));
        let matters = shown("", "importances");
        assert!(
            matters.contains("batch size")
                && matters.contains("100 %")
                && matters.contains("few points a class"),
            "{matters}"
        );
    }
}
