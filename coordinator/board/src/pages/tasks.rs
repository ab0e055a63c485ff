//! `/sweeps/{id}/tasks`: the tasks of a sweep as a table that is filtered, sorted and grouped.

use std::sync::Arc;

use axum::extract::{Path, State};
use basin_charts::number;
use maud::{Markup, html};

use super::common::above;
use super::losses::{ShownTask, Sparklines, sparklines};
use crate::answer::parts::Head::{Numbers, Words};
use crate::answer::parts::{heads, measured, scrolling, share, state, sweep_url, task_link, text, whole};
use crate::answer::{Failure, Page, Place, Query};
use crate::context::{Asked, Shared};
use crate::model::{Model, TaskList};
use crate::table::{Cell, Column, FilterError, Group, ROWS, Role, Rows, Table, Wanted, as_written};

/// The tasks that somebody wants to see.
pub(crate) async fn list(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Page, Failure> {
    let (table, gap) = table_of(&board.model, &id).await?;
    let (found, columns) = find(&table, &asked.query).await?;
    let losses = sparklines(&asked, &board.model.sweep(&id), &found.tasks()).await;
    let now = board.model.now();
    let main = html! {
        h1 tabindex="-1" { "Tasks of " (text(&id)) }
        (above(&asked, &now))
        @if let Some(gap) = &gap { p.note { "What the sweep varies isn't known: " (text(gap)) } }
        (form(&asked.query, &columns))
        div #tasks data-live="tasks" { (shown(&id, &asked.query, &found, &losses)) }
    };
    Ok(asked.shows(Page::new(format!("Tasks of {id}"), Place::Sweep(id, "tasks"), "tasks", main)))
}

/// The table of a sweep's tasks, and what isn't known of them.
pub(crate) async fn table_of(model: &Model, id: &str) -> Result<(Arc<Table>, Option<String>), Failure> {
    let mut now = model.fresh().await;
    if now.sweep(id).is_none() {
        // It may have been launched since.
        model.look_again().await;
        now = model.now();
    }
    if now.sweep(id).is_none() {
        let why = now.trouble.clone();
        return Err(match why {
            Some(why) => Failure::unavailable(why),
            None => Failure::not_found(format!("there is no sweep `{id}`")),
        });
    }
    match model.listed_sweep(id).await.list() {
        TaskList::Here { table, gap } => Ok((table, gap)),
        TaskList::Missing(why) => Err(Failure::unavailable(format!("the tasks aren't known: {why}"))),
        TaskList::Reading => {
            Err(Failure::unavailable("the list of tasks is being read; look again in a moment"))
        }
    }
}

/// What was found of what somebody wants to see.
enum Found {
    Rows(Rows),
    Groups(String, Vec<Group>),
    Wrong(FilterError),
}

impl Found {
    /// The tasks that have rows.
    fn tasks(&self) -> Vec<ShownTask<'_>> {
        let Self::Rows(found) = self else { return Vec::new() };
        let place = |name: &str| found.columns.iter().position(|column| column.name == name);
        let (id, state) = (place("id"), place("state"));
        found.rows.iter().map(|row| ShownTask::in_state(text_at(row, id), text_at(row, state))).collect()
    }
}

async fn find(table: &Arc<Table>, query: &Query) -> Result<(Found, Vec<Column>), Failure> {
    let (table, query) = (Arc::clone(table), query.clone());
    let found = tokio::task::spawn_blocking(move || {
        let filter = query.get("where");
        let found = match query.get("group") {
            Some(by) => table.groups(filter, by).map(|groups| Found::Groups(by.to_owned(), groups)),
            None => table.rows(&wanted(&query)).map(Found::Rows),
        };
        (found.unwrap_or_else(Found::Wrong), table.columns())
    });
    found.await.map_err(|_| Failure::unavailable("the tasks couldn't be looked through"))
}

fn wanted(query: &Query) -> Wanted<'_> {
    Wanted {
        filter: query.get("where"),
        sort: query.get("sort"),
        down: query.get("down").is_some(),
        from: query.get("from").and_then(|from| from.parse().ok()).unwrap_or(0),
    }
}

fn form(query: &Query, columns: &[Column]) -> Markup {
    let option = |column: &Column, of: &str| {
        let is_chosen = query.get(of) == Some(column.name.as_str());
        html! { option value=(text(&column.name)) selected[is_chosen] { (text(&column.name)) } }
    };
    html! {
        form #filter.filter method="get" data-auto {
            label for="where" { "Tasks for which" }
            " "
            input id="where" type="search" name="where" value=(text(query.get("where").unwrap_or_default())) spellcheck="false"
                autocomplete="off" placeholder="state = 'running' and seed < 3" aria-describedby="columns";
            " "
            label {
                "sorted by "
                select name="sort" {
                    option value="" { "the sweep's file" }
                    @for column in columns { (option(column, "sort")) }
                }
            }
            " "
            label { input type="checkbox" name="down" value="1" checked[query.get("down").is_some()]; " downwards" }
            " "
            label {
                "grouped by "
                select name="group" {
                    option value="" { "nothing" }
                    @for column in columns { (option(column, "group")) }
                }
            }
            " "
            button type="submit" { "Show" }
            details #columns {
                summary { "What can be asked" }
                p {
                    "A filter is an expression of SQL over these columns: "
                    @for column in columns { code { (text(&as_written(&column.name))) } " " }
                }
                p {
                    "For example " code { "state = 'failed'" } ", " code { "name like '%seed 3%'" } ", "
                    code { "loss > 1 and progress < 0.5" } "."
                }
            }
        }
    }
}

