//! How the ledger looks from outside: what `status`, `why` and `workers` show.

use std::collections::BTreeSet;
use std::ops::Bound;

use basin_domain::failure::Failure;
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::outage::OutageWait;
use basin_domain::scheduling::{SchedulingOptions, UserName};
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Ledger;
use crate::attempt::AttemptRecord;
use crate::command::{CommitRecord, Progress, WorkerDescription};
use crate::event::FinalReason;
use crate::ledger::state::{SweepIndex, SweepStatus, TaskIndex, TaskStage};
pub use crate::phase::{Counts, Phase};

/// The state of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepState {
    /// Its tasks are given to workers.
    Running,
    /// Its tasks wait; those that run go on.
    Paused,
    /// A person ended it.
    Cancelled,
    /// Nothing more happens to it: every task is committed, failed, or waits for a failed one.
    Done,
}

impl SweepState {
    /// The state as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }
}

/// A sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepView<'a> {
    /// Its id.
    pub id: &'a SweepId,
    /// Who launched it, if that is known.
    pub user: Option<&'a UserName>,
    /// Its quota of workers.
    pub share: SchedulingOptions,
    /// The most slots that it may have: its own limit or the coordinator's, whichever is less.
    pub max_slots: Option<u32>,
    /// The slots that it has: the leases that were granted on its turn.
    pub slots: u32,
    /// Its state.
    pub state: SweepState,
    /// Its tasks by phase; a task that it lists twice counts twice.
    pub counts: Counts,
    /// The same for each of its experiments, in the order of the sweep file.
    pub experiments: Vec<(&'a str, Counts)>,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// When its last task ended, or it was cancelled.
    pub finished_at: Option<Timestamp>,
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView<'a> {
    /// Its id.
    pub id: TaskId,
    /// Where it is in its life.
    pub phase: Phase,
    /// Its attempts, oldest first; of very many, the oldest but the first are left out.
    pub attempts: &'a [AttemptRecord],
    /// Attempts begun, ever; of those under a journal that was lost nothing is known.
    pub begun: u32,
    /// Attempts charged, of those that it may be charged.
    pub charged: u32,
    /// The sweeps that list it, with its experiment in each.
    pub sweeps: Vec<(&'a SweepId, &'a str)>,
    /// The lease that covers it, and its worker, while it is running or expiring.
    pub lease: Option<(&'a LeaseId, &'a WorkerId)>,
    /// How far it is, if it runs and its worker has said so.
    pub progress: Option<Progress>,
    /// The time before which it isn't tried again.
    pub not_before: Option<Timestamp>,
    /// The commit.
    pub commit: Option<&'a CommitRecord>,
    /// Why it isn't tried again.
    pub failed: Option<FinalReason>,
    /// The first failure that was charged.
    pub first_failure: Option<&'a Failure>,
}

/// A task in the list of a sweep's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedTask<'a> {
    /// Its id.
    pub id: TaskId,
    /// Its experiment in that sweep.
    pub experiment: &'a str,
    /// Where it is in its life.
    pub phase: Phase,
}

/// A worker.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerView<'a> {
    /// Its id.
    pub id: &'a WorkerId,
    /// Its description; none if it wasn't heard since the coordinator started.
    pub description: Option<&'a WorkerDescription>,
    /// When it was last heard, if since the coordinator started.
    pub last_seen: Option<Timestamp>,
    /// It gets no new leases: it is leaving, or was told to.
    pub draining: bool,
    /// It gets nothing before this while there are others, having failed too often in a row.
    pub avoided_until: Option<Timestamp>,
    /// The outage whose end it waits for.
    pub waiting: Option<&'a OutageWait>,
    /// Its process has ended: somebody on its machine saw it.
    pub exited: bool,
    /// How many leases it has, live and ended; [`Ledger::leases_of`] tells them.
    pub leases: usize,
}

