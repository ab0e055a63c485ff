//! The state that durable events determine: the part of a ledger that a snapshot holds.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::failure::Failure;
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::placement::Requirements;
use basin_domain::scheduling::{SchedulingOptions, UserName};
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptEnd, AttemptRecord};
use crate::command::{CommitDecision, CommitRecord};
use crate::event::{FinalReason, Shape};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) struct $name(u32);

        impl $name {
            /// The index that the next element of a list of this length will have.
            pub(crate) fn next(length: usize) -> Self {
                Self(u32::try_from(length).expect("a launch is limited to far fewer than 2^32 of anything"))
            }

            pub(crate) const fn get(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// A task's index in [`JournalledState::tasks`]; another one once a sweep was forgotten.
    TaskIndex
);
index!(
    /// A sweep's index in [`JournalledState::sweeps`], which is the order of launches.
    SweepIndex
);
index!(
    /// A shape's index in [`JournalledState::shapes`].
    ShapeIndex
);

/// Everything that is journalled, in the order in which it came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct JournalledState {
    pub(crate) shapes: Vec<Shape>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) sweeps: Vec<Sweep>,
    pub(crate) leases: BTreeMap<LeaseId, Lease>,
    pub(crate) workers: BTreeMap<WorkerId, WorkerHealth>,
    /// The sweeps that have left, and were not launched again: whoever forgets one twice hears that it is done.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) forgotten: BTreeSet<SweepId>,
    /// The time of the latest durable event: the ledger's time never goes back behind it.
    #[serde(default)]
    pub(crate) at: Timestamp,
    /// Attempts up to this number may have begun under a journal that was lost; 0 if none was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) lost_attempts: u32,
}

/// A sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    pub(crate) id: SweepId,
    /// Who launched it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<UserName>,
    #[serde(default, skip_serializing_if = "SchedulingOptions::is_default")]
    pub(crate) share: SchedulingOptions,
    pub(crate) status: SweepStatus,
    pub(crate) launched_at: Timestamp,
    /// When its last task ended, or it was cancelled.
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) experiments: Vec<String>,
    /// By the experiments' names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) needs: BTreeMap<String, Requirements>,
    pub(crate) entries: Vec<Entry>,
}

/// The state that people want a sweep to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SweepStatus {
    /// Its tasks arrive in parts: nobody sees it before the last one.
    Launching,
    Running,
    Paused,
    Cancelled,
}

/// A task as a sweep lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) task: TaskIndex,
    pub(crate) experiment: u32,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) shape: ShapeIndex,
    pub(crate) seed: u64,
    pub(crate) stage: TaskStage,
    /// The number of the last attempt that began: the next one's is above this, and above [`JournalledState::lost_attempts`].
    pub(crate) begun: u32,
    /// Attempts charged since the task was new or retried by a person.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub(crate) charged: u32,
    /// One of its attempts took its executor or worker down: it trains alone from then on.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) alone: bool,
    /// The distinct workers on which it was charged.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) failed_on: Vec<WorkerId>,
    /// The first failure that was charged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) first_failure: Option<Failure>,
    /// Set while it waits to be tried again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) not_before: Option<Timestamp>,
    /// Its attempts, oldest first; of very many, the oldest but the first are forgotten.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) attempts: Vec<AttemptRecord>,
    /// The commit that the coordinator writes for it, until it is known to be in the store.
    #[serde(rename = "chosen", skip_serializing_if = "Option::is_none", default)]
    pub(crate) commit_decision: Option<Box<CommitDecision>>,
    /// The leases whose commits were withdrawn: none of them is ever taken again.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) withdrawn: Vec<LeaseId>,
}

/// Where a task is in its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TaskStage {
    /// For its inputs, for a worker, or for a sweep that wants it.
    Waiting,
    /// A worker has it.
    Leased(LeaseId),
    /// Its lease ended, and the store hasn't been asked yet whether it was committed.
    Expiring(LeaseId),
    /// Done.
    Committed(CommitRecord),
    /// Not tried again.
    Failed(FinalReason),
}

/// A lease that covers at least one undecided task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) worker: WorkerId,
    /// The sweep on whose turn it was granted; not known of leases from before sweeps took turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sweep: Option<SweepIndex>,
    /// The number of the answer that granted it.
    pub(crate) answer: u64,
    /// Its end, if it isn't renewed; when it ended, if it has.
    pub(crate) expires: Timestamp,
    /// It ended; its tasks are expiring.
    pub(crate) ended: bool,
    /// Its undecided tasks.
    pub(crate) tasks: Vec<TaskIndex>,
}

