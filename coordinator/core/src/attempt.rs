//! The history of a task's attempts.

use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{Attempt, LeaseId, WorkerId};
use basin_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An attempt at a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Its number, from 1.
    pub attempt: Attempt,
    /// The lease under which it ran.
    pub lease: LeaseId,
    /// Who ran it.
    pub worker: WorkerId,
    /// When the lease was granted.
    pub started: Timestamp,
    /// When and how it ended, if it has.
    pub end: Option<(Timestamp, AttemptEnd)>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptEnd {
    /// Its commit is the task's.
    Committed,
    /// Its commit was the task's, and was withdrawn, since something of it was damaged.
    Withdrawn,
    /// Another attempt's commit came first.
    Superseded,
    /// It failed, and was charged.
    Failed(Failure),
    /// It was given back, free of charge.
    Released(ReleaseReason),
}
