//! Writing a commit: by a condition that lets one of many writers win, or, where the store ignores conditions, by the only one
//! who writes.
//!
//! `docs/decisions/0003-commit.md` says which answers of which stores can't be believed, and why this is right all the
//! same. Both ways share one rule: whatever the store says of a write, only what can be read back counts.

use std::path::Path;

use basin_domain::id::TaskId;
use basin_domain::key;
use bytes::Bytes;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

use crate::call_span::CallSpan;
use crate::commit_state::ObjectVersion;
use crate::{
    Cause, Commit, CommitOutcome, CommitState, Result, Retry, StorageError, Store, StoreCall, WithdrawalNote,
    backend,
};

impl Store {
    /// Commits an attempt whose artifacts and manifest are written, on a store that honours conditional writes.
    ///
    /// May be called again with the same commit at any time, also after an error: it then says what became of it.
    ///
    /// # Errors
    /// [`StorageError::CommitInDoubt`] if the store can't say whether it has the commit: nothing of the attempt may be
    /// deleted then. [`StorageError::Withdrawn`] if it had, and it counts no more. With any other error this call has written nothing, and nothing of it will appear.
    pub async fn commit(&self, commit: &Commit) -> Result<CommitOutcome> {
        let span = CallSpan::begin("store.commit", &key::commit(&commit.task));
        span.follow(self.write_under_conditions(commit)).await
    }

    async fn write_under_conditions(&self, commit: &Commit) -> Result<CommitOutcome> {
        let mut write = CommitWrite::begin(self, commit).await?;
        // The withdrawn note that is to be replaced; none, where nothing may be there.
        let mut withdrawn: Option<ObjectVersion> = None;
        loop {
            let Err(said) = write.write_if_absent_or(withdrawn.as_ref()).await else {
                return Ok(CommitOutcome::Committed);
            };
            let refused = is_refusal(&said);
            write.in_doubt |= !refused;
            let cause: Cause = match write.look().await {
                Ok(Seen::Ours) => match write.settle().await {
                    Ok(outcome) => return Ok(outcome),
                    Err(cause) => cause,
                },
                Ok(Seen::Other(found)) => return Ok(CommitOutcome::Superseded(found)),
                Ok(Seen::Note(note, _)) if note.names(&commit.lease) => {
                    let (task, lease) = (commit.task, commit.lease.clone());
                    return Err(StorageError::Withdrawn { store: self.url().to_owned(), task, lease });
                }
                Ok(Seen::Note(_, version)) => {
                    let is_news = withdrawn.is_none();
                    withdrawn = version;
                    if is_news {
                        write.tries += 1;
                        continue;
                    }
                    said.into()
                }
                Ok(Seen::Nothing) if refused && !write.in_doubt => return Err(said),
                Ok(Seen::Nothing) => said.into(),
                // Something else has the key, so that no write of ours can land any more.
                Err(error @ StorageError::Corrupt { .. }) => return Err(error),
                Err(StorageError::Unavailable { source, .. }) => source,
                Err(_) if refused && !write.in_doubt => return Err(said),
                Err(error) => error.into(),
            };
            write.wait_or_give_up(cause).await?;
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
        let span = CallSpan::begin("store.commit", &key::commit(&commit.task));
        span.follow(self.write_alone(commit)).await
    }

    async fn write_alone(&self, commit: &Commit) -> Result<CommitOutcome> {
        let mut write = CommitWrite::begin(self, commit).await?;
        loop {
            let mut cause: Cause = "it was written, and is not there".into();
            // Looked at before and after: what is there is never written over, and only what is there counts.
            for is_written in [false, true] {
                match write.look().await {
                    Ok(Seen::Ours) => match write.settle().await {
                        Ok(outcome) => return Ok(outcome),
                        Err(unsettled) => {
                            cause = unsettled;
                            break;
                        }
                    },
                    Ok(Seen::Other(found)) => return Ok(CommitOutcome::Superseded(found)),
                    Ok(Seen::Nothing | Seen::Note(..)) if is_written => break,
                    Ok(Seen::Nothing | Seen::Note(..)) => {}
                    Err(StorageError::Unavailable { source, .. }) => {
                        cause = source;
                        break;
                    }
                    Err(error) if write.in_doubt || is_written => {
                        cause = error.into();
                        break;
                    }
                    Err(error) => return Err(error),
                }
                match write.write_over().await {
                    Ok(()) => {}
                    Err(error) if is_refusal(&error) && !write.in_doubt => return Err(error),
                    Err(error) => cause = error.into(),
                }
                write.in_doubt = true;
            }
            write.wait_or_give_up(cause).await?;
        }
    }
}

/// The content of a commit's place while it is being written.
enum Seen {
    /// Nothing.
    Nothing,
    /// That commit.
    Ours,
    /// Another attempt's.
    Other(Commit),
    /// The note that what was there counts no more.
    Note(WithdrawalNote, Option<ObjectVersion>),
}

/// A commit that is being written.
struct CommitWrite<'a> {
    store: &'a Store,
    /// The store without retries of its own: the loop around it is the retry.
    once: Store,
    commit: &'a Commit,
    key: String,
    path: object_store::path::Path,
    bytes: Bytes,
    tries: u32,
    /// A write may have landed, or may yet.
    in_doubt: bool,
}

