//! `/sweeps/{id}`: how a sweep is doing.

use std::collections::HashMap;

use axum::extract::{Path, State};
use basin_proto::v1;
use maud::{Markup, html};

use super::common::above;
use super::losses::{ShownTask, Sparklines, sparklines};
use super::results::{choice, claims_section, curves_section, figures_section};
use super::source;
use super::steering::{is_steerable, steering};
use super::tasks::filtered;
use crate::answer::parts::Head::{Numbers, Words};
use crate::answer::parts::{
    counts_text, heads, is_stored, measured, progress, scrolling, share, state, sweep_url, task_link, text,
    time,
};
use crate::answer::{Failure, Page, Place};
use crate::context::{Asked, Shared};
use crate::words::sweep::{done_share, sweep_state, total, waiting_text};
use crate::words::time_left::left_text;
use crate::words::why;

/// The running tasks that are listed.
const RUNNING: usize = 20;

/// How a sweep is doing.
pub(crate) async fn show(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Page, Failure> {
    let reply = source::sweep(&board, &asked, &id).await?;
    let sweep = reply.sweep.clone().unwrap_or_default();
    let id = sweep.sweep_id.clone();
    let model = board.model.sweep(&id);
    let (now, shown) = (board.model.now(), model.results.shown());
    let choice = choice(&model, &asked.query).await;
    let losses = sparklines(&asked, &model, &listed(&reply)).await;
    let main = html! {
        h1 tabindex="-1" { (text(&id)) }
        (above(&asked, &now))
        div #overview data-live="sweeps" { (overview(&sweep, &reply)) }
        @if is_steerable(&asked) { (steering(&sweep, board.is_of_run)) }
        section aria-labelledby="experiments-title" {
            h2 #experiments-title { "Experiments" }
            div #experiments data-live="sweeps" { (experiments(&sweep, reply.forecast.as_ref())) }
        }
        section aria-labelledby="running-title" {
            h2 #running-title { "Running tasks" }
            div #running data-live="sweeps" { (running(&id, &reply, &losses)) }
        }
        section aria-labelledby="curves-title" {
            h2 #curves-title { "Curves" }
            (curves_section(&id, choice.as_ref()))
        }
        @if let Some(gap) = &shown.gap { p.trouble { (text(gap)) } }
        section aria-labelledby="claims-title" {
            h2 #claims-title { "Claims" }
            div #claims data-live="claims" { (claims_section(&shown)) }
        }
        section aria-labelledby="figures-title" {
            h2 #figures-title { "Figures" }
            div #figures data-live="figures" { (figures_section(&shown.figures)) }
        }
    };
    Ok(asked.shows(Page::new(id.clone(), Place::Sweep(id, ""), "sweeps tasks claims figures", main)))
}

fn overview(sweep: &v1::SweepSummary, reply: &v1::GetSweepReply) -> Markup {
    let counts = sweep.counts.unwrap_or_default();
    let forecast = reply.forecast.as_ref();
    let left = forecast.and_then(left_text);
    let next_why = why::sentence(reply.next_reason.as_ref(), &reply.next_why);
    html! {
        dl.facts {
            dt { "State" }
            dd { (state(sweep_state(sweep))) }
            dt { "Committed" }
            dd { (progress(counts.committed, total(&counts))) }
            @if let Some(forecast) = forecast {
                dt { "Work done" }
                dd { (share(forecast.done_share)) }
            }
            @if let Some(left) = &left {
                dt { "Time left" }
                dd { (left) }
            }
            dt { "Tasks" }
            dd { (counts_text(&counts, is_stored(sweep))) }
            @if counts.failed > 0 {
                dt { "Failed" }
                dd.bad {
                    a href=(sweep_url(&sweep.sweep_id, "failures")) { (counts.failed) " by their causes" }
                }
            }
            dt { "Launched" }
            dd {
                (time(sweep.launched_unix_ms))
                @if !sweep.user.is_empty() { " by " (text(&sweep.user)) }
            }
            @if sweep.priority != 0 {
                dt { "Priority" }
                dd { (sweep.priority) }
            }
            dt { "Slots" }
            dd {
                (sweep.slots)
                @if let Some(most) = sweep.max_slots { " of at most " (most) }
            }
            @if !sweep.variant.is_empty() {
                dt { "Variant" }
                dd { (text(&sweep.variant)) }
            }
        }
        @for worker in &reply.waiting {
            p.trouble {
                "Worker " (text(&worker.worker_id)) " " (text(&waiting_text(worker.waiting.as_ref())))
            }
        }
        @if !reply.next_task_id.is_empty() {
            p {
                "Next: " (task_link(&sweep.sweep_id, &reply.next_task_id, &reply.next_name)) "; " (text(&next_why))
            }
        }
    }
}

fn experiments(sweep: &v1::SweepSummary, forecast: Option<&v1::Forecast>) -> Markup {
    let work: HashMap<&str, &v1::ExperimentForecast> = forecast
        .map(|it| it.experiments.iter().map(|of| (of.experiment.as_str(), of)).collect())
        .unwrap_or_default();
    let table = html! {
        table {
            thead {
                tr { (heads(&["Experiment", "Committed", "Work done", "Tasks"].map(Words))) }
            }
            tbody {
                @for it in &sweep.experiments {
                    @let counts = it.counts.unwrap_or_default();
                    tr {
                        th scope="row" { a href=(of_experiment(&sweep.sweep_id, &it.experiment)) { (text(&it.experiment)) } }
                        td { (progress(counts.committed, total(&counts))) }
                        td {
                            @match work.get(it.experiment.as_str()) {
                                Some(of) => { (share(of.done_seconds / of.work_seconds.max(f64::MIN_POSITIVE))) },
                                None => { "–" },
                            }
                        }
                        td { (counts_text(&counts, is_stored(sweep))) }
                    }
                }
            }
        }
    };
    scrolling("Experiments", &table)
}

/// The address of the tasks of an experiment.
fn of_experiment(sweep: &str, experiment: &str) -> String {
    filtered(sweep, &format!("experiment = '{}'", experiment.replace('\'', "''")))
}

/// The running tasks that are listed.
fn listed(reply: &v1::GetSweepReply) -> Vec<ShownTask<'_>> {
    let running = reply.running.iter().take(RUNNING);
    running.map(|task| ShownTask { id: &task.task_id, state: Some(v1::TaskState::Running) }).collect()
}

