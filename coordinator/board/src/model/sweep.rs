//! A sweep that somebody looks at: its tasks as a table that follows the coordinator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use basin_coordinator::client::{CallError, Client, TaskTable};
use basin_domain::error_chain::with_causes;
use basin_domain::id::{SweepId, TaskId};
use basin_domain::task::Task;
use basin_proto::codes::Coded;
use basin_proto::v1;
use basin_storage::Store;

use super::live_losses::LiveLosses;
use super::results::SweepResults;
use super::stored_words::NOT_COMMITTED;
use super::task_list::TaskList;
use crate::table::{LiveRow, PlannedTask, Table};
use crate::words::sweep::done_share;

/// The most running tasks whose progress is asked for at a look.
const LIVE: usize = 2_048;
/// As many are asked for at a time.
const LIVE_PAGE: usize = 256;
/// How long the store may take to say what the sweep varies.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sweep that somebody looks at.
#[derive(Debug)]
pub(crate) struct SweepModel {
    /// Its id.
    pub(crate) id: String,
    looked: Mutex<Instant>,
    list: RwLock<TaskList>,
    /// What its committed tasks came to.
    pub(crate) results: Arc<SweepResults>,
    /// How the losses of its running tasks went so far.
    pub(crate) losses: LiveLosses,
    /// The tasks that are committed, as far as the coordinator says.
    committed: RwLock<Arc<Vec<TaskId>>>,
    /// Those that failed for good, likewise.
    failed: RwLock<Arc<Vec<TaskId>>>,
    /// What was asked for already; one look at a time holds it.
    known: tokio::sync::Mutex<Option<Known>>,
}

/// The tasks as they were at the last look.
#[derive(Debug)]
struct Known {
    tasks: TaskTable,
    /// The states that the table of rows has: what a look couldn't write, the next one writes.
    written: Vec<v1::TaskState>,
    /// A task of two experiments has two rows.
    places: HashMap<String, Vec<usize>>,
    live: HashMap<usize, LiveRow>,
}

