//! The names of tasks that people know them by. The ledger has none: they stand in the lists of tasks of the store, which are read when
//! they are first asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basin_core::Ledger;
use basin_domain::id::{SweepId, TaskId};
use basin_domain::task::Task;
use basin_proto::v1;
use basin_storage::Store;

use super::{Coordinator, SweepNames};

/// The most sweeps whose names are kept.
const KEPT: usize = 16;
/// How long an answer waits for names; without them it gives ids alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// The names of a sweep's tasks, for several who look at them.
pub type NamesOfSweep = Arc<SweepNames>;

/// The names of the tasks of some sweeps.
#[derive(Debug, Default)]
pub struct TaskNames {
    /// The sweep that was last read, last.
    sweeps: Mutex<VecDeque<(SweepId, NamesOfSweep)>>,
    /// One list is read at a time: it may be large.
    reading: tokio::sync::Mutex<()>,
}

impl TaskNames {
    /// The names of a sweep's tasks; none if the store doesn't say them in time.
    pub async fn of(&self, store: &Store, sweep: &SweepId) -> NamesOfSweep {
        if let Some(known) = self.known(sweep) {
            return known;
        }
        let read = async {
            let reading = self.reading.lock().await;
            // Whoever read before may have read these.
            match self.known(sweep) {
                Some(known) => Ok(known),
                None => self.read(store, sweep).await.inspect(|_| drop(reading)),
            }
        };
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => {
                tracing::debug!(%sweep, %error, "the names of its tasks can't be read");
                NamesOfSweep::default()
            }
            Err(_) => NamesOfSweep::default(),
        }
    }

    async fn read(&self, store: &Store, sweep: &SweepId) -> basin_storage::Result<NamesOfSweep> {
        let tasks = store.read_tasks(sweep).await?;
        Ok(self.keep(sweep, &tasks))
    }

    /// Keeps the names of a sweep's tasks.
    pub(super) fn keep(&self, sweep: &SweepId, tasks: &[Task]) -> NamesOfSweep {
        let names = NamesOfSweep::new(SweepNames::of(tasks));
        let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.retain(|(known, _)| known != sweep);
        if sweeps.len() == KEPT {
            sweeps.pop_front();
        }
        sweeps.push_back((sweep.clone(), Arc::clone(&names)));
        names
    }

    fn known(&self, sweep: &SweepId) -> Option<NamesOfSweep> {
        let sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.iter().find(|(id, _)| id == sweep).map(|(_, names)| Arc::clone(names))
    }
}

impl Coordinator {
    /// The names of a sweep's tasks; none if the store doesn't say them in time.
    pub async fn names_of(&self, sweep: &SweepId) -> NamesOfSweep {
        self.names.of(&self.store, sweep).await
    }

    /// Some tasks by the names that are known of them without asking the store, for the log: by a short id where none is.
    pub(super) async fn known_names(&self, tasks: &[TaskId]) -> Vec<String> {
        let shown = |(task, name): (TaskId, Option<String>)| match name {
            Some(name) => format!("{name} ({})", task.short()),
            None => task.short(),
        };
        self.find_names(tasks).await.into_iter().map(shown).collect()
    }

    /// The name of a task, as its first sweep has it; empty if the store doesn't say it in time.
    pub(super) async fn known_name(&self, task: TaskId) -> String {
        let look = move |ledger: &Ledger| {
            let sweeps = ledger.task(&task).map(|task| task.sweeps).unwrap_or_default();
            sweeps.first().map(|(sweep, _)| (*sweep).clone())
        };
        let Ok(Some(sweep)) = self.ledger.view(look).await else { return String::new() };
        self.names_of(&sweep).await.get(&task).map(ToString::to_string).unwrap_or_default()
    }

    /// The names of some tasks, each in the first of its sweeps whose names are known without asking the store.
    async fn find_names(&self, tasks: &[TaskId]) -> Vec<(TaskId, Option<String>)> {
        let name = |(task, sweeps): (TaskId, Vec<SweepId>)| {
            let known = |sweep: &SweepId| self.names.known(sweep)?.get(&task).map(ToString::to_string);
            (task, sweeps.iter().find_map(known))
        };
        self.sweeps_of(tasks).await.into_iter().map(name).collect()
    }

    /// The sweeps that some tasks are of; none once the ledger has closed.
    pub(super) async fn sweeps_of(&self, tasks: &[TaskId]) -> Vec<(TaskId, Vec<SweepId>)> {
        let wanted = tasks.to_vec();
        let listed = self.ledger.view(move |ledger| {
            let sweeps = |task: &TaskId| {
                let sweeps = ledger.task(task).map(|task| task.sweeps).unwrap_or_default();
                sweeps.into_iter().map(|(sweep, _)| sweep.clone()).collect::<Vec<_>>()
            };
            wanted.iter().map(|task| (*task, sweeps(task))).collect::<Vec<_>>()
        });
        listed.await.unwrap_or_default()
    }

    /// Adds names to tasks that are granted, as far as they are known.
    pub(super) async fn name_granted(&self, grants: &mut [v1::Grant]) {
        let granted = || grants.iter().flat_map(|grant| &grant.tasks);
        let ids: Vec<TaskId> = granted().filter_map(|task| task.task_id.parse().ok()).collect();
        if ids.is_empty() {
            return;
        }
        let mut names: HashMap<String, String> = HashMap::new();
        for (task, name) in self.find_names(&ids).await {
            names.extend(name.map(|name| (task.to_string(), name)));
        }
        for task in grants.iter_mut().flat_map(|grant| &mut grant.tasks) {
            task.name = names.remove(&task.task_id).unwrap_or_default();
        }
    }

    /// An answer about a sweep, with the names of the tasks that are in it.
    pub async fn with_names(&self, sweep: &SweepId, mut reply: v1::GetSweepReply) -> v1::GetSweepReply {
        if reply.running.is_empty() && reply.failed.is_empty() && reply.next_task_id.is_empty() {
            return reply;
        }
        let names = self.names_of(sweep).await;
        let name_of = |id: &str| -> String {
            id.parse::<TaskId>()
                .ok()
                .and_then(|id| names.get(&id))
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        for task in &mut reply.running {
            task.name = name_of(&task.task_id);
        }
        for task in &mut reply.failed {
            task.name = name_of(&task.task_id);
        }
        reply.next_name = name_of(&reply.next_task_id);
        reply
    }
}
