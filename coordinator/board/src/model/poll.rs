//! Asks a coordinator again and again.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use basin_coordinator::client::{CallError, Client};
use basin_proto::v1;

use super::changes::Topic;
use super::latency::{Latencies, Timed};
use super::reading::read_results;
use super::stream::RunningNow;
use super::{Model, Snapshot, TaskList};
use crate::clock::unix_ms;

/// The pause between two looks while somebody looks at the board.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause while nobody does.
const IDLE_PAUSE: Duration = Duration::from_secs(30);
/// The shortest pause: everybody who comes has a look begun.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// The longest that a look may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Of so many sweeps that run more is asked at each look.
const RUNNING: usize = 16;

/// Whoever asks the coordinator for the board.
#[derive(Debug)]
pub(crate) struct Poller {
    /// What it tells.
    pub(crate) model: Arc<Model>,
    /// The coordinator with the board's own credentials.
    pub(crate) client: Client,
}

impl Poller {
    /// Asks for ever.
    pub(crate) async fn run(self) {
        loop {
            self.look().await;
            self.model.looks.send_modify(|looks| *looks += 1);
            let pause = if self.model.is_looked_at() { PAUSE } else { IDLE_PAUSE };
            tokio::time::sleep(SHORTEST_PAUSE).await;
            tokio::select! {
                () = tokio::time::sleep(pause - SHORTEST_PAUSE) => {}
                () = self.model.asked.notified() => {}
            }
        }
    }

    /// Looks once.
    async fn look(&self) {
        let before = self.model.now();
        let in_trouble = |why: String| Snapshot { trouble: Some(why), ..(*before).clone() };
        let (found, client) = match tokio::time::timeout(LIMIT, self.ask()).await {
            Ok(Ok((found, client))) => (found, Some(client)),
            Ok(Err(error)) => (in_trouble(error.to_string()), None),
            Err(_) => (in_trouble("the coordinator is too slow to answer".to_owned()), None),
        };
        let (sweeps, workers) = (found.has_same_sweeps(&before), found.has_same_workers(&before));
        self.model.put(found);
        if !sweeps {
            self.model.changes.note("", Topic::Sweeps);
        }
        if !workers {
            self.model.changes.note("", Topic::Workers);
        }
        if let Some(client) = client {
            self.follow(&client).await;
            let model = Arc::clone(&self.model);
            let seen = tokio::task::spawn_blocking(move || see_running(&model)).await;
            if let Err(error) = seen {
                tracing::warn!(%error, "what runs could not be put into the task stream");
            }
        }
    }

    /// Asks about the tasks of the sweeps that somebody looks at.
    async fn follow(&self, client: &Client) {
        for sweep in self.model.looked_at() {
            read_results(&self.model, &sweep);
            let began = Instant::now();
            match tokio::time::timeout(LIMIT, sweep.follow(client, self.model.store())).await {
                Ok(Ok(is_changed)) => {
                    self.model.latencies.note(Timed::Tasks, began.elapsed());
                    if is_changed {
                        self.model.changes.note(&sweep.id, Topic::Tasks);
                    }
                }
                // It was forgotten meanwhile, or never was. A call of many is refused too.
                Ok(Err(CallError::Refused { .. })) if self.model.now().sweep(&sweep.id).is_none() => {
                    self.model.forget(&sweep.id);
                }
                Ok(Err(error)) => tracing::debug!(%error, sweep = sweep.id, "its tasks can't be asked for"),
                Err(_) => {}
            }
        }
    }

    /// What the coordinator says: to the board itself or, where it has no rights, to somebody who looks at it.
    async fn ask(&self) -> Result<(Snapshot, Client), CallError> {
        let latencies = &self.model.latencies;
        let looked: Vec<String> = self.model.looked_at().iter().map(|sweep| sweep.id.clone()).collect();
        match (ask_as(&self.client, &looked, latencies).await, self.model.lent()) {
            (Err(CallError::Refused { .. }), Some(lent)) => {
                Ok((ask_as(&lent, &looked, latencies).await?, lent))
            }
            (answer, _) => Ok((answer?, self.client.clone())),
        }
    }
}

/// What a coordinator says to somebody: of all sweeps in brief, more of those that run or are looked at.
async fn ask_as(client: &Client, looked: &[String], latencies: &Latencies) -> Result<Snapshot, CallError> {
    let began = Instant::now();
    let mut sweeps = client.list_sweeps().await?.sweeps;
    latencies.note(Timed::Sweeps, began.elapsed());
    sweeps.sort_by_key(|sweep| Reverse(sweep.launched_unix_ms));
    let began = Instant::now();
    let mut workers = client.workers().await?;
    latencies.note(Timed::Workers, began.elapsed());
    workers.sort_by(|a, b| a.worker_id.cmp(&b.worker_id));
    let mut replies = HashMap::new();
    let is_running = |sweep: &v1::SweepSummary| {
        sweep.state_code() == v1::SweepState::Running || sweep.counts.unwrap_or_default().running > 0
    };
    let is_looked_at = |sweep: &v1::SweepSummary| looked.contains(&sweep.sweep_id);
    let running = sweeps.iter().filter(|sweep| is_running(sweep) && !is_looked_at(sweep)).take(RUNNING);
    let wanted = sweeps.iter().filter(|sweep| is_looked_at(sweep)).chain(running);
    let wanted: Vec<String> = wanted.map(|sweep| sweep.sweep_id.clone()).collect();
    for id in wanted {
        match client.sweep(&id).await {
            Ok(reply) => drop(replies.insert(id, Arc::new(reply))),
            // It was forgotten meanwhile.
            Err(CallError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let store_url = client.about().await?.store_url;
    Ok(Snapshot { asked: Some(Instant::now()), trouble: None, sweeps, replies, workers, store_url })
}

/// Puts what runs now into the task stream. It waits for filters that somebody has under way.
fn see_running(model: &Model) {
    let now = model.now();
    let running: Vec<RunningNow> = now
        .replies
        .iter()
        .flat_map(|(sweep, reply)| reply.running.iter().map(|task| running_now(sweep, task)))
        .collect();
    let is_whole = |sweep: &str| match now.replies.get(sweep) {
        Some(reply) => {
            let counts = reply.sweep.as_ref().and_then(|sweep| sweep.counts).unwrap_or_default();
            counts.running <= reply.running.len() as u64
        }
        // It isn't among those that run.
        None => true,
    };
    let state = |sweep: &str, task: &str| match model.known_list(sweep)? {
        TaskList::Here { table, .. } => table.state_of(task),
        TaskList::Reading | TaskList::Missing(_) => None,
    };
    let mut stream = model.stream.lock().unwrap_or_else(PoisonError::into_inner);
    stream.see(unix_ms(), &running, is_whole, state);
}

fn running_now(sweep: &str, task: &v1::RunningTask) -> RunningNow {
    RunningNow {
        sweep: sweep.to_owned(),
        task: task.task_id.clone(),
        name: task.name.clone(),
        worker: task.worker_id.clone(),
        attempt: task.attempt,
    }
}
