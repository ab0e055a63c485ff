//! The commit: the one small object that decides which attempt is a task's result.
//!
//! `docs/decisions/0003-commit.md` says which answers of which stores can't be believed, and why this is right all the
//! same.

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use bytes::Bytes;
use object_store::{ObjectStoreExt, PutMode, PutPayload};
use serde::{Deserialize, Serialize};

use crate::commit_state::ObjectVersion;
use crate::self_digest::{self, SelfDigest};
use crate::{Cause, CommitState, ConditionalWrites, Result, Retry, StorageError, Store, backend};

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
    /// What is wrong with them.
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

impl Store {
    /// Commits an attempt whose artifacts and manifest are written, on a store that honours conditional writes.
    ///
    /// May be called again with the same commit at any time, also after an error: it then says what became of it.
    ///
    /// # Errors
    /// [`StorageError::CommitInDoubt`] if the store can't say whether it has the commit: nothing of the attempt may be
    /// deleted then. [`StorageError::Withdrawn`] if it had, and it counts no more. With any other error this call has written nothing, and nothing of it will appear.
    pub async fn commit(&self, commit: &Commit) -> Result<CommitOutcome> {
        let key = key::commit(&commit.task);
        let path = crate::key::path(&key)?;
        let bytes = Bytes::from(commit.to_bytes());
        self.sync_folders_of(&commit.task).await?;
        // Reads back once per write, not with retries of its own: the loop here is the retry.
        let once = self.clone().with_retry(Retry { tries: 1, ..*self.retry() });
        let (mut tries, mut in_doubt) = (0, false);
        // What was withdrawn, and is to be replaced; nothing, where nothing may be there.
        let mut withdrawn: Option<ObjectVersion> = None;
        loop {
            let written = match &withdrawn {
                None => {
                    let payload = PutPayload::from_bytes(bytes.clone());
                    let create = self.objects().put_opts(&path, payload, PutMode::Create.into());
                    self.timed(&key, self.retry().timeout, create).await.map(drop)
                }
                Some(version) => self.replace(&key, version, bytes.to_vec()).await,
            };
            let Err(said) = written else {
                return Ok(CommitOutcome::Committed);
            };
            tries += 1;
            let refused = is_refusal(&said);
            in_doubt |= !refused;
            // Whatever the store said of the write, only what can be read back counts.
            let cause: Cause = match once.read_commit_state_versioned(&commit.task).await {
                Ok((CommitState::Committed(found) | CommitState::CommittedWithoutDigest(found), _)) => {
                    if found != *commit {
                        return Ok(CommitOutcome::Superseded(found));
                    }
                    // In a folder it has its name by now, and the name may not be on disk.
                    match self.sync_names_of(&commit.task).await {
                        Ok(()) => return Ok(CommitOutcome::Committed),
                        Err(error) => error.into(),
                    }
                }
                Ok((CommitState::Withdrawn(note), version)) => {
                    if note.names(&commit.lease) {
                        let (task, lease) = (commit.task, commit.lease.clone());
                        return Err(StorageError::Withdrawn { store: self.url().to_owned(), task, lease });
                    }
                    let is_news = withdrawn.is_none();
                    withdrawn = version;
                    if is_news {
                        continue;
                    }
                    said.into()
                }
                Ok((CommitState::Empty, _)) if refused && !in_doubt => return Err(said),
                Ok((CommitState::Empty, _)) => said.into(),
                // Something else has the key, so that no write of ours can land any more.
                Ok((CommitState::Damaged { why }, _)) => return Err(self.corrupt(&key, why)),
                Err(StorageError::Unavailable { source, .. }) => source,
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
    pub async fn commit_serialised(&self, commit: &Commit) -> Result<CommitOutcome> {
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
                    // As in `commit`: its name may not be on disk.
                    Ok(Some(found)) if found == *commit => match self.sync_names_of(&commit.task).await {
                        Ok(()) => return Ok(CommitOutcome::Committed),
                        Err(error) => {
                            cause = error.into();
                            break;
                        }
                    },
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
                match self.timed(&key, self.retry().timeout, put).await {
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

    /// The commit of a task, if it has one that wasn't withdrawn.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if something else is in its place, and as [`Store::get`].
    pub async fn read_commit(&self, task: &TaskId) -> Result<Option<Commit>> {
        match self.read_commit_state(task).await? {
            CommitState::Committed(commit) | CommitState::CommittedWithoutDigest(commit) => Ok(Some(commit)),
            CommitState::Empty | CommitState::Withdrawn(_) => Ok(None),
            CommitState::Damaged { why } => Err(self.corrupt(&key::commit(task), why)),
        }
    }

    /// Puts the folders above a task's commit on disk, where the store is a folder. See [`backend::sync_to_root`].
    async fn sync_folders_of(&self, task: &TaskId) -> Result<()> {
        self.sync(task, backend::sync_to_root).await
    }

    /// Puts the name of a commit on disk that was there already when it was read back: what wrote it may have failed to.
    async fn sync_names_of(&self, task: &TaskId) -> Result<()> {
        self.sync(task, backend::sync_names).await
    }

    async fn sync(
        &self,
        task: &TaskId,
        sync: impl FnOnce(&std::path::Path, &std::path::Path) -> std::io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let Some(root) = self.folder().map(std::path::Path::to_path_buf) else {
            return Ok(());
        };
        let key = key::task(task);
        let folder = root.join(&key);
        tokio::task::spawn_blocking(move || sync(&folder, &root))
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
