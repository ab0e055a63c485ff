//! What happens to a sweep, for programs: an event for each difference between one look and the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use basin_board::words::worker_state::WorkerState;
use basin_coordinator::client::TaskTable;
use basin_proto::codes::Coded;
use basin_proto::v1;
use serde_json::{Value, json};

use super::verdict::Verdict;
use crate::progress::share;
use crate::sweep_text::{summary_value, waiting_value};
use crate::time_left::forecast_value;

/// How often it is said how far the running tasks are, where nothing else changes.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Events {
    progress: Option<(Value, Instant)>,
    tasks: Option<Vec<v1::TaskState>>,
    workers: Option<BTreeMap<String, &'static str>>,
}

impl Events {
    /// How far the sweep is, if its counts have changed, or it wasn't said for a while.
    pub(super) fn progress(&mut self, reply: &v1::GetSweepReply, now: Instant) -> Option<Value> {
        let summary = reply.sweep.as_ref()?;
        let counts = summary_value(summary);
        let is_due = |(said, at): &(Value, Instant)| *said != counts || now - *at >= PROGRESS_EVERY;
        if !self.progress.as_ref().is_none_or(is_due) {
            return None;
        }
        let mut value = counts.clone();
        self.progress = Some((counts, now));
        value["event"] = "progress".into();
        value["share"] = share(summary, reply).into();
        value["forecast"] = forecast_value(reply.forecast.as_ref());
        let waiting = reply.waiting.iter().map(|it| {
            let mut value = waiting_value(it.waiting.as_ref());
            value["worker"] = it.worker_id.as_str().into();
            value
        });
        value["waiting"] = waiting.collect();
        Some(value)
    }

    /// The tasks that are in another state than before; none at the first look.
    pub(super) fn tasks(&mut self, sweep: &str, table: &TaskTable) -> Vec<Value> {
        let before = self.tasks.replace(table.states.clone()).unwrap_or_default();
        let changed = table.tasks.iter().zip(before.iter().zip(&table.states));
        let changed = changed.filter(|(_, (was, is))| was != is);
        let event = |(task, (was, is)): (&v1::ListedTask, (&v1::TaskState, &v1::TaskState))| {
            json!({ "event": "task", "sweep": sweep, "task": task.task_id,
                "name": (!task.name.is_empty()).then_some(&task.name), "experiment": task.experiment,
                "state": word(*is), "was": word(*was) })
        };
        changed.map(event).collect()
    }

    /// The workers that are in another state than before; all of them at the first look.
    pub(super) fn workers(&mut self, workers: &[v1::WorkerSummary]) -> Vec<Value> {
        let state = |worker: &v1::WorkerSummary| (worker.worker_id.clone(), WorkerState::of(worker).word());
        let now: BTreeMap<String, &'static str> = workers.iter().map(state).collect();
        let before = self.workers.replace(now.clone()).unwrap_or_default();
        let event = |worker: &str, state: Option<&str>, was: Option<&str>| json!({ "event": "worker", "worker": worker, "state": state, "was": was });
        let changed = now.iter().filter(|(worker, state)| before.get(*worker) != Some(*state));
        let changed = changed.map(|(worker, state)| event(worker, Some(*state), before.get(worker).copied()));
        let gone = before.iter().filter(|(worker, _)| !now.contains_key(*worker));
        let gone = gone.map(|(worker, was)| event(worker, None, Some(*was)));
        changed.chain(gone).collect()
    }
}

/// The end of the sweep.
pub(super) fn end(sweep: &v1::SweepSummary, verdict: Verdict) -> Value {
    let mut value = summary_value(sweep);
    value["event"] = "end".into();
    value["verdict"] = verdict.word().into();
    value
}

/// A state as a word; none of a version that is unknown here.
fn word(state: v1::TaskState) -> Option<&'static str> {
    Some(state.word()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(committed: u64) -> v1::GetSweepReply {
        let counts = v1::Counts { committed, queued: 4 - committed, ..v1::Counts::default() };
        let sweep = v1::SweepSummary {
            sweep_id: "a-1".to_owned(),
            counts: Some(counts),
            ..v1::SweepSummary::default()
        };
        let waiting = v1::WaitingWorker { worker_id: "w".to_owned(), waiting: Some(v1::Waiting::default()) };
        let forecast = v1::Forecast { done_share: 0.25, seconds_left: Some(3.0), ..v1::Forecast::default() };
        v1::GetSweepReply {
            sweep: Some(sweep),
            waiting: vec![waiting],
            forecast: Some(forecast),
            ..v1::GetSweepReply::default()
        }
    }

    #[test]
    fn progress_is_said_when_counts_change_and_now_and_then() {
        let (mut events, began) = (Events::default(), Instant::now());
        let said = events.progress(&reply(1), began).unwrap();
        assert_eq!((&said["event"], &said["sweep"]), (&"progress".into(), &"a-1".into()));
        assert_eq!((&said["share"], &said["forecast"]["seconds_left"]), (&0.25.into(), &3.0.into()));
        assert_eq!(said["waiting"][0]["worker"], "w");
        assert_eq!(events.progress(&reply(1), began + Duration::from_secs(1)), None);
        assert!(events.progress(&reply(2), began + Duration::from_secs(2)).is_some());
        assert_eq!(events.progress(&reply(2), began + Duration::from_secs(11)), None);
        assert!(events.progress(&reply(2), began + Duration::from_secs(12)).is_some());
    }

    #[test]
    fn a_task_is_said_when_its_state_changes() {
        use v1::TaskState::{Completed, Queued, Running};
        let task = |number: u32| v1::ListedTask {
            task_id: number.to_string(),
            experiment: "fits".to_owned(),
            name: if number == 1 { String::new() } else { format!("fits seed {number}") },
        };
        let table = |states: &[v1::TaskState]| TaskTable {
            tasks: (0..3).map(task).collect(),
            states: states.to_vec(),
        };
        let mut events = Events::default();
        assert!(events.tasks("a-1", &table(&[Queued, Queued, Running])).is_empty());
        let said = events.tasks("a-1", &table(&[Queued, Running, Completed]));
        assert_eq!(
            said[0].to_string(),
            r#"{"event":"task","experiment":"fits","name":null,"state":"running","sweep":"a-1","task":"1","was":"queued"}"#
        );
        assert_eq!((said.len(), &said[1]["name"]), (2, &"fits seed 2".into()));
        assert!(events.tasks("a-1", &table(&[Queued, Running, Completed])).is_empty());
    }

    #[test]
    fn workers_come_change_and_go() {
        let worker = |id: &str, draining| v1::WorkerSummary {
            worker_id: id.to_owned(),
            draining,
            ..v1::WorkerSummary::default()
        };
        let mut events = Events::default();
        let said = |said: Vec<Value>| {
            let shown = |it: Value| format!("{} {} {}", it["worker"], it["was"], it["state"]);
            said.into_iter().map(shown).collect::<Vec<_>>()
        };
        let first = events.workers(&[worker("v", false), worker("w", false)]);
        assert_eq!(said(first), [r#""v" null "able""#, r#""w" null "able""#]);
        let then = events.workers(&[worker("w", true), worker("x", false)]);
        assert_eq!(said(then), [r#""w" "able" "draining""#, r#""x" null "able""#, r#""v" "able" null"#]);
        assert!(events.workers(&[worker("w", true), worker("x", false)]).is_empty());
    }
}
