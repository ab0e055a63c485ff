//! `/sweeps/{id}/failures`: failed tasks by their causes.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use basin_proto::v1;
use maud::{Markup, html};

use super::common::above;
use super::source;
use super::steering::{button, is_steerable};
use super::tasks::filtered;
use crate::answer::parts::Head::{Numbers, Words};
use crate::answer::parts::{heads, lines, scrolling, sweep_url, task_link, text, whole};
use crate::answer::{Failure, Page, Place};
use crate::context::{Asked, Shared};
use crate::words::sweep::failure_kind;

/// The tasks of a cause that are named.
const NAMED: usize = 10;

/// The failed tasks by their causes.
pub(crate) async fn show(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Page, Failure> {
    let reply = source::sweep(&board, &asked, &id).await?;
    let sweep = reply.sweep.clone().unwrap_or_default();
    let id = sweep.sweep_id.clone();
    board.model.sweep(&id);
    let now = board.model.now();
    let main = html! {
        h1 tabindex="-1" { "Failures of " (text(&id)) }
        (above(&asked, &now))
        div #failures data-live="sweeps" {
            @if is_steerable(&asked) && sweep.counts.unwrap_or_default().failed > 0 {
                (button(&sweep_url(&id, "retry"), "Retry what failed"))
            }
            (causes(&sweep, &reply.failed))
        }
    };
    Ok(asked.shows(Page::new(
        format!("Failures of {id}"),
        Place::Sweep(id, "failures"),
        "sweeps tasks",
        main,
    )))
}

fn causes(sweep: &v1::SweepSummary, failed: &[v1::FailedTask]) -> Markup {
    let counts = sweep.counts.unwrap_or_default();
    if counts.failed == 0 {
        return html! { p.empty { "Nothing failed." } };
    }
    let mut causes: BTreeMap<(&str, &str), Vec<&v1::FailedTask>> = BTreeMap::new();
    for task in failed {
        let first = task.message.lines().next().unwrap_or_default();
        causes.entry((failure_kind(task), first)).or_default().push(task);
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, tasks)| std::cmp::Reverse(tasks.len()));
    let table = html! {
        table {
            thead { tr { (heads(&[Words("Cause"), Numbers("Tasks"), Words("First error"), Words("Which")])) } }
            tbody {
                @for ((kind, first), tasks) in &causes {
                    tr {
                        th scope="row" { (text(kind)) }
                        td.number { (tasks.len()) }
                        td {
                            (text(first))
                            @if tasks.first().is_some_and(|task| task.message.lines().count() > 1) {
                                details { summary { "All of it" } pre { (lines(&tasks[0].message)) } }
                            }
                        }
                        td {
                            @for task in tasks.iter().take(NAMED) {
                                (task_link(&sweep.sweep_id, &task.task_id, &task.name)) br;
                            }
                            @if tasks.len() > NAMED { "and " (tasks.len() - NAMED) " more" }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if (failed.len() as u64) < counts.failed {
            p.note {
                "Of " (whole(counts.failed)) " failed tasks the first " (failed.len()) " are looked at; "
                a href=(filtered(&sweep.sweep_id, "state = 'failed'")) { "all of them" } " are in the table."
            }
        }
        (scrolling("Failures by their causes", &table))
        @if counts.upstream_failed > 0 {
            p.note {
                a href=(filtered(&sweep.sweep_id, "state = 'upstream-failed'")) { (whole(counts.upstream_failed)) " more" }
                " wait for the results of those that failed."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_cause_stand_together_and_their_words_are_text() {
        let task = |number: u32, message: &str| v1::FailedTask {
            task_id: format!("{number:064x}"),
            name: format!("a seed {number}"),
            kind_code: v1::FailureKind::Crashed.into(),
            message: message.to_owned(),
            ..v1::FailedTask::default()
        };
        let failed: Vec<v1::FailedTask> = (0..12)
            .map(|number| task(number, "<script>a</script>\nmore"))
            .chain([task(12, "other")])
            .collect();
        let counts = v1::Counts { failed: 20, upstream_failed: 3, ..v1::Counts::default() };
        let sweep = v1::SweepSummary {
            sweep_id: "a-1".to_owned(),
            counts: Some(counts),
            ..v1::SweepSummary::default()
        };
        let html = causes(&sweep, &failed).into_string();
        assert!(html.contains("<td class=\"number\">12</td>") && html.contains("and 2 more"), "{html}");
        assert!(
            html.contains("Of 20 failed tasks the first 13 are looked at") && html.contains("3 more</a>"),
            "{html}"
        );
        assert!(!html.contains("<script") && html.contains("&lt;/script&gt;\nmore"), "{html}");
    }
}
