//! Events: the only thing that changes a ledger, and the contents of the journal.
//!
//! Events carry verdicts, not the policy that led to them, so a journal replays to the same ledger under another policy.
//! Names of changes and fields are the journal's format: a new field gets a default, a meaning never changes.

use std::collections::BTreeMap;

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::outage::OutageWait;
use basin_domain::placement::Requirements;
use basin_domain::scheduling::{SchedulingOptions, UserName};
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::command::{CommitDecision, CommitRecord, Progress, Withdrawal, WorkerDescription};

/// A change and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the coordinator's clock.
    pub at: Timestamp,
    /// The change.
    pub change: Change,
}

/// A change of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A sweep was launched.
    Launched(Launched),
    /// A large sweep is being launched: its first tasks. Nobody sees it, and nothing of it is granted, before it is opened.
    Announced(Launched),
    /// More tasks of an announced sweep.
    Extended(Extended),
    /// All tasks of an announced sweep have arrived: it is launched.
    Opened(SweepId),
    /// A sweep was launched again, with other needs.
    #[serde(rename = "placed")]
    NeedsChanged {
        /// The sweep.
        sweep: SweepId,
        /// The requirements of its experiments on workers from now on, by name.
        needs: BTreeMap<String, Requirements>,
    },
    /// A sweep's quota of workers is another.
    Adjusted {
        /// The sweep.
        sweep: SweepId,
        /// The quota from now on.
        share: SchedulingOptions,
    },
    /// A sweep is somebody's from now on: it was nobody's that is known, or was cancelled and then launched again.
    #[serde(rename = "owned")]
    OwnerChanged {
        /// The sweep.
        sweep: SweepId,
        /// Whose it is.
        user: UserName,
    },
    /// A sweep waits.
    Paused(SweepId),
    /// A paused or cancelled sweep goes on.
    Resumed(SweepId),
    /// A sweep was ended by a person.
    Cancelled(SweepId),
    /// A sweep that is over has left, and with it the tasks that no other sweep lists or reads.
    SweepForgotten(SweepId),
    /// Failed tasks start over with a fresh budget of attempts.
    Retried {
        /// The sweep for which that was asked.
        sweep: SweepId,
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// A worker got a lease.
    Granted(Granted),
    /// A worker was heard: what it is, which leases are renewed, how far its tasks are. Not durable.
    #[serde(rename = "heard")]
    HeartbeatReceived(HeartbeatReceived),
    /// A worker's process has ended. Not durable: the ends of its leases are.
    Exited(WorkerId),
    /// A lease ended with tasks that may or may not be committed in the store.
    Expired {
        /// The lease.
        lease: LeaseId,
    },
    /// The coordinator will write this commit, and never another of the task.
    #[serde(rename = "chosen")]
    CommitDecided(CommitDecision),
    /// A task is committed.
    Committed(CommitRecord),
    /// A commit counts no more, and never will again.
    Withdrawn(Withdrawal),
    /// An attempt failed, and was charged.
    Failed {
        /// The lease under which it ran.
        lease: LeaseId,
        /// The task.
        task: TaskId,
        /// The cause.
        failure: Failure,
        /// The next state of the task.
        verdict: RetryDecision,
    },
    /// A worker gave a task back. Free.
    Released {
        /// The lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
        /// Why.
        reason: ReleaseReason,
    },
    /// A worker is told to drain.
    Drained(WorkerId),
    /// A worker failed at too many tasks in a row.
    Avoided {
        /// The worker.
        worker: WorkerId,
        /// It gets nothing before this, while there are others.
        until: Timestamp,
    },
    /// A worker was not heard for long.
    Forgotten(WorkerId),
    /// The coordinator started again: every live lease lasts at least until then.
    Restarted {
        /// The new end of each live lease.
        expires: Timestamp,
    },
    /// The events before this were made from what the store holds, since the journal before was lost.
    Rebuilt {
        /// Attempts up to this number may have begun under that journal: those from now on have higher ones.
        attempts: Attempt,
    },
}