/// A lease.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaseView<'a> {
    /// Its id.
    pub id: &'a LeaseId,
    /// Its end, if it isn't renewed.
    pub expires: Timestamp,
    /// It ended, and the store is being asked about its tasks.
    pub is_expiring: bool,
    /// Its undecided tasks.
    pub tasks: Vec<TaskId>,
}

impl Ledger {
    /// The number up to which attempts may have begun under a journal that was lost; 0 if none was.
    pub const fn lost_attempts(&self) -> Attempt {
        Attempt(self.state.lost_attempts)
    }

    /// Every sweep, in the order of their launches.
    pub fn sweeps(&self) -> impl Iterator<Item = SweepView<'_>> {
        self.sweeps_from(0)
    }

    /// The sweeps but for the first so many.
    pub(crate) fn sweeps_from(&self, first: usize) -> impl Iterator<Item = SweepView<'_>> {
        let numbers = first..self.state.sweeps.len();
        let sweeps = numbers.map(SweepIndex::next).filter(|sweep| self.state.sweep(*sweep).is_launched());
        sweeps.map(|sweep| self.sweep_view(sweep))
    }

    /// The sweep of this id.
    pub fn sweep(&self, id: &SweepId) -> Option<SweepView<'_>> {
        Some(self.sweep_view(self.find_launched(id)?))
    }

    pub(crate) fn find_launched(&self, id: &SweepId) -> Option<SweepIndex> {
        self.find_sweep(id).filter(|sweep| self.state.sweep(*sweep).is_launched())
    }

    /// The tasks of a sweep, each with its experiment, in the order of the sweep's file.
    pub fn sweep_tasks<'a>(
        &'a self,
        id: &SweepId,
    ) -> Option<impl Iterator<Item = (TaskView<'a>, &'a str)> + use<'a>> {
        let sweep = self.state.sweep(self.find_launched(id)?);
        let experiment = |number: u32| sweep.experiments[number as usize].as_str();
        Some(
            sweep.entries.iter().map(move |entry| (self.task_view(entry.task), experiment(entry.experiment))),
        )
    }

    /// The task of this id.
    pub fn task(&self, id: &TaskId) -> Option<TaskView<'_>> {
        Some(self.task_view(self.find_task(id)?))
    }

    /// The document of the commit that is being written for the task of this id, if there is one.
    pub fn decided_commit(&self, id: &TaskId) -> Option<&str> {
        let task = self.state.task(self.find_task(id)?);
        task.commit_decision.as_ref().map(|decision| decision.document.as_str())
    }

    /// The spec of the task of this id.
    pub fn task_spec(&self, id: &TaskId) -> Option<TaskSpec> {
        Some(self.spec(self.find_task(id)?))
    }

    /// Every worker that was heard, holds a lease, or is remembered for what it did, by id.
    pub fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.workers_from(Bound::Unbounded)
    }

    /// The leases of a worker, live and ended, by id.
    pub fn leases_of<'a>(&'a self, worker: &WorkerId) -> impl Iterator<Item = LeaseView<'a>> + use<'a> {
        self.index.held.get(worker).into_iter().flatten().map(|id| {
            let lease = &self.state.leases[id];
            LeaseView {
                id,
                expires: lease.expires,
                is_expiring: !lease.is_live(),
                tasks: lease.tasks.iter().map(|task| self.state.task(*task).id).collect(),
            }
        })
    }

    /// The outage whose end a worker waits for.
    pub fn outage_of(&self, worker: &WorkerId) -> Option<&OutageWait> {
        self.heartbeats.get(worker)?.waiting.as_ref()
    }

    /// The worker of a lease that isn't settled.
    pub fn worker_of(&self, lease: &LeaseId) -> Option<&WorkerId> {
        self.state.leases.get(lease).map(|lease| &lease.worker)
    }

    /// The worker of this id.
    pub fn worker(&self, id: &WorkerId) -> Option<WorkerView<'_>> {
        self.workers_from(Bound::Included(id)).next().filter(|worker| worker.id == id)
    }

    /// All tasks by phase; one that several sweeps list counts once.
    pub fn counts(&self) -> Counts {
        self.index.counts
    }

    fn sweep_view(&self, sweep: SweepIndex) -> SweepView<'_> {
        let tally = &self.index.tallies[sweep.get()];
        let (slots, max_slots) = (self.index.occupancy.of_sweep(sweep), self.limit_of_sweep(sweep));
        let sweep = self.state.sweep(sweep);
        let state = match sweep.status {
            SweepStatus::Cancelled => SweepState::Cancelled,
            SweepStatus::Launching | SweepStatus::Running | SweepStatus::Paused
                if tally.total.open() == 0 =>
            {
                SweepState::Done
            }
            SweepStatus::Launching | SweepStatus::Running => SweepState::Running,
            SweepStatus::Paused => SweepState::Paused,
        };
        SweepView {
            id: &sweep.id,
            user: sweep.user.as_ref(),
            share: sweep.share,
            max_slots,
            slots,
            state,
            counts: tally.total,
            experiments: sweep
                .experiments
                .iter()
                .map(String::as_str)
                .zip(tally.experiments.iter().copied())
                .collect(),
            launched_at: sweep.launched_at,
            finished_at: sweep.finished_at,
        }
    }

    /// The inputs of a task that aren't committed, each with its phase.
    pub(crate) fn open_inputs(&self, task: TaskIndex) -> impl Iterator<Item = (TaskId, Phase)> {
        self.state.shape(task).inputs.values().filter_map(|id| {
            let phase = self.index.links(self.find_task(id)?).phase;
            (!phase.is_committed()).then_some((*id, phase))
        })
    }

    pub(crate) fn task_view(&self, index: TaskIndex) -> TaskView<'_> {
        let task = self.state.task(index);
        let links = self.index.links(index);
        let sweeps = links.memberships.iter().filter_map(|membership| {
            let sweep = self.state.sweep(membership.sweep);
            let experiment = sweep.experiments[membership.experiment as usize].as_str();
            sweep.is_launched().then_some((&sweep.id, experiment))
        });
        TaskView {
            id: task.id,
            phase: links.phase,
            attempts: &task.attempts,
            begun: self.state.attempts_begun(task),
            charged: task.charged,
            sweeps: sweeps.collect(),
            lease: task.lease().map(|lease| (lease, &self.state.leases[lease].worker)),
            progress: self.progress.get(&index).copied(),
            not_before: task.not_before,
            commit: match &task.stage {
                TaskStage::Committed(commit) => Some(commit),
                TaskStage::Waiting | TaskStage::Leased(_) | TaskStage::Expiring(_) | TaskStage::Failed(_) => {
                    None
                }
            },
            failed: match task.stage {
                TaskStage::Failed(reason) => Some(reason),
                TaskStage::Waiting
                | TaskStage::Leased(_)
                | TaskStage::Expiring(_)
                | TaskStage::Committed(_) => None,
            },
            first_failure: task.first_failure.as_ref(),
        }
    }

    pub(crate) fn worker_view<'a>(&'a self, id: &'a WorkerId) -> WorkerView<'a> {
        let heartbeat = self.heartbeats.get(id);
        WorkerView {
            id,
            description: heartbeat.map(|heartbeat| &heartbeat.description),
            last_seen: heartbeat.map(|heartbeat| heartbeat.last_seen),
            draining: self.is_draining(id) || heartbeat.is_some_and(|heartbeat| heartbeat.draining),
            avoided_until: self.state.workers.get(id).and_then(|health| health.avoided_until),
            waiting: heartbeat.and_then(|heartbeat| heartbeat.waiting.as_ref()),
            exited: self.has_exited(id),
            leases: self.index.held.get(id).map_or(0, BTreeSet::len),
        }
    }
}