impl SweepModel {
    /// A sweep of which nothing is known yet.
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            looked: Mutex::new(Instant::now()),
            list: RwLock::new(TaskList::Reading),
            results: Arc::default(),
            losses: LiveLosses::default(),
            committed: RwLock::default(),
            failed: RwLock::default(),
            known: tokio::sync::Mutex::default(),
        }
    }

    /// Somebody looks at it.
    pub(super) fn look(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long nobody has looked at it.
    pub(super) fn unseen_for(&self) -> Duration {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// The list of its tasks.
    pub(crate) fn list(&self) -> TaskList {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the list of its tasks is there, or can't be.
    pub(super) fn has_list(&self) -> bool {
        !matches!(self.list(), TaskList::Reading)
    }

    /// Puts its tasks into the table as a store has them.
    pub(super) async fn set_stored(&self, tasks: &[Task], states: &[&'static str]) {
        let committed = tasks.iter().zip(states).filter(|(_, state)| **state != NOT_COMMITTED);
        let mut committed: Vec<TaskId> = committed.map(|(task, _)| task.id).collect();
        committed.sort_unstable();
        committed.dedup();
        *self.committed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(committed);
        let (states, list) = (states.to_vec(), self.list());
        let made = match list {
            TaskList::Here { table, .. } => tokio::task::spawn_blocking(move || {
                let rows: Vec<(usize, &str)> = states.iter().copied().enumerate().collect();
                table.set_states(&rows).map(|()| table)
            }),
            TaskList::Reading | TaskList::Missing(_) => {
                let planned: Vec<PlannedTask> = tasks.iter().map(PlannedTask::from).collect();
                tokio::task::spawn_blocking(move || Table::new(&planned, &states).map(Arc::new))
            }
        };
        match made.await {
            Ok(Ok(table)) => self.set_list(TaskList::Here { table, gap: None }),
            Ok(Err(error)) => self.set_list(TaskList::Missing(error.to_string())),
            Err(error) => self.set_list(TaskList::Missing(error.to_string())),
        }
    }

    /// Puts another list in place of the one that is there.
    pub(super) fn set_list(&self, list: TaskList) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
    }

    /// The tasks that are committed.
    pub(super) fn committed(&self) -> Arc<Vec<TaskId>> {
        Arc::clone(&self.committed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The tasks that failed for good.
    pub(super) fn failed(&self) -> Arc<Vec<TaskId>> {
        Arc::clone(&self.failed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks how its tasks are now, and changes the table; whether anything is otherwise than before.
    pub(super) async fn follow(
        &self,
        client: &Client,
        store: Result<Store, String>,
    ) -> Result<bool, CallError> {
        if matches!(self.list(), TaskList::Missing(_)) {
            return Ok(false);
        }
        let mut known = self.known.lock().await;
        let is_new = known.is_none();
        if is_new {
            *known = self.read_list(client, store).await?;
        }
        let Some(known) = known.as_mut() else { return Ok(true) };
        let TaskList::Here { table, .. } = self.list() else { return Ok(is_new) };
        if !is_new {
            known.tasks.read_states(client, &self.id).await?;
        }
        let states = known.unwritten_states();
        let has_states = !states.is_empty();
        if is_new || has_states {
            use v1::TaskState::{Completed, Diverged, Failed, Stopped};
            let committed = Arc::new(known.in_states(&[Completed, Diverged, Stopped]));
            *self.committed.write().unwrap_or_else(PoisonError::into_inner) = committed;
            let failed = Arc::new(known.in_states(&[Failed]));
            *self.failed.write().unwrap_or_else(PoisonError::into_inner) = failed;
        }
        // Before anything else is asked for, which may fail: what is told to change must be there.
        if has_states && self.write(&table, move |table: &Table| table.set_states(&states)).await {
            known.written.clone_from(&known.tasks.states);
        }
        let live = match known.changed_live(client, &self.losses).await {
            Ok(live) => live,
            Err(error) if is_new || has_states => {
                tracing::debug!(%error, sweep = self.id, "how its running tasks are can't be asked for");
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let is_changed = is_new || has_states || !live.is_empty();
        let rows = live.clone();
        if !live.is_empty() && self.write(&table, move |table: &Table| table.set_live(&rows)).await {
            known.live.extend(live.into_iter().map(|row| (row.place, row)));
        }
        Ok(is_changed)
    }

    /// Changes the table on a thread of its own; whether that worked.
    async fn write(
        &self,
        table: &Arc<Table>,
        change: impl FnOnce(&Table) -> rusqlite::Result<()> + Send + 'static,
    ) -> bool {
        let table = Arc::clone(table);
        match tokio::task::spawn_blocking(move || change(&table)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, sweep = self.id, "the table of tasks could not be changed");
                false
            }
            Err(_) => false,
        }
    }

    /// Asks for all of its tasks, and makes the table. None if there can be none.
    async fn read_list(
        &self,
        client: &Client,
        store: Result<Store, String>,
    ) -> Result<Option<Known>, CallError> {
        let tasks = match TaskTable::read(client, &self.id).await {
            Ok(tasks) => tasks,
            Err(error @ CallError::UnknownCall { .. }) => {
                self.set_list(TaskList::Missing(error.to_string()));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (points, gap) = match points(&self.id, store).await {
            Ok(points) => (points, None),
            Err(why) => (HashMap::new(), Some(why)),
        };
        let planned: Vec<PlannedTask> = tasks.tasks.iter().map(|task| planned(task, &points)).collect();
        let states: Vec<&'static str> = tasks.states.iter().map(|state| state.word()).collect();
        let made = tokio::task::spawn_blocking(move || Table::new(&planned, &states)).await;
        match made {
            Ok(Ok(table)) => self.set_list(TaskList::Here { table: Arc::new(table), gap }),
            Ok(Err(error)) => self.set_list(TaskList::Missing(error.to_string())),
            Err(error) => self.set_list(TaskList::Missing(error.to_string())),
        }
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, task) in tasks.tasks.iter().enumerate() {
            places.entry(task.task_id.clone()).or_default().push(place);
        }
        Ok(Some(Known { written: tasks.states.clone(), tasks, places, live: HashMap::new() }))
    }
}

impl Known {
    /// The tasks that are in one of these states, each once.
    fn in_states(&self, states: &[v1::TaskState]) -> Vec<TaskId> {
        let rows = self.tasks.tasks.iter().zip(&self.tasks.states);
        let those = rows.filter(|(_, state)| states.contains(state));
        let mut ids: Vec<TaskId> = those.filter_map(|(task, _)| task.task_id.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The rows whose states aren't those that the table has, with their states now.
    fn unwritten_states(&self) -> Vec<(usize, &'static str)> {
        let both = self.written.iter().zip(&self.tasks.states).enumerate();
        both.filter(|(_, (written, now))| written != now)
            .map(|(place, (_, now))| (place, now.word()))
            .collect()
    }

    /// The rows of running tasks of which something else is said than the table has.
    async fn changed_live(&self, client: &Client, losses: &LiveLosses) -> Result<Vec<LiveRow>, CallError> {
        let rows = self.tasks.tasks.iter().zip(&self.tasks.states);
        let running = rows.filter(|(_, state)| **state == v1::TaskState::Running).map(|(task, _)| task);
        let ids: Vec<String> = running.take(LIVE).map(|task| task.task_id.clone()).collect();
        let mut changed = Vec::new();
        for page in ids.chunks(LIVE_PAGE) {
            let tasks = match client.live_tasks(page.to_vec(), 0).await {
                Ok(tasks) => tasks,
                Err(CallError::UnknownCall { .. }) => return Ok(changed),
                Err(error) => return Err(error),
            };
            losses.note(&tasks);
            for task in &tasks {
                for place in self.places.get(&task.task_id).into_iter().flatten() {
                    let row = live_row(*place, task);
                    if self.live.get(place) != Some(&row) {
                        changed.push(row);
                    }
                }
            }
        }
        Ok(changed)
    }
}

fn live_row(place: usize, task: &v1::LiveTask) -> LiveRow {
    let progress = task.progress.as_ref();
    LiveRow {
        place,
        worker: task.worker_id.clone(),
        attempt: task.attempt,
        progress: progress.map(done_share),
        // NaN, which the table has no number for, would be other than itself at each look.
        loss: progress.and_then(|at| at.loss).filter(|loss| !loss.is_nan()),
    }
}

/// What the store knows of tasks, by their ids and experiments.
type Points = HashMap<(String, String), PlannedTask>;

/// The points of a sweep's tasks, as the store has them.
async fn points(sweep: &str, store: Result<Store, String>) -> Result<Points, String> {
    let store = store?;
    let id = SweepId::new(sweep).map_err(|error| error.to_string())?;
    let read = tokio::time::timeout(PATIENCE, store.read_tasks(&id)).await;
    let tasks: Vec<Task> = match read {
        Ok(Ok(tasks)) => tasks,
        Ok(Err(error)) => return Err(with_causes(&error)),
        Err(_) => return Err("the store is too slow to say what the sweep varies".to_owned()),
    };
    let planned = tasks.iter().map(PlannedTask::from);
    Ok(planned.map(|task| ((task.id.clone(), task.experiment.clone()), task)).collect())
}

fn planned(listed: &v1::ListedTask, points: &Points) -> PlannedTask {
    let key = (listed.task_id.clone(), listed.experiment.clone());
    points.get(&key).cloned().unwrap_or_else(|| PlannedTask {
        id: listed.task_id.clone(),
        name: listed.name.clone(),
        experiment: listed.experiment.clone(),
        ..PlannedTask::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_until_the_table_has_it() {
        use v1::TaskState::{Completed, Queued, Running};
        let tasks = TaskTable { tasks: Vec::new(), states: vec![Completed, Running, Queued] };
        let written = vec![Running, Running, Queued];
        let mut known = Known { tasks, written, places: HashMap::new(), live: HashMap::new() };
        assert_eq!(known.unwritten_states(), [(0, "completed")]);
        known.tasks.states[2] = Running;
        assert_eq!(known.unwritten_states(), [(0, "completed"), (2, "running")], "the first wasn't written");
        known.written.clone_from(&known.tasks.states);
        assert!(known.unwritten_states().is_empty());
    }

    #[test]
    fn tasks_are_known_by_their_states_each_once() {
        use v1::TaskState::{Completed, Failed, Queued};
        let listed = |number: u8| v1::ListedTask {
            task_id: basin_domain::digest::Digest::of(&[number]).to_string(),
            ..v1::ListedTask::default()
        };
        // A task of two experiments is there twice.
        let tasks = [1, 2, 2, 3, 4].map(listed).to_vec();
        let states = vec![Completed, Failed, Failed, Queued, Failed];
        let tasks = TaskTable { tasks, states };
        let known = Known { tasks, written: Vec::new(), places: HashMap::new(), live: HashMap::new() };
        assert_eq!(known.in_states(&[Failed]).len(), 2);
        assert_eq!(known.in_states(&[Completed, Queued]).len(), 2);
    }

    #[test]
    fn a_loss_that_is_no_number_is_no_change_at_each_look() {
        let progress = v1::Progress { loss: Some(f64::NAN), ..v1::Progress::default() };
        let task = v1::LiveTask { progress: Some(progress), ..v1::LiveTask::default() };
        assert_eq!(live_row(0, &task), live_row(0, &task));
    }
}
