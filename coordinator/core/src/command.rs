//! What the ledger can be asked, what it answers, and how it refuses.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId, WorkerId};
use basin_domain::metrics::Outcome;
use basin_domain::outage::OutageWait;
use basin_domain::placement::Requirements;
use basin_domain::scheduling::{SchedulingChange, UserName};
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;
pub use basin_domain::worker::{Progress, WorkerDescription};
use serde::{Deserialize, Serialize};

/// A request to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Adds a sweep with its tasks. Launching the same sweep again changes nothing; tasks that other sweeps brought are
    /// shared; a cancelled sweep that is launched again goes on.
    Launch(Launch),
    /// A part of a sweep that is too large for one command: others are decided between its parts. The parts come in order;
    /// with the last one the sweep is launched, all of it at once. One that arrived before changes nothing.
    LaunchPart(LaunchPart),
    /// Changes a sweep's quota of workers; leases that are held go on.
    Adjust {
        /// The sweep.
        sweep: SweepId,
        /// What becomes different.
        adjustment: SchedulingChange,
    },
    /// No new leases for this sweep's tasks; running ones go on.
    Pause(SweepId),
    /// Undoes `Pause`.
    Resume(SweepId),
    /// Ends a sweep: its queued tasks (that no other live sweep wants) leave the queue, its leases are told to stop.
    Cancel(SweepId),
    /// Failed tasks of the sweep start over with a fresh budget of attempts; those blocked by them too.
    RetryFailed(SweepId),
    /// A worker says what it is and holds, and hears what it should do.
    Sync(Sync),
    /// A task was committed in the store under this lease.
    Complete(CommitRecord),
    /// A worker wants a task committed by the coordinator, since the store would let several commits win. Nothing is
    /// written before the decision is journalled, and a task has one decision for ever.
    DecideCommit(CommitDecision),
    /// Commits were withdrawn in the store: their tasks run again.
    Withdraw(Withdraw),
    /// An attempt failed.
    Fail {
        /// The lease under which it ran.
        lease: LeaseId,
        /// The task of the lease.
        task: TaskId,
        /// The cause.
        failure: Failure,
    },
    /// A worker gives tasks of a lease back.
    Release {
        /// The lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
        /// Why.
        reason: ReleaseReason,
    },
    /// A valid commit was found in the store (at launch, or at a lease's expiry): the task is done, whoever did it.
    Adopt(CommitRecord),
    /// A worker gets no new leases and is told to drain.
    Drain(WorkerId),
    /// A worker's process has ended, as somebody on its machine saw: its leases end.
    Exited(WorkerId),
    /// Time has passed: leases that ran out are ended. An expired lease's tasks go first into the state "expiring" until
    /// `Adopt` or `Expire` settles them, so that a commit which is already in the store is never repeated.
    Tick,
    /// The store has no commit for these tasks of an expired lease: they go back to the queue (charged) or fail.
    Expire {
        /// The lease that ran out.
        lease: LeaseId,
        /// Its tasks without a commit.
        tasks: Vec<TaskId>,
    },
    /// The coordinator has restarted: live leases get a full lease duration from now.
    Restarted,
}

/// A sweep to launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The sweep's id (a digest of its contents).
    pub sweep: SweepId,
    /// Who launches it, if that is known: whoever launches a sweep first is its user, or again after it was cancelled.
    pub user: Option<UserName>,
    /// What is asked for its quota of workers.
    pub adjustment: SchedulingChange,
    /// The tasks in the order of the sweep file, each with its experiment's name for display.
    pub tasks: Vec<LaunchTask>,
    /// Tasks that the store already has a commit for.
    pub committed: Vec<CommitRecord>,
    /// What experiments need of workers: those that need anything, by name.
    pub needs: BTreeMap<String, Requirements>,
}

/// A part of a sweep to launch.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchPart {
    /// The sweep with the tasks of this part, and those of them that are committed. A task's inputs are in this part, in one
    /// before it, or known.
    pub launch: Launch,
    /// How many tasks the parts before have.
    pub from: u64,
    /// How many tasks all parts have together.
    pub of: u64,
    /// With the last part: the tasks that any of the sweep's tasks read and that it doesn't list.
    pub unlisted: Vec<TaskId>,
}