/// A worker's health: the failures that count against it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct WorkerHealth {
    /// When something last happened that belongs here.
    pub(crate) since: Timestamp,
    /// A person told it to drain.
    pub(crate) draining: bool,
    /// The different tasks at which it failed in a row.
    pub(crate) failing: Vec<TaskId>,
    /// It gets nothing before this, while there are others.
    pub(crate) avoided_until: Option<Timestamp>,
}

impl Task {
    /// How many attempts are remembered.
    pub(crate) const REMEMBERED: usize = 16;

    pub(crate) fn new(id: TaskId, shape: ShapeIndex, seed: u64) -> Self {
        Self {
            id,
            shape,
            seed,
            stage: TaskStage::Waiting,
            begun: 0,
            charged: 0,
            alone: false,
            failed_on: Vec::new(),
            first_failure: None,
            not_before: None,
            attempts: Vec::new(),
            commit_decision: None,
            withdrawn: Vec::new(),
        }
    }

    /// The lease under which the task is undecided.
    pub(crate) fn lease(&self) -> Option<&LeaseId> {
        match &self.stage {
            TaskStage::Leased(lease) | TaskStage::Expiring(lease) => Some(lease),
            TaskStage::Waiting | TaskStage::Committed(_) | TaskStage::Failed(_) => None,
        }
    }

    pub(crate) fn is_committed(&self) -> bool {
        matches!(self.stage, TaskStage::Committed(_))
    }

    /// The number of the attempt that is under way, or was the last.
    pub(crate) const fn attempt(&self) -> Attempt {
        Attempt(self.begun)
    }

    /// The worker of the last attempt that failed.
    pub(crate) fn last_failed_on(&self) -> Option<&WorkerId> {
        let failed = |end: &AttemptEnd| matches!(end, AttemptEnd::Failed(_));
        self.attempts
            .iter()
            .rev()
            .find(|record| record.end.as_ref().is_some_and(|(_, end)| failed(end)))
            .map(|record| &record.worker)
    }

    /// Forgets what was charged: the task has all attempts before it again.
    pub(crate) fn reset_charges(&mut self) {
        self.charged = 0;
        self.failed_on.clear();
        self.first_failure = None;
        self.not_before = None;
    }

    /// Remembers a new attempt; the first is kept for good, because its error explains most.
    pub(crate) fn remember(&mut self, record: AttemptRecord) {
        if self.attempts.len() >= Self::REMEMBERED {
            self.attempts.remove(1);
        }
        self.attempts.push(record);
    }

    /// Ends the remembered attempt under `lease`, if it is remembered.
    pub(crate) fn end_attempt(&mut self, lease: &LeaseId, at: Timestamp, end: AttemptEnd) {
        if let Some(record) = self.attempts.iter_mut().rev().find(|record| record.lease == *lease) {
            record.end = Some((at, end));
        }
    }
}

impl Sweep {
    /// Whether all of it has arrived.
    pub(crate) const fn is_launched(&self) -> bool {
        !matches!(self.status, SweepStatus::Launching)
    }
}

impl Lease {
    /// Whether it can still be renewed.
    pub(crate) const fn is_live(&self) -> bool {
        !self.ended
    }
}

impl JournalledState {
    /// The latest time that is written down anywhere: what snapshots of before, which don't say when they were taken, tell of it.
    pub(crate) fn latest_mention(&self) -> Timestamp {
        let sweeps = self.sweeps.iter().flat_map(|sweep| [Some(sweep.launched_at), sweep.finished_at]);
        let attempts = self.tasks.iter().flat_map(|task| &task.attempts);
        let attempts = attempts.flat_map(|it| [Some(it.started), it.end.as_ref().map(|(at, _)| *at)]);
        let healths = self.workers.values().map(|health| Some(health.since));
        sweeps.chain(attempts).chain(healths).flatten().max().unwrap_or_default()
    }

    /// The number of the next attempt at a task: above all that ever began, also under a journal that was lost.
    pub(crate) fn next_attempt(&self, task: &Task) -> Attempt {
        Attempt(task.begun.max(self.lost_attempts).saturating_add(1))
    }

    /// How many attempts at a task began, as far as that is known.
    pub(crate) const fn attempts_begun(&self, task: &Task) -> u32 {
        task.begun.saturating_sub(self.lost_attempts)
    }

    pub(crate) fn task(&self, task: TaskIndex) -> &Task {
        &self.tasks[task.get()]
    }

    pub(crate) fn task_mut(&mut self, task: TaskIndex) -> &mut Task {
        &mut self.tasks[task.get()]
    }

    pub(crate) fn sweep(&self, sweep: SweepIndex) -> &Sweep {
        &self.sweeps[sweep.get()]
    }

    pub(crate) fn shape(&self, task: TaskIndex) -> &TaskSpec {
        &self.shapes[self.task(task).shape.get()].spec
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
