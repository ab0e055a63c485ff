//! Commits on a store that ignores conditional writes: the coordinator alone writes them, one for each task, for ever.
//!
//! `docs/decisions/0011-stores.md` says why the choice is journalled before anything is written.

use basin_core::command::{Choice, Command, Reply};
use basin_domain::id::TaskId;
use basin_storage::{Commit, CommitMode, CommitOutcome, StorageError};
use tonic::Status;

use super::{Coordinator, completion, refusal, unfitting};

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
        let no_store = |error: StorageError| refusal::no_store(&error);
        // The store is believed, not the caller: what is chosen can't be taken back.
        let manifest = self.store.read_manifest(&commit).await.map_err(no_store)?;
        if manifest.commit().map_err(no_store)? != commit {
            return Err(Status::failed_precondition("the commit is not that of the attempt's manifest"));
        }
        let document = String::from_utf8(commit.to_bytes()).expect("JSON is text");
        let choice = Choice { commit: completion(&commit), document };
        let Reply::Chosen(document) = self.decide(Command::Choose(choice)).await? else {
            return Err(unfitting());
        };
        let counts = match document {
            Some(document) => Some(self.write_chosen(&document).await.map_err(no_store)?),
            None => self.store.read_commit(&commit.task).await.map_err(no_store)?,
        };
        counts.ok_or_else(|| {
            Status::data_loss(format!("the commit of task {} is gone from the store", commit.task))
        })
    }

    /// The commit of a task, if it has one: that of the store, or the one that this coordinator has chosen and, perhaps
    /// in an earlier life, has not come to write.
    ///
    /// # Errors
    /// As [`basin_storage::Store::read_commit`].
    pub async fn commit_of(&self, task: TaskId) -> Result<Option<Commit>, StorageError> {
        if let Some(commit) = self.store.read_commit(&task).await? {
            return Ok(Some(commit));
        }
        let chosen = self.ledger.view(move |ledger| ledger.chosen(&task).map(str::to_owned)).await;
        match chosen {
            Ok(Some(document)) => self.write_chosen(&document).await.map(Some),
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

    async fn write_chosen(&self, document: &str) -> Result<Commit, StorageError> {
        let chosen = Commit::from_bytes(document.as_bytes()).map_err(|error| StorageError::Corrupt {
            store: self.store.url().to_owned(),
            key: "commit.json of the journal".to_owned(),
            why: error.to_string(),
        })?;
        match self.store.commit_serialised(&chosen).await? {
            CommitOutcome::Committed => Ok(chosen),
            CommitOutcome::Superseded(other) => {
                tracing::error!(task = %chosen.task, by = %other.lease, "somebody else writes commits to this store");
                Ok(other)
            }
        }
    }
}
