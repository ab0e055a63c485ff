//! The commit: the one small object that decides which attempt is a task's result.
//!
//! How it is written is in `commit_write`.

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::metrics::Outcome;
use serde::{Deserialize, Serialize};

use crate::ConditionalWrites;
use crate::self_digest::{self, SelfDigest};

/// The longest commit that makes sense, in bytes.
pub(crate) const COMMIT_LIMIT: u64 = 64 << 10;

/// Says whose attempt is the task's result. There is at most one a task, and it changes only where it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: Attempt,
    /// The lease under which it ran.
    pub lease: LeaseId,
    /// The worker that ran it.
    pub worker: WorkerId,
    /// The digest of the attempt's manifest.
    pub manifest: Digest,
    /// How the run ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The digest of the metrics.
    pub metrics: Digest,
    /// The digest of the result.
    pub result: Digest,
}

/// The bytes aren't those of a commit.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCommit {
    /// They aren't JSON, or fields are missing or wrong.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// They have changed since they were written.
    #[error("its bytes don't have the digest that it carries")]
    Changed,
}

impl Commit {
    /// A commit from the bytes that are stored. One that carries the digest of its bytes has to have it; one of before
    /// commits carried one has to be written as they were.
    ///
    /// # Errors
    /// The defect in them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCommit> {
        let commit: Self = serde_json::from_slice(bytes)?;
        match self_digest::check(bytes) {
            SelfDigest::Valid(_) => Ok(commit),
            SelfDigest::Absent if self_digest::encode_without(&commit) == bytes => Ok(commit),
            SelfDigest::Absent | SelfDigest::Mismatch => Err(InvalidCommit::Changed),
        }
    }

    /// The bytes that are stored: the same for the same commit, so that writing it twice is writing it once. They carry
    /// their own digest.
    pub fn to_bytes(&self) -> Vec<u8> {
        self_digest::encode(self)
    }

    /// The digest of all that it says: the one that its bytes carry.
    pub fn digest(&self) -> Digest {
        self_digest::digest(self)
    }
}

/// How a commit went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The attempt is the task's result.
    Committed,
    /// Another attempt is, by this commit.
    Superseded(Commit),
}

/// Who writes commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitMode {
    /// Workers, by a conditional write: the store lets one win.
    Conditional,
    /// The coordinator alone, one after the other: the store would let several win.
    Serialised,
}

impl From<ConditionalWrites> for CommitMode {
    fn from(writes: ConditionalWrites) -> Self {
        match writes {
            ConditionalWrites::Honoured => Self::Conditional,
            ConditionalWrites::Ignored => Self::Serialised,
        }
    }
}
