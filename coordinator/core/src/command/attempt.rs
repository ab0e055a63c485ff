//! Attempts end without a commit.

use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{LeaseId, TaskId};

/// An attempt failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Fail {
    /// The lease under which it ran.
    pub lease: LeaseId,
    /// The task of the lease.
    pub task: TaskId,
    /// The cause.
    pub failure: Failure,
}

/// A worker gives a task of a lease back.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The lease.
    pub lease: LeaseId,
    /// The task.
    pub task: TaskId,
    /// Why.
    pub reason: ReleaseReason,
}

/// The store has no commit for these tasks of an expired lease: they go back to the queue (charged) or fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Expire {
    /// The lease that ran out.
    pub lease: LeaseId,
    /// Its tasks without a commit.
    pub tasks: Vec<TaskId>,
}

/// The answer to a worker that says how an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Whether the lease was still the worker's. A commit counts all the same.
    pub held: bool,
}