/// A task of a launched sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchTask {
    /// The task's id.
    pub id: TaskId,
    /// The experiment within the sweep.
    pub experiment: String,
    /// What is run, as canonical JSON ([`TaskSpec::canonical`]): the ledger stores and hands out these bytes.
    pub spec: TaskSpec,
}

/// A commit, as the store has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// The task.
    pub task: TaskId,
    /// The lease under which it was committed.
    pub lease: LeaseId,
    /// The attempt.
    pub attempt: Attempt,
    /// The digest of the attempt's manifest.
    pub manifest: Digest,
    /// How the run ended.
    pub outcome: Outcome,
    /// The digest of the commit itself; not known of those that were journalled before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Commits that count no more, since they, or what they commit, are damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Withdraw {
    /// The sweep for which that is asked, if it is for one. Its tasks that failed for something damaged start over, too.
    pub sweep: Option<SweepId>,
    /// The commits.
    pub commits: Vec<Withdrawal>,
}

/// A commit that counts no more. Nothing is ever committed under its lease again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The task.
    pub task: TaskId,
    /// The lease under which it was committed.
    pub lease: LeaseId,
    /// The attempt: the next one has a higher number.
    pub attempt: Attempt,
}

/// The commit that the coordinator writes for a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitDecision {
    /// What it commits.
    pub commit: CommitRecord,
    /// The commit as it is written, byte by byte, however often.
    pub document: String,
}

/// The longest document of a decision, in bytes.
pub const DOCUMENT_LIMIT: usize = 4096;

/// What a worker says of itself and asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Sync {
    /// The worker.
    pub worker: WorkerId,
    /// What it is.
    pub description: WorkerDescription,
    /// The leases it holds, with progress. A lease of this worker that isn't here is one it lost: it is ended like an
    /// expired one, unless it was granted in an answer that the worker may not have seen yet (see `seen`).
    pub holds: Vec<HeldLease>,
    /// How many more leases it could start now.
    pub free_slots: u32,
    /// Leases at most this many tasks long may be granted (packs).
    pub max_pack: u32,
    /// It is leaving: no new leases.
    pub draining: bool,
    /// It waits for an outage to end: no new leases.
    pub waiting: Option<OutageWait>,
    /// The number of the last answer that the worker received (0: none). A lease that was granted in a later answer, and
    /// that the worker doesn't hold, is granted again under the same attempt; so a worker ignores answers that don't rise.
    pub seen: u64,
    /// Fresh lease ids that `decide` may use, one a free slot (randomness is an argument).
    pub fresh: Vec<LeaseId>,
}

/// A lease that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldLease {
    /// The lease.
    pub lease: LeaseId,
    /// How far each of its unfinished tasks is.
    pub progress: Vec<(TaskId, Progress)>,
}

/// What the ledger answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It is done (or was already).
    Done,
    /// The answer to `Launch`.
    Launched {
        /// Tasks new to the ledger.
        new: u64,
        /// Tasks that were already committed.
        reused: u64,
        /// Tasks that other sweeps had brought, not yet committed.
        shared: u64,
    },
    /// The answer to `Sync`.
    Synced(Synced),
    /// The answer to `DecideCommit`: the document to write, which may be another attempt's; none if the task is committed.
    CommitDecided(Option<String>),
    /// The answer to `Complete`, `Fail` and `Release`: whether the lease was still the worker's.
    Settled {
        /// False: the lease had ended; for `Complete` the commit counts all the same.
        held: bool,
    },
    /// The answer to `Tick`: leases that ran out, whose tasks the caller must look up in the store.
    Ticked {
        /// Each with its undecided tasks.
        expired: Vec<(LeaseId, Vec<TaskId>)>,
    },
}

/// What a worker hears.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Synced {
    /// The number of this answer, rising for each worker.
    pub answer: u64,
    /// New leases.
    pub grants: Vec<Grant>,
    /// Leases that go on, and until when; also those to stop as cancelled, so that there is time to give them back.
    pub renewed: Vec<(LeaseId, Timestamp)>,
    /// Leases that the worker holds and should give up: ended, unknown, or wanted by no sweep any more.
    pub stop: Vec<(LeaseId, StopReason)>,
    /// The worker should finish nothing more, release and leave.
    pub drain: bool,
    /// Nothing is queued and nothing leased that could queue more: an embedded worker may leave.
    pub idle: bool,
}