/// A launched sweep. Tasks of one shape differ in their seed alone, so each shape is written once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launched {
    /// The sweep.
    pub sweep: SweepId,
    /// Who launched it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// Its quota of workers.
    #[serde(default, skip_serializing_if = "SchedulingOptions::is_default")]
    pub share: SchedulingOptions,
    /// Its experiments' names.
    pub experiments: Vec<String>,
    /// The shapes of the new tasks.
    pub shapes: Vec<Shape>,
    /// Its tasks, in order.
    pub entries: Vec<LaunchedTask>,
    /// The requirements of its experiments on workers: of those that have any, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, Requirements>,
}

/// More tasks of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extended {
    /// The sweep.
    pub sweep: SweepId,
    /// Experiments that weren't named before; they follow those that were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<String>,
    /// The shapes of the new tasks.
    pub shapes: Vec<Shape>,
    /// The tasks, in order; their experiments are indices into all that were named.
    pub entries: Vec<LaunchedTask>,
}

/// The digest that tasks which can train together share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// [`TaskSpec::shape`].
    pub digest: Digest,
    /// A spec of this shape; its seed means nothing.
    pub spec: TaskSpec,
}

/// A task of a launched sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchedTask {
    /// The task.
    pub id: TaskId,
    /// Its experiment: an index into [`Launched::experiments`].
    pub experiment: u32,
    /// Its spec, if the ledger didn't know the task before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new: Option<NewTask>,
}

/// The spec of a task that is new to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// An index into [`Launched::shapes`].
    pub shape: u32,
    /// The seed.
    pub seed: u64,
}

/// A granted lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    /// The lease.
    pub lease: LeaseId,
    /// Who holds it.
    pub worker: WorkerId,
    /// The sweep on whose turn it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepId>,
    /// The number of the answer that told the worker.
    pub answer: u64,
    /// Its end, if it isn't renewed.
    pub expires: Timestamp,
    /// Its tasks with the number of this attempt.
    pub tasks: Vec<(TaskId, Attempt)>,
}

/// The news of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatReceived {
    /// The worker.
    pub worker: WorkerId,
    /// Its description, if that is new.
    pub description: Option<WorkerDescription>,
    /// It is leaving.
    pub draining: bool,
    /// The number of the answer that it got.
    pub answer: u64,
    /// The leases that go on.
    pub renewed: Vec<LeaseId>,
    /// Their new end.
    pub expires: Timestamp,
    /// How far its tasks are.
    pub progress: Vec<(TaskId, Progress)>,
    /// The outage whose end it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<OutageWait>,
}

/// The next state of a task whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryDecision {
    /// It is tried again.
    Retry {
        /// Not before this.
        not_before: Timestamp,
    },
    /// It has failed for good.
    Final(FinalReason),
}

/// Why a task is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalReason {
    /// Its parameters can't be trained: another attempt would end the same.
    InvalidParameters,
    /// Every attempt that it may be charged was.
    AttemptsSpent,
    /// It failed on as many workers as are needed to believe that it is the task.
    Quarantined,
    /// Its own objects in the store, or those that it reads there, are damaged.
    Damaged,
}

impl FinalReason {
    /// The reason as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameters => "invalid-parameters",
            Self::AttemptsSpent => "attempts-spent",
            Self::Quarantined => "quarantined",
            Self::Damaged => "damaged",
        }
    }
}

impl Event {
    /// Whether the journal keeps it. What isn't kept is said again by the workers after a restart.
    pub const fn is_durable(&self) -> bool {
        match self.change {
            Change::HeartbeatReceived(_) | Change::Exited(_) => false,
            Change::Launched(_)
            | Change::Announced(_)
            | Change::Extended(_)
            | Change::Opened(_)
            | Change::NeedsChanged { .. }
            | Change::Adjusted { .. }
            | Change::OwnerChanged { .. }
            | Change::Paused(_)
            | Change::Resumed(_)
            | Change::Cancelled(_)
            | Change::SweepForgotten(_)
            | Change::Retried { .. }
            | Change::Granted(_)
            | Change::Expired { .. }
            | Change::CommitDecided(_)
            | Change::Committed(_)
            | Change::Withdrawn(_)
            | Change::Failed { .. }
            | Change::Released { .. }
            | Change::Drained(_)
            | Change::Avoided { .. }
            | Change::Forgotten(_)
            | Change::Restarted { .. }
            | Change::Rebuilt { .. } => true,
        }
    }
}