fn running(sweep: &str, reply: &v1::GetSweepReply, losses: &Sparklines) -> Markup {
    if reply.running.is_empty() {
        return html! { p.empty { "Nothing runs." } };
    }
    let more = reply.running.len().saturating_sub(RUNNING);
    let table = html! {
        table {
            thead {
                tr { (heads(&[Words("Task"), Words("Worker"), Numbers("Attempt"), Words("Done"), Numbers("Loss")])) }
            }
            tbody {
                @for task in reply.running.iter().take(RUNNING) {
                    @let at = task.progress.unwrap_or_default();
                    tr {
                        th scope="row" { (task_link(sweep, &task.task_id, &task.name)) }
                        td { (text(&task.worker_id)) }
                        td.number { (task.attempt) }
                        td { (share(done_share(&at))) }
                        td.number {
                            @if let Some(spark) = losses.get(&task.task_id) { (spark) }
                            (measured(at.loss))
                        }
                    }
                }
            }
        }
    };
    html! {
        (scrolling("Running tasks", &table))
        @if more > 0 {
            p { a href=(filtered(sweep, "state = 'running'")) { (more) " more" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_says_how_far_each_experiment_is_and_what_comes_next() {
        let counts = v1::Counts { committed: 1, queued: 3, failed: 1, ..v1::Counts::default() };
        let experiment = v1::ExperimentCounts { experiment: "it's".to_owned(), counts: Some(counts) };
        let sweep = v1::SweepSummary {
            sweep_id: "a-1".to_owned(),
            state_code: v1::SweepState::Paused.into(),
            counts: Some(counts),
            experiments: vec![experiment],
            ..v1::SweepSummary::default()
        };
        let work =
            v1::ExperimentForecast { experiment: "it's".to_owned(), work_seconds: 4.0, done_seconds: 1.0 };
        let forecast = v1::Forecast { done_share: 0.25, experiments: vec![work], ..v1::Forecast::default() };
        let reply = v1::GetSweepReply {
            next_task_id: "0123456789abcdef".to_owned(),
            next_name: "<b>".to_owned(),
            next_why: "it waits".to_owned(),
            forecast: Some(forecast.clone()),
            ..v1::GetSweepReply::default()
        };
        let html = overview(&sweep, &reply).into_string();
        for part in
            ["state-paused\">paused", "1 of 5", "25 %", "&lt;b&gt;</a>; it waits", "/sweeps/a-1/failures"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        let html = experiments(&sweep, Some(&forecast)).into_string();
        assert!(html.contains("/sweeps/a-1/tasks?where=experiment+%3D+%27it%27%27s%27"), "{html}");
        assert!(html.contains("25 %"), "{html}");
    }
}