/// Why a worker should give up a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// The lease ended, or was never this worker's.
    Lost,
    /// No sweep wants its tasks any more: release.
    Cancelled,
}

/// A lease that a worker got.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The lease.
    pub lease: LeaseId,
    /// Until when, if it isn't renewed.
    pub expires: Timestamp,
    /// Its tasks, of one shape, each with the number of this attempt.
    pub tasks: Vec<(TaskId, Attempt, TaskSpec)>,
}

/// Why the ledger refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such sweep.
    #[error("there is no sweep {0}")]
    UnknownSweep(SweepId),
    /// No such task.
    #[error("there is no task {0}")]
    UnknownTask(TaskId),
    /// No such worker.
    #[error("there is no worker {0}")]
    UnknownWorker(WorkerId),
    /// Another sweep was launched under this id.
    #[error("sweep {0} was launched before, with other tasks")]
    LaunchedOtherwise(SweepId),
    /// A part of a sweep's launch came before the one that it follows.
    #[error("of sweep {sweep} {arrived} tasks have arrived, and a part begins after {from}: launch it again")]
    MissingPart {
        /// The sweep.
        sweep: SweepId,
        /// How many of its tasks are there.
        arrived: u64,
        /// How many the parts before this one have.
        from: u64,
    },
    /// A task's id isn't the digest of its spec.
    #[error("task {0} is not the digest of its spec")]
    WrongTaskId(TaskId),
    /// A task depends on one that is neither in the sweep nor known.
    #[error("task {task} needs task {input}, which is not there")]
    MissingInput {
        /// The task.
        task: TaskId,
        /// What it needs.
        input: TaskId,
    },
    /// The tasks depend on each other in a circle.
    #[error("the tasks depend on each other in a circle through {0}")]
    Cycle(TaskId),
    /// A commit was reported that contradicts the one on record.
    #[error("task {task} was committed with another manifest under lease {recorded}")]
    CommittedOtherwise {
        /// The task.
        task: TaskId,
        /// The lease of the commit on record.
        recorded: LeaseId,
    },
    /// A commit was reported that was withdrawn.
    #[error("what task {task} was committed under lease {lease} was withdrawn")]
    Withdrawn {
        /// The task.
        task: TaskId,
        /// The lease.
        lease: LeaseId,
    },
    /// The lease never covered this task.
    #[error("lease {lease} does not cover task {task}")]
    NotOfThisLease {
        /// The lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
    },
    /// More than the ledger takes.
    #[error("{what}: {asked} are asked for, {limit} is the limit")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many were asked for.
        asked: u64,
        /// The limit.
        limit: u64,
    },
}

/// The ledger's settings: part of its construction, the same at replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long a lease lasts without renewal.
    #[serde(rename = "term")]
    pub lease_duration: Duration,
    /// Charged attempts after which a task fails.
    pub max_attempts: u32,
    /// Distinct workers on which a task must fail before a retryable failure becomes final early ("fails everywhere").
    pub quarantine_workers: u32,
    /// Failures in a row after which a worker gets no leases for `avoid_for`.
    pub bad_worker_failures: u32,
    /// How long a bad worker is avoided.
    pub avoid_for: Duration,
    /// Tasks that one launch may bring.
    pub max_tasks: u64,
    /// Slots of workers that the tasks of one sweep may take at once, whatever was asked for it.
    pub max_slots_of_sweep: Option<NonZeroU32>,
    /// Slots of workers that the tasks of one user's sweeps may take at once.
    pub max_slots_of_user: Option<NonZeroU32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(30),
            max_attempts: 3,
            quarantine_workers: 3,
            bad_worker_failures: 5,
            avoid_for: Duration::from_secs(300),
            max_tasks: 100_000,
            max_slots_of_sweep: None,
            max_slots_of_user: None,
        }
    }
}
