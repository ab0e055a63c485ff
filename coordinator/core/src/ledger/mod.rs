//! The ledger: the journalled state, its index, and the latest news of workers.

use std::collections::BTreeMap;

use basin_domain::id::{SweepId, TaskId, WorkerId};
use basin_domain::outage::OutageWait;
use basin_domain::placement::Requirements;
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;

use crate::command::{Policy, Progress, WorkerDescription};

pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod failure_effects;
pub(crate) mod forget;
pub(crate) mod index;
pub(crate) mod queue;
pub(crate) mod quota;
pub(crate) mod snapshot;
pub(crate) mod state;

use index::Index;
use state::{JournalledState, SweepIndex, SweepStatus, TaskIndex};

/// Everything that the coordinator knows of sweeps, tasks, leases and workers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    pub(crate) policy: Policy,
    /// The state that durable events determine.
    pub(crate) state: JournalledState,
    /// The index of `state`; kept up to date so that no decision looks at all tasks.
    pub(crate) index: Index,
    /// Workers that were heard since the start. Not journalled.
    pub(crate) heartbeats: BTreeMap<WorkerId, Heartbeat>,
    /// How far leased tasks are. Not journalled.
    pub(crate) progress: BTreeMap<TaskIndex, Progress>,
}

/// A worker's last heartbeat.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heartbeat {
    pub(crate) description: WorkerDescription,
    pub(crate) last_seen: Timestamp,
    pub(crate) answer: u64,
    pub(crate) draining: bool,
    pub(crate) waiting: Option<OutageWait>,
    /// The training examples a second that its tasks take together, as far as it said so.
    pub(crate) examples_per_second: Option<f64>,
    /// Its process has ended: somebody on its machine saw it.
    pub(crate) exited: bool,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            state: JournalledState::default(),
            index: Index::default(),
            heartbeats: BTreeMap::new(),
            progress: BTreeMap::new(),
        }
    }

    /// The policy by which it decides.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The time of the latest durable event that was applied.
    pub const fn time(&self) -> Timestamp {
        self.state.at
    }

    pub(crate) fn find_task(&self, id: &TaskId) -> Option<TaskIndex> {
        self.index.tasks.get(id).copied()
    }

    pub(crate) fn find_sweep(&self, id: &SweepId) -> Option<SweepIndex> {
        self.index.sweeps.get(id).copied()
    }

    /// Whether a sweep has left, and was not launched again since.
    pub fn was_forgotten(&self, id: &SweepId) -> bool {
        self.state.forgotten.contains(id)
    }

    pub(crate) fn spec(&self, task: TaskIndex) -> TaskSpec {
        TaskSpec { seed: self.state.task(task).seed, ..self.state.shape(task).clone() }
    }

    /// Whether a worker gets nothing new while there are others.
    pub(crate) fn is_avoided(&self, worker: &WorkerId, now: Timestamp) -> bool {
        let until = self.state.workers.get(worker).and_then(|health| health.avoided_until);
        until.is_some_and(|until| now < until)
    }

    /// Whether a person told a worker to drain.
    pub(crate) fn is_draining(&self, worker: &WorkerId) -> bool {
        self.state.workers.get(worker).is_some_and(|health| health.draining)
    }

    /// Whether a worker's process has ended.
    pub(crate) fn has_exited(&self, worker: &WorkerId) -> bool {
        self.heartbeats.get(worker).is_some_and(|heartbeat| heartbeat.exited)
    }

    /// The requirements of the running sweeps that list a task on workers for it; none where any will do.
    pub(crate) fn needs_of(&self, task: TaskIndex) -> impl Iterator<Item = Option<&Requirements>> {
        self.index.links(task).memberships.iter().filter_map(|membership| {
            let sweep = self.state.sweep(membership.sweep);
            let experiment = &sweep.experiments[membership.experiment as usize];
            (sweep.status == SweepStatus::Running).then(|| sweep.needs.get(experiment))
        })
    }

    /// Whether a worker has what the task needs, in the eyes of one of the running sweeps that list it.
    pub(crate) fn can_run(&self, task: TaskIndex, worker: &WorkerDescription) -> bool {
        self.needs_of(task).any(|needs| needs.is_none_or(|needs| needs.are_met_by(worker)))
    }

    /// By the experiments of a sweep: whether it has queued tasks, and a worker what they need.
    pub(crate) fn eligible_experiments(
        &self,
        sweep: SweepIndex,
        worker: &WorkerDescription,
    ) -> impl Iterator<Item = bool> {
        let tallies = &self.index.tallies[sweep.get()].experiments;
        let sweep = self.state.sweep(sweep);
        sweep.experiments.iter().zip(tallies).map(|(experiment, tally)| {
            let needs = sweep.needs.get(experiment);
            tally.queued > 0 && needs.is_none_or(|needs| needs.are_met_by(worker))
        })
    }

    /// Whether a worker other than this one was heard of late and could be given work.
    pub(crate) fn has_another_able_worker(&self, worker: &WorkerId, now: Timestamp) -> bool {
        self.able_workers(now).any(|(other, _)| other != worker)
    }

    /// The workers that were heard of late and could be given work.
    pub(crate) fn able_workers(&self, now: Timestamp) -> impl Iterator<Item = (&WorkerId, &Heartbeat)> {
        self.heartbeats.iter().filter(move |(worker, heartbeat)| {
            !heartbeat.draining
                && heartbeat.waiting.is_none()
                && !heartbeat.exited
                && now - heartbeat.last_seen <= self.policy.lease_duration
                && !self.is_draining(worker)
                && !self.is_avoided(worker, now)
        })
    }
}
