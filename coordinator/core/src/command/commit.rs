//! Commits: written, found, decided on, withdrawn.

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, SweepId, TaskId};
use basin_domain::metrics::Outcome;
use serde::{Deserialize, Serialize};

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

/// A task was committed in the store under this lease.
#[derive(Debug, Clone, PartialEq)]
pub struct Complete(pub CommitRecord);

/// A valid commit was found in the store (at launch, or at a lease's expiry): the task is done, whoever did it.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopt(pub CommitRecord);

/// A worker wants a task committed by the coordinator, since the store would let several commits win. Nothing is written
/// before the decision is journalled, and a task has one decision for ever.
///
/// The reply is the document to write, which may be another attempt's; none if the task is committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitDecision {
    /// The commit.
    pub commit: CommitRecord,
    /// The commit as it is written, byte by byte, however often.
    pub document: String,
}

/// The longest document of a decision, in bytes.
pub const DOCUMENT_LIMIT: usize = 4096;

/// Commits were withdrawn in the store, since they, or what they commit, are damaged: their tasks run again.
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