impl<'a> CommitWrite<'a> {
    async fn begin(store: &'a Store, commit: &'a Commit) -> Result<Self> {
        let key = key::commit(&commit.task);
        let path = crate::key::path(&key)?;
        let bytes = Bytes::from(commit.to_bytes());
        store.sync(&commit.task, backend::sync_to_root).await?;
        let once = store.clone().with_retry(Retry { tries: 1, ..*store.retry() });
        Ok(Self { store, once, commit, key, path, bytes, tries: 0, in_doubt: false })
    }

    /// One try to write it where nothing is, or in place of what was withdrawn.
    async fn write_if_absent_or(&self, withdrawn: Option<&ObjectVersion>) -> Result<()> {
        let Self { store, key, path, bytes, .. } = self;
        match withdrawn {
            None => {
                let payload = PutPayload::from_bytes(bytes.clone());
                let create = store.objects().put_opts(path, payload, PutMode::Create.into());
                store.timed(StoreCall::Put, key, store.retry().timeout, create).await.map(drop)
            }
            Some(version) => store.replace(key, version, bytes.to_vec()).await,
        }
    }

    /// One try to write it over whatever is there.
    async fn write_over(&self) -> Result<()> {
        let put = self.store.objects().put(&self.path, PutPayload::from_bytes(self.bytes.clone()));
        let timeout = self.store.retry().timeout;
        self.store.timed(StoreCall::Put, &self.key, timeout, put).await.map(drop)
    }

    /// The present content of its key.
    async fn look(&self) -> Result<Seen> {
        Ok(match self.once.read_commit_state_versioned(&self.commit.task).await? {
            (CommitState::Empty, _) => Seen::Nothing,
            (CommitState::Committed(found) | CommitState::CommittedWithoutDigest(found), _) => {
                if found == *self.commit { Seen::Ours } else { Seen::Other(found) }
            }
            (CommitState::Withdrawn(note), version) => Seen::Note(note, version),
            (CommitState::Damaged { why }, _) => return Err(self.store.corrupt(&self.key, why)),
        })
    }

    /// It was read back. In a folder it has its name by now, and the name may not be on disk: what wrote it may have failed to
    /// put it there.
    async fn settle(&self) -> Result<CommitOutcome, Cause> {
        let synced = self.store.sync(&self.commit.task, backend::sync_names).await;
        synced.map(|()| CommitOutcome::Committed).map_err(Cause::from)
    }

    /// Waits for the next try.
    ///
    /// # Errors
    /// [`StorageError::CommitInDoubt`] if there is none.
    async fn wait_or_give_up(&mut self, cause: Cause) -> Result<()> {
        self.tries += 1;
        let (task, tries) = (self.commit.task, self.tries);
        tracing::debug!(%task, tries, error = %cause, "commit not seen yet");
        if self.store.retry().wait_after(tries).await {
            return Ok(());
        }
        let store = self.store.url().to_owned();
        Err(StorageError::CommitInDoubt { store, task, tries, source: cause })
    }
}

impl Store {
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
    async fn sync(
        &self,
        task: &TaskId,
        sync: impl FnOnce(&Path, &Path) -> std::io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let key = key::task(task);
        self.sync_folder(&key, sync).await.map_err(|error| self.unavailable(&key, error.into()))
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
