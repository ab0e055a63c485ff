//! Why the ledger refuses.

use basin_domain::id::{LeaseId, SweepId, TaskId, WorkerId};

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
        /// The input that it needs.
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
    /// A sweep that goes on was to be forgotten.
    #[error("sweep {0} is not over")]
    NotOver(SweepId),
    /// A sweep was to be forgotten whose tasks are being stopped: a worker may still write what they made.
    #[error("sweep {sweep} was cancelled, and {tasks} of its tasks are still being stopped")]
    StillStopping {
        /// The sweep.
        sweep: SweepId,
        /// How many tasks are under a lease yet.
        tasks: u64,
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
        /// The resource of which there is too much.
        what: &'static str,
        /// How many were asked for.
        asked: u64,
        /// The limit.
        limit: u64,
    },
}
