//! The commit: the one small object that decides which attempt is a task's result.
//!
//! `docs/decisions/0003-commit.md` says which answers of which stores can't be believed, and why this is right all the
//! same.

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::record::Outcome;
use bytes::Bytes;
use object_store::{ObjectStoreExt, PutMode, PutPayload};
use serde::{Deserialize, Serialize};

use crate::{Cause, ConditionalWrites, Result, Retry, StorageError, Store, backend};

/// The longest commit that makes sense, in bytes.
const COMMIT_LIMIT: u64 = 64 << 10;

/// Says whose attempt is the task's result. There is at most one a task, and it never changes.
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

impl Commit {
    /// A commit from the bytes that are stored.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The bytes that are stored: the same for the same commit, so that writing it twice is writing it once.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a commit has text keys only");
        bytes.push(b'\n');
        bytes
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

impl Store {
    /// Commits an attempt whose artifacts and manifest are written, on a store that honours conditional writes.
    ///
    /// May be called again with the same commit at any time, also after an error: it then says what became of it.
    ///
    /// # Errors
    /// [`StorageError::CommitInDoubt`] if the store can't say whether it has the commit: nothing of the attempt may be
    /// deleted then. With any other error this call has written nothing, and nothing of it will appear.
    pub async fn commit(&self, commit: &Commit) -> Result<CommitOutcome> {
        let key = key::commit(&commit.task);
        let path = crate::key::path(&key)?;
        let bytes = Bytes::from(commit.to_bytes());
        self.sync_folders_of(&commit.task).await?;
        // Reads back once per write, not with retries of its own: the loop here is the retry.
        let once = self.clone().with_retry(Retry { tries: 1, ..*self.retry() });
        let (mut tries, mut in_doubt) = (0, false);
        loop {
            let create =
                self.objects().put_opts(&path, PutPayload::from_bytes(bytes.clone()), PutMode::Create.into());
            let Err(said) = self.timed(&key, self.retry().patience, create).await else {
                return Ok(CommitOutcome::Committed);
            };
            tries += 1;
            let refused = is_refusal(&said);
            in_doubt |= !refused;
            // Whatever the store said of the write, only what can be read back counts.
            let cause: Cause = match once.read_commit(&commit.task).await {
                Ok(Some(found)) if found == *commit => return Ok(CommitOutcome::Committed),
                Ok(Some(found)) => return Ok(CommitOutcome::Superseded(found)),
                Ok(None) if refused && !in_doubt => return Err(said),
                Ok(None) => said.into(),
                Err(StorageError::Unavailable { source, .. }) => source,
                // Something else has the key, so that no write of ours can land any more.
                Err(error @ StorageError::Corrupt { .. }) => return Err(error),
                Err(_) if refused && !in_doubt => return Err(said),
                Err(error) => error.into(),
            };
            tracing::debug!(task = %commit.task, tries, error = %cause, "commit not seen yet");
            if !self.retry().wait_after(tries).await {
                let store = self.url().to_owned();
                return Err(StorageError::CommitInDoubt { store, task: commit.task, tries, source: cause });
            }
        }
    }

    /// Commits an attempt on a store that ignores conditions, for the only one who writes this task's commit.
    ///
    /// The caller has to see to it that nobody ever gives another commit of the same task to this call, not even after an
    /// error or a restart: a write that was given up may land at any time.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_alone(&self, commit: &Commit) -> Result<CommitOutcome> {
        let key = key::commit(&commit.task);
        let path = crate::key::path(&key)?;
        let bytes = Bytes::from(commit.to_bytes());
        self.sync_folders_of(&commit.task).await?;
        let once = self.clone().with_retry(Retry { tries: 1, ..*self.retry() });
        let (mut tries, mut in_doubt) = (0, false);
        loop {
            let mut cause: Cause = "it was written, and is not there".into();
            // Looked at before and after: what is there is never written over, and only what is there counts.
            for is_written in [false, true] {
                match once.read_commit(&commit.task).await {
                    Ok(Some(found)) if found == *commit => return Ok(CommitOutcome::Committed),
                    Ok(Some(found)) => return Ok(CommitOutcome::Superseded(found)),
                    Ok(None) if is_written => break,
                    Ok(None) => {}
                    Err(StorageError::Unavailable { source, .. }) => {
                        cause = source;
                        break;
                    }
                    Err(error) if in_doubt || is_written => {
                        cause = error.into();
                        break;
                    }
                    Err(error) => return Err(error),
                }
                let put = self.objects().put(&path, PutPayload::from_bytes(bytes.clone()));
                match self.timed(&key, self.retry().patience, put).await {
                    Ok(_) => {}
                    Err(error) if is_refusal(&error) && !in_doubt => return Err(error),
                    Err(error) => cause = error.into(),
                }
                in_doubt = true;
            }
            tries += 1;
            tracing::debug!(task = %commit.task, tries, error = %cause, "commit not seen yet");
            if !self.retry().wait_after(tries).await {
                let store = self.url().to_owned();
                return Err(StorageError::CommitInDoubt { store, task: commit.task, tries, source: cause });
            }
        }
    }

    /// The commit of a task, if it has one.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if something else is in its place, and as [`Store::get`].
    pub async fn read_commit(&self, task: &TaskId) -> Result<Option<Commit>> {
        let key = key::commit(task);
        let Some((commit, _)) = self.read_document::<Commit>(&key, COMMIT_LIMIT).await? else {
            return Ok(None);
        };
        if commit.task != *task {
            return Err(self.corrupt(&key, format!("it commits task {}", commit.task)));
        }
        Ok(Some(commit))
    }

    /// Puts the folders above a task's commit on disk, where the store is a folder. See [`backend::sync_to_root`].
    async fn sync_folders_of(&self, task: &TaskId) -> Result<()> {
        let Some(root) = self.folder().map(std::path::Path::to_path_buf) else {
            return Ok(());
        };
        let key = key::task(task);
        let folder = root.join(&key);
        tokio::task::spawn_blocking(move || backend::sync_to_root(&folder, &root))
            .await
            .map_err(std::io::Error::other)
            .and_then(|synced| synced)
            .map_err(|source| StorageError::Unavailable {
                store: self.url().to_owned(),
                key,
                tries: 1,
                source: source.into(),
            })
    }
}

/// Whether an error means that this try wrote nothing and won't.
fn is_refusal(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Denied { .. }
            | StorageError::Full { .. }
            | StorageError::NotSupported { .. }
            | StorageError::InvalidKey { .. }
            | StorageError::NotFound { .. }
            | StorageError::NoBucket { .. }
            | StorageError::NoCredentials { .. }
            | StorageError::Refused { .. }
    )
}