fn shown(sweep: &str, query: &Query, found: &Found, losses: &Sparklines) -> Markup {
    match found {
        Found::Rows(rows) => rows_shown(sweep, query, rows, losses),
        Found::Groups(by, groups) => groups_shown(query, by, groups),
        Found::Wrong(error) => html! { p.trouble role="alert" { (text(&error.to_string())) } },
    }
}

fn rows_shown(sweep: &str, query: &Query, found: &Rows, losses: &Sparklines) -> Markup {
    let place = |name: &str| found.columns.iter().position(|column| column.name == name);
    let (id, name) = (place("id"), place("name"));
    let others: Vec<(usize, &Column)> = found
        .columns
        .iter()
        .enumerate()
        .filter(|(place, _)| Some(*place) != id && Some(*place) != name)
        .collect();
    let table = html! {
        table {
            thead {
                tr {
                    (heading(query, "name", "name", false))
                    @for (place, column) in &others { (heading(query, &column.name, &column.of, has_numbers(column, *place, found))) }
                }
            }
            tbody {
                @for row in &found.rows {
                    tr {
                        th scope="row" { (task_link(sweep, text_at(row, id), text_at(row, name))) }
                        @for (place, column) in &others {
                            @let value = row.get(*place).unwrap_or(&Cell::Nothing);
                            @match losses.get(text_at(row, id)).filter(|_| is_loss(column)) {
                                Some(spark) => { td.number { (spark) @if let Some(value) = value.number() { (measured(Some(value))) } } },
                                None => { (cell(column, value)) },
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        (pages(query, found))
        @if found.rows.is_empty() { p.empty { "No task is like that." } } @else { (scrolling("Tasks", &table)) }
    }
}

/// The text in one of a row's cells.
fn text_at(row: &[Cell], place: Option<usize>) -> &str {
    place.and_then(|place| row.get(place)).map_or("", Cell::text)
}

/// How many there are, and the way to the others.
fn pages(query: &Query, found: &Rows) -> Markup {
    let from = wanted(query).from.min(found.matching);
    let to = from + found.rows.len() as u64;
    let page = |from: u64| {
        query.with(&[("from", (from > 0).then(|| from.to_string()).as_deref()), ("outcome", None)])
    };
    html! {
        p.pages {
            @if found.matching > 0 { (whole(from + 1)) "–" (whole(to)) " of " }
            (whole(found.matching)) " tasks"
            @if found.matching < found.all { " of " (whole(found.all)) }
            @if from > 0 { " " a rel="prev" href={ "?" (bare(&page(from.saturating_sub(ROWS)))) } { "Before" } }
            @if to < found.matching { " " a rel="next" href={ "?" (bare(&page(to))) } { "After" } }
        }
    }
}

/// A query without its question mark: where nothing is asked for, a link still needs one to lead away from what was.
fn bare(query: &str) -> &str {
    query.trim_start_matches('?')
}

/// Whether a column has the last loss that is known, beside which its curve is.
fn is_loss(column: &Column) -> bool {
    column.name == "loss" && column.role == Role::Progress
}

/// Whether what is shown of a column are numbers, which stand at the right.
fn has_numbers(column: &Column, place: usize, found: &Rows) -> bool {
    let is_bar = column.name == "progress" && column.role == Role::Progress;
    let mut cells = found.rows.iter().filter_map(|row| row.get(place));
    column.role == Role::Measure || is_loss(column) || !is_bar && cells.any(|cell| cell.number().is_some())
}

/// The head of a column: a link that sorts by it, and the other way round once it does.
fn heading(query: &Query, name: &str, of: &str, is_of_numbers: bool) -> Markup {
    let is_sorted = query.get("sort") == Some(name);
    let is_down = query.get("down").is_some();
    let down = (is_sorted && !is_down).then_some("1");
    let url = query.with(&[("sort", Some(name)), ("down", down), ("from", None), ("outcome", None)]);
    let order = is_sorted.then_some(if is_down { "descending" } else { "ascending" });
    html! {
        th.number[is_of_numbers] scope="col" aria-sort=[order] { a href=(url) title=(text(of)) { (text(name)) } }
    }
}

fn cell(column: &Column, value: &Cell) -> Markup {
    match (column.name.as_str(), column.role, value) {
        ("state", Role::Progress, Cell::Text(word)) => html! { td { (state(word)) } },
        ("progress", Role::Progress, value) => html! {
            td { @if let Some(done) = value.number() { (share(done)) } }
        },
        (_, Role::Measure, value) => html! { td.number { (measured(value.number())) } },
        (_, _, Cell::Nothing) => html! { td {} },
        (_, _, Cell::Integer(number)) => html! { td.number { (number) } },
        (_, Role::Parameter, Cell::Number(value)) => html! { td.number { (number::exact(*value)) } },
        (_, _, Cell::Number(value)) => html! { td.number { (measured(Some(*value))) } },
        (_, _, Cell::Text(word)) => html! { td { (text(word)) } },
    }
}

fn groups_shown(query: &Query, by: &str, groups: &[Group]) -> Markup {
    let table = html! {
        table {
            thead {
                tr {
                    (heads(&[Words(by)]))
                    (heads(&["Tasks", "Running", "Committed", "Failed", "Mean of last losses"].map(Numbers)))
                }
            }
            tbody {
                @for group in groups {
                    tr {
                        th scope="row" { a href=(of_group(query, by, &group.value)) { (in_words(&group.value)) } }
                        td.number { (whole(group.tasks)) }
                        td.number { (whole(group.running)) }
                        td.number { (whole(group.committed)) }
                        td.number.bad[group.failed > 0] { (whole(group.failed)) }
                        td.number { (measured(group.mean_loss)) }
                    }
                }
            }
        }
    };
    scrolling("Tasks by their values", &table)
}

fn in_words(value: &Cell) -> Markup {
    match value {
        Cell::Nothing => html! { "none" },
        Cell::Integer(number) => html! { (number) },
        Cell::Number(number) => html! { (measured(Some(*number))) },
        Cell::Text(word) => html! { (text(word)) },
    }
}

/// The address of a group's tasks.
fn of_group(query: &Query, by: &str, value: &Cell) -> String {
    let name = as_written(by);
    let is = match value {
        Cell::Nothing => format!("{name} is null"),
        Cell::Integer(number) => format!("{name} = {number}"),
        Cell::Number(number) => format!("{name} = {number:?}"),
        Cell::Text(word) => format!("{name} = '{}'", word.replace('\'', "''")),
    };
    let filter = match query.get("where") {
        Some(filter) => format!("({filter}) and {is}"),
        None => is,
    };
    query.with(&[("where", Some(filter.as_str())), ("group", None), ("from", None), ("outcome", None)])
}

/// The address of the tasks for which a filter is true.
pub(crate) fn filtered(sweep: &str, filter: &str) -> String {
    format!("{}{}", sweep_url(sweep, "tasks"), Query::default().with(&[("where", Some(filter))]))
}

#[cfg(test)]
mod tests {
    use basin_domain::value::Value;

    use super::*;
    use crate::table::PlannedTask;

    fn table() -> Arc<Table> {
        let task = |number: u64| PlannedTask {
            id: format!("{number:064x}"),
            name: format!("<script>{number}"),
            experiment: "a".to_owned(),
            seed: Some(number),
            point: vec![("model.conv".to_owned(), Value::Text("it's <b>".to_owned()))],
        };
        let tasks: Vec<PlannedTask> = (0..150).map(task).collect();
        Arc::new(Table::new(&tasks, &["queued"; 150]).unwrap())
    }

    async fn html(query: &str) -> String {
        let query = Query::parse(query.as_bytes());
        let (found, columns) = find(&table(), &query).await.unwrap();
        let first = found.tasks().into_iter().take(1);
        let losses: Sparklines = first.map(|task| (task.id.to_owned(), html! { svg {} })).collect();
        shown("a-1", &query, &found, &losses).into_string() + &form(&query, &columns).into_string()
    }

    #[tokio::test]
    async fn a_hundred_tasks_a_page_with_the_way_to_the_others_and_no_markup_of_theirs() {
        let first = html("").await;
        assert!(first.contains("1–100 of 150 tasks") && first.contains("href=\"?from=100\""), "{first}");
        assert!(first.contains("&lt;script&gt;0") && !first.contains("<script"), "{first}");
        assert_eq!(first.matches("<td class=\"number\"><svg></svg></td>").count(), 1, "{first}");
        let last = html("where=seed+%3E+20&from=100&sort=seed").await;
        assert!(last.contains("101–129 of 129 tasks of 150"), "{last}");
        assert!(last.contains("rel=\"prev\" href=\"?where=seed+%3E+20&amp;sort=seed\""), "{last}");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_filter_is_said_beside_it() {
        let wrong = html("where=lss+%3E+1").await;
        assert!(wrong.contains("there is no column `lss`; the columns are: id, name"), "{wrong}");
        assert!(wrong.contains("value=\"lss &gt; 1\""), "{wrong}");
    }

    #[tokio::test]
    async fn a_group_leads_to_its_tasks() {
        let groups = html("where=seed+%3C+7&group=model.conv").await;
        let link = "?where=%28seed+%3C+7%29+and+%22model.conv%22+%3D+%27it%27%27s+%3Cb%3E%27";
        assert!(groups.contains(link) && groups.contains("it&#39;s &lt;b&gt;"), "{groups}");
    }
}
