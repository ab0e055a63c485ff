//! `/workers`: who works, and on what.

use std::collections::BTreeMap;

use axum::extract::State;
use basin_domain::placement::ByteSize;
use basin_proto::v1;
use maud::{Markup, html};

use super::common::{above, chart};
use super::steering::{button, drain_url, is_steerable};
use crate::answer::parts::Head::{self, Numbers, Words};
use crate::answer::parts::{heads, measured, scrolling, share, task_link, text, used};
use crate::answer::{Page, Place};
use crate::context::{Asked, Shared};
use crate::model::Snapshot;
use crate::words::number::span;
use crate::words::sweep::{done_share, examples_per_second};
use crate::words::usage;
use crate::words::worker_state::WorkerState;

/// The workers, with what each does.
pub(crate) async fn list(State(board): State<Shared>, asked: Asked) -> Page {
    let now = board.model.fresh().await;
    let main = html! {
        h1 tabindex="-1" { "Workers" }
        (above(&asked, &now))
        div #workers data-live="workers" { (table(&now, is_steerable(&asked))) }
        section aria-labelledby="stream-title" {
            h2 #stream-title { "Task stream" }
            (chart("stream", "/workers/stream.json?minutes=10", "What ran on which slot in the last ten minutes", "Tasks on the slots of workers"))
        }
        section aria-labelledby="running-title" {
            h2 #running-title { "Running tasks" }
            div #running data-live="sweeps" { (running(&now)) }
        }
    };
    asked.shows(Page::new("Workers", Place::Workers, "workers sweeps", main))
}

/// The columns of the workers.
const COLUMNS: [Head<'_>; 12] = [
    Words("Worker"),
    Words("State"),
    Words("Host"),
    Words("Device"),
    Numbers("Busy slots"),
    Numbers("Busy cores"),
    Numbers("Memory used"),
    Numbers("Examples/s"),
    Numbers("Threads a slot"),
    Numbers("Memory a slot"),
    Words("Labels"),
    Words("Heard"),
];

fn table(now: &Snapshot, is_steerable: bool) -> Markup {
    if now.workers.is_empty() {
        return html! { p.empty { "There is no worker." } };
    }
    let leave: &[Head<'_>] = if is_steerable { &[Words("Leave")] } else { &[] };
    let table = html! {
        table {
            thead { tr { (heads(&COLUMNS)) (heads(leave)) } }
            tbody { @for worker in &now.workers { (row(worker, is_steerable)) } }
        }
    };
    scrolling("Workers", &table)
}

fn row(worker: &v1::WorkerSummary, is_steerable: bool) -> Markup {
    let what = worker.worker.clone().unwrap_or_default();
    let (state, labels) = (WorkerState::of(worker), sorted(&what.labels));
    let (usage, known) = (worker.usage.as_ref(), worker.usage.unwrap_or_default());
    let (bytes, limit) = (known.memory.map(|bytes| bytes as f64), known.memory_limit as f64);
    html! {
        tr {
            th scope="row" { (text(&worker.worker_id)) }
            td { span class={ "state worker-" (state.word()) } { (text(&state.to_string())) } }
            td { (text(&what.host)) }
            td { (text(&what.device)) }
            td.number { (worker.leases) " of " (what.slots) }
            td.number { (used(known.cpu_cores, f64::from(known.cores), &usage::cores(usage))) }
            td.number { (used(bytes, limit, &usage::memory(usage))) }
            td.number { (usage::examples(worker.examples_per_second)) }
            td.number { (what.threads) }
            td.number { @if what.memory == 0 { "–" } @else { (ByteSize(what.memory).to_string()) } }
            td { @for (key, value) in labels { span.label { (text(key)) "=" (text(value)) } " " } }
            td {
                @match worker.seen_ms_ago {
                    Some(ms) => { (span(ms as f64 / 1e3)) " ago" },
                    None => { "not yet" },
                }
            }
            @if is_steerable {
                td { @if !worker.draining && !worker.exited { (button(&drain_url(&worker.worker_id), "Drain")) } }
            }
        }
    }
}

/// Labels in the order of their names.
fn sorted<'l>(labels: impl IntoIterator<Item = (&'l String, &'l String)>) -> BTreeMap<&'l str, &'l str> {
    labels.into_iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// The running tasks that the coordinator names, by their workers.
fn running(now: &Snapshot) -> Markup {
    let mut tasks: Vec<(&str, &v1::RunningTask)> = Vec::new();
    for (sweep, reply) in &now.replies {
        tasks.extend(reply.running.iter().map(|task| (sweep.as_str(), task)));
    }
    if tasks.is_empty() {
        return html! { p.empty { "Nothing runs." } };
    }
    tasks.sort_by(|(_, a), (_, b)| (&a.worker_id, &a.task_id).cmp(&(&b.worker_id, &b.task_id)));
    let table = html! {
        table {
            thead {
                tr { (heads(&[Words("Worker"), Words("Task"), Numbers("Attempt"), Words("Done"), Numbers("Loss"), Numbers("Examples/s")])) }
            }
            tbody {
                @for (sweep, task) in tasks {
                    @let at = task.progress.unwrap_or_default();
                    tr {
                        th scope="row" { (text(&task.worker_id)) }
                        td { (task_link(sweep, &task.task_id, &task.name)) }
                        td.number { (task.attempt) }
                        td { (share(done_share(&at))) }
                        td.number { (measured(at.loss)) }
                        td.number { (usage::examples(examples_per_second(&at))) }
                    }
                }
            }
        }
    };
    scrolling("Running tasks", &table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_says_its_state_and_what_it_says_of_itself_is_text() {
        let described = v1::WorkerDescription {
            host: "<img src=x>".to_owned(),
            slots: 4,
            labels: [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())].into(),
            ..v1::WorkerDescription::default()
        };
        let worker = v1::WorkerSummary {
            worker_id: "w-1".to_owned(),
            worker: Some(described),
            seen_ms_ago: Some(60_000),
            leases: 3,
            usage: Some(v1::WorkerUsage {
                cpu_cores: Some(2.3),
                cores: 8,
                memory: Some(1 << 30),
                memory_limit: 4 << 30,
            }),
            examples_per_second: Some(51_200.0),
            ..v1::WorkerSummary::default()
        };
        let html = table(&Snapshot { workers: vec![worker], ..Snapshot::default() }, true).into_string();
        assert!(html.contains("worker-silent\">silent for 1 min 00 s") && html.contains("3 of 4"), "{html}");
        assert!(!html.contains("<img") && html.find("a=1") < html.find("b=2"), "{html}");
        for part in ["value=\"2.3\" aria-label=\"2.3 of 8\"", "aria-label=\"1 GiB of 4 GiB\"", ">51,200</td>"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(html.matches("<th class=\"number\"").count(), 6, "{html}");
    }

    #[test]
    fn a_worker_of_before_says_nothing_of_its_machine() {
        let worker = v1::WorkerSummary { worker_id: "w-1".to_owned(), ..v1::WorkerSummary::default() };
        let html = table(&Snapshot { workers: vec![worker], ..Snapshot::default() }, false).into_string();
        assert!(!html.contains("<progress") && html.matches("–").count() == 4, "{html}");
    }
}
