//! Sweeps as a store alone has them: what is committed, and nothing of what goes on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use basin_domain::error_chain::with_causes;
use basin_domain::id::TaskId;
use basin_domain::metrics::Outcome;
use basin_domain::task::Task;
use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_storage::{FoundCommits, StorageError, Store, SweepRecord};

use super::changes::Topic;
use super::reading::read_results;
use super::stored_words::{INCOMPLETE, word};
use super::{Model, Snapshot, SweepModel, TaskList};

/// The pause between two looks while somebody looks at the board, and while nobody does.
const PAUSE: Duration = Duration::from_secs(2);
const IDLE_PAUSE: Duration = Duration::from_secs(60);
/// A sweep that somebody looks at is counted again after this long: other coordinators may work over the store.
const COUNTED_FOR: Duration = Duration::from_secs(30);

/// Whoever looks into the store for the board.
#[derive(Debug)]
pub(crate) struct StorePoller {
    /// What it tells.
    pub(crate) model: Arc<Model>,
    /// The store.
    pub(crate) store: Store,
}

/// A sweep as it was counted last.
#[derive(Debug, Clone)]
struct Counted {
    at: Instant,
    summary: v1::SweepSummary,
}

impl StorePoller {
    /// Looks for ever.
    pub(crate) async fn run(self) {
        let mut counted = HashMap::new();
        loop {
            if let Err(error) = self.look(&mut counted).await {
                let before = self.model.now();
                self.put(Snapshot { trouble: Some(with_causes(&error)), ..(*before).clone() });
            }
            self.model.looks.send_modify(|looks| *looks += 1);
            let pause = if self.model.is_looked_at() { PAUSE } else { IDLE_PAUSE };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.model.asked.notified() => {}
            }
        }
    }

    /// Looks once: at sweeps that are new, and at those that somebody looks at.
    async fn look(&self, counted: &mut HashMap<String, Counted>) -> Result<(), StorageError> {
        let mut records = self.store.list_sweeps().await?;
        records.sort_by_key(|record| Reverse(record.launched_unix_ms));
        self.show(&records, counted);
        let looked = self.model.looked_at();
        let is_looked_at = |record: &&SweepRecord| looked.iter().any(|sweep| sweep.id == record.id.as_str());
        let (first, others): (Vec<&SweepRecord>, Vec<&SweepRecord>) = records.iter().partition(is_looked_at);
        for record in first.into_iter().chain(others) {
            let id = record.id.to_string();
            let model = looked.iter().find(|sweep| sweep.id == id);
            let is_due = match counted.get(&id) {
                None => true,
                Some(known) => {
                    model.is_some_and(|sweep| !sweep.has_list() || known.at.elapsed() > COUNTED_FOR)
                }
            };
            if is_due {
                self.count(record, model, counted).await;
                self.show(&records, counted);
            }
            if let Some(sweep) = model {
                read_results(&self.model, sweep);
            }
        }
        Ok(())
    }

    /// Counts a sweep, and says how its tasks are to whoever looks at it. One that can't be read hides no other.
    async fn count(
        &self,
        record: &SweepRecord,
        model: Option<&Arc<SweepModel>>,
        counted: &mut HashMap<String, Counted>,
    ) {
        let id = record.id.to_string();
        let (summary, states) = match self.read(record).await {
            Ok((tasks, found)) => (summary(record, &tasks, &found), Ok((states(&tasks, &found), tasks))),
            Err(error) => (uncounted(record), Err(with_causes(&error))),
        };
        counted.insert(id.clone(), Counted { at: Instant::now(), summary });
        let Some(sweep) = model else { return };
        match states {
            Ok((states, tasks)) => sweep.set_stored(&tasks, &states).await,
            // What was read before stays, with the measures that are in it.
            Err(why) if !matches!(sweep.list(), TaskList::Here { .. }) => {
                sweep.set_list(TaskList::Missing(why));
            }
            Err(why) => tracing::debug!(why, sweep = id, "its tasks can't be read at the moment"),
        }
        self.model.changes.note(&id, Topic::Tasks);
    }

    async fn read(&self, record: &SweepRecord) -> Result<(Vec<Task>, FoundCommits), StorageError> {
        let tasks = self.store.read_tasks(&record.id).await?;
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let found = self.store.find_commits(&ids).await?;
        Ok((tasks, found))
    }

    /// Shows what was counted so far.
    fn show(&self, records: &[SweepRecord], counted: &HashMap<String, Counted>) {
        let sweeps = records.iter().map(|record| match counted.get(record.id.as_str()) {
            Some(known) => known.summary.clone(),
            None => uncounted(record),
        });
        let sweeps: Vec<v1::SweepSummary> = sweeps.collect();
        let reply = |sweep: &v1::SweepSummary| v1::GetSweepReply {
            sweep: Some(sweep.clone()),
            ..v1::GetSweepReply::default()
        };
        let replies = sweeps.iter().map(|sweep| (sweep.sweep_id.clone(), Arc::new(reply(sweep))));
        let replies = replies.collect();
        self.put(Snapshot {
            asked: Some(Instant::now()),
            trouble: None,
            sweeps,
            replies,
            workers: Vec::new(),
            store_url: self.store.url().to_owned(),
        });
    }

    fn put(&self, now: Snapshot) {
        let is_same = now.has_same_sweeps(&self.model.now());
        self.model.put(now);
        if !is_same {
            self.model.changes.note("", Topic::Sweeps);
        }
    }
}

fn uncounted(record: &SweepRecord) -> v1::SweepSummary {
    v1::SweepSummary {
        sweep_id: record.id.to_string(),
        launched_unix_ms: record.launched_unix_ms.unwrap_or(0),
        state: INCOMPLETE.to_owned(),
        ..v1::SweepSummary::default()
    }
}

fn summary(record: &SweepRecord, tasks: &[Task], found: &FoundCommits) -> v1::SweepSummary {
    let mut experiments: Vec<(&str, v1::Counts)> = Vec::new();
    let mut all = v1::Counts::default();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks {
        let name = task.experiment.as_str();
        let place = *places.entry(name).or_insert_with(|| {
            experiments.push((name, v1::Counts::default()));
            experiments.len() - 1
        });
        for counts in [&mut experiments[place].1, &mut all] {
            count(counts, found.commits.get(&task.id).map(|commit| commit.outcome));
        }
    }
    let of = experiments
        .into_iter()
        .map(|(name, counts)| v1::ExperimentCounts { experiment: name.to_owned(), counts: Some(counts) });
    let is_done = all.queued == 0;
    v1::SweepSummary {
        state: if is_done { v1::SweepState::Done.word() } else { INCOMPLETE }.to_owned(),
        state_code: if is_done { v1::SweepState::Done } else { v1::SweepState::Unspecified }.into(),
        counts: Some(all),
        experiments: of.collect(),
        ..uncounted(record)
    }
}

/// Counts a task. One that isn't committed is counted as queued: nobody knows more of it.
fn count(counts: &mut v1::Counts, outcome: Option<Outcome>) {
    match outcome {
        None => counts.queued += 1,
        Some(Outcome::Completed) => counts.committed += 1,
        Some(Outcome::Diverged { .. }) => {
            counts.committed += 1;
            counts.diverged += 1;
        }
        Some(Outcome::Stopped { .. }) => {
            counts.committed += 1;
            counts.stopped += 1;
        }
    }
}

fn states(tasks: &[Task], found: &FoundCommits) -> Vec<&'static str> {
    tasks.iter().map(|task| word(found.commits.get(&task.id).map(|commit| commit.outcome))).collect()
}
