//! Commits on a store that ignores conditional writes: the coordinator alone writes them, one for each task, for ever.
//!
//! `docs/decisions/0011-stores.md` says why the decision is journalled before anything is written.

use basin_core::command::CommitDecision;
use basin_domain::id::TaskId;
use basin_storage::{Commit, CommitMode, CommitOutcome, StorageError};
use tonic::Status;

use super::{Coordinator, commit_record, refusal};

impl Coordinator {
    /// Commits for a worker, and gives the commit that counts: the one asked for, or one that was before it.
    ///
    /// # Errors
    /// If the attempt isn't what the store has, its lease isn't live, or the store doesn't answer.
    pub(super) async fn commit(&self, commit: Commit) -> Result<Commit, Status> {
        match self.commits {
            CommitMode::Serialised => {}
            CommitMode::Conditional => {
                return Err(Status::failed_precondition("workers write commits to this store themselves"));
            }
        }
        // The store is believed, not the caller: what is decided can't be taken back.
        let manifest = self.store.read_manifest(&commit).await.map_err(refusal::store_error)?;
        if manifest.commit().map_err(refusal::store_error)? != commit {
            return Err(Status::failed_precondition("the commit is not that of the attempt's manifest"));
        }
        let document = String::from_utf8(commit.to_bytes()).expect("JSON is text");
        let decision = CommitDecision { commit: commit_record(&commit), document };
        let counts = match self.decide(decision).await? {
            Some(document) => Some(self.write_decided(&document).await.map_err(refusal::store_error)?),
            None => self.store.read_commit(&commit.task).await.map_err(refusal::store_error)?,
        };
        counts.ok_or_else(|| {
            Status::data_loss(format!("the commit of task {} is gone from the store", commit.task))
        })
    }

    /// The commit of a task, if it has one: that of the store, or the one that this coordinator has decided on and, perhaps
    /// in an earlier life, has not come to write.
    ///
    /// # Errors
    /// As [`basin_storage::Store::read_commit`].
    pub async fn commit_of(&self, task: TaskId) -> Result<Option<Commit>, StorageError> {
        if let Some(commit) = self.store.read_commit(&task).await? {
            return Ok(Some(commit));
        }
        let decided = self.ledger.view(move |ledger| ledger.decided_commit(&task).map(str::to_owned)).await;
        match decided {
            Ok(Some(document)) => self.write_decided(&document).await.map(Some),
            Ok(None) => Ok(None),
            // The ledger has stopped, and this coordinator with it: the next one looks again.
            Err(error) => Err(StorageError::CommitInDoubt {
                store: self.store.url().to_owned(),
                task,
                tries: 0,
                source: error.into(),
            }),
        }
    }

    async fn write_decided(&self, document: &str) -> Result<Commit, StorageError> {
        let decided = Commit::from_bytes(document.as_bytes()).map_err(|error| StorageError::Corrupt {
            store: self.store.url().to_owned(),
            key: "commit.json of the journal".to_owned(),
            why: error.to_string(),
        })?;
        match self.store.commit_serialised(&decided).await? {
            CommitOutcome::Committed => Ok(decided),
            CommitOutcome::Superseded(other) => {
                tracing::error!(task = %decided.task, by = %other.lease, "somebody else writes commits to this store");
                Ok(other)
            }
        }
    }
}
