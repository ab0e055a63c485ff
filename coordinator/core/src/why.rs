//! Why a task is in its state, as data: the command line words it.

use std::time::Duration;

use basin_domain::failure::Failure;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::outage::OutageWait;
use basin_domain::placement::Requirements;
use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::event::FinalReason;
use crate::ledger::state::{Task, TaskIndex, TaskStage};
use crate::pending_reason::PendingReason;
use crate::phase::Phase;

/// The reason of a task's state.
#[derive(Debug, Clone, PartialEq)]
pub enum Why<'a> {
    /// It failed, and is tried again later.
    WaitsForRetry {
        /// How much later.
        wait: Duration,
        /// The attempts that were charged so far.
        charged: u32,
    },
    /// It could run.
    WaitsForWorker {
        /// The requirements of the experiments that list it, one of which a worker must meet; none if any worker will do.
        requirements: Vec<&'a Requirements>,
        /// Why no free worker gets it; none if a free worker is all it waits for.
        pending: Option<PendingReason<'a>>,
    },
    /// It waits for the results of others.
    WaitsForInputs(Vec<Input>),
    /// It waits for a task that failed, or for one that does so.
    InputsFailed(Vec<Input>),
    /// A worker has it.
    Runs {
        /// The worker.
        worker: &'a WorkerId,
        /// The lease.
        lease: &'a LeaseId,
        /// It is trained, and the worker holds the result until the store takes it.
        is_held: bool,
        /// The outage whose end the worker waits for.
        waiting: Option<&'a OutageWait>,
        /// How long ago progress was last shown, if the worker says so.
        silent: Option<Duration>,
    },
    /// Its lease ended, and the store is being asked whether it was committed.
    LeaseExpired,
    /// It is committed.
    IsCommitted {
        /// The attempt.
        attempt: Attempt,
        /// The lease under which it was committed.
        lease: &'a LeaseId,
    },
    /// It is not tried again.
    HasFailed {
        /// Why not.
        reason: FinalReason,
        /// Attempts begun.
        attempts: u32,
        /// The first failure that was charged.
        first: Option<&'a Failure>,
    },
}

/// A task whose result another one reads, and that isn't committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// The task.
    pub task: TaskId,
    /// Where it is in its life.
    pub phase: Phase,
}

impl Ledger {
    /// Why the task of this id is in its state.
    pub fn why(&self, id: &TaskId, now: Timestamp) -> Option<Why<'_>> {
        let index = self.find_task(id)?;
        let task = self.state.task(index);
        Some(match &task.stage {
            TaskStage::Waiting => self.why_waiting(index, task, now),
            TaskStage::Leased(lease) => self.why_running(index, lease),
            TaskStage::Expiring(_) => Why::LeaseExpired,
            TaskStage::Committed(commit) => {
                Why::IsCommitted { attempt: commit.attempt, lease: &commit.lease }
            }
            TaskStage::Failed(reason) => {
                let attempts = self.state.attempts_begun(task);
                Why::HasFailed { reason: *reason, attempts, first: task.first_failure.as_ref() }
            }
        })
    }

    fn why_waiting(&self, index: TaskIndex, task: &Task, now: Timestamp) -> Why<'_> {
        let inputs = || self.open_inputs(index).map(|(task, phase)| Input { task, phase }).collect();
        match self.index.links(index).phase {
            Phase::Blocked => Why::WaitsForInputs(inputs()),
            Phase::UpstreamFailed => Why::InputsFailed(inputs()),
            Phase::Queued
            | Phase::Running
            | Phase::Expiring
            | Phase::Completed
            | Phase::Diverged
            | Phase::Stopped
            | Phase::Failed => match task.not_before.filter(|time| *time > now) {
                Some(time) => Why::WaitsForRetry { wait: time - now, charged: task.charged },
                None => Why::WaitsForWorker {
                    requirements: self.needs_of(index).collect::<Option<Vec<_>>>().unwrap_or_default(),
                    pending: self.pending_reason(&task.id, now),
                },
            },
        }
    }

    fn why_running<'a>(&'a self, index: TaskIndex, lease: &'a LeaseId) -> Why<'a> {
        let worker = &self.state.leases[lease].worker;
        let progress = self.progress.get(&index);
        Why::Runs {
            worker,
            lease,
            is_held: progress.is_some_and(|progress| progress.is_held),
            waiting: self.heartbeats.get(worker).and_then(|heartbeat| heartbeat.waiting.as_ref()),
            silent: progress.and_then(|progress| progress.silent_ms).map(Duration::from_millis),
        }
    }
}
