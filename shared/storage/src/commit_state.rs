//! The content of a task's commit key: nothing, a commit, or the note that what was there counts no more.

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::key;
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};

use crate::commit::COMMIT_LIMIT;
use crate::self_digest::{self, SelfDigest};
use crate::{Commit, Contents, Result, StorageError, Store, StoreCall};

/// The content of a task's commit key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitState {
    /// Nothing.
    Empty,
    /// A commit, every byte of which is proved by the digest that it carries.
    Committed(Commit),
    /// A commit of before commits carried a digest; its fields are proved by its manifest.
    CommittedWithoutDigest(Commit),
    /// A commit was withdrawn; the next attempt's commit takes its place.
    Withdrawn(WithdrawalNote),
    /// Something that is neither.
    Damaged {
        /// The defect.
        why: String,
    },
}

/// The note in a commit's place that what was there counts no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalNote {
    /// The task.
    pub task: TaskId,
    /// The attempts whose commits were withdrawn, as far as what was there could be read. None of them commits again.
    pub withdrawn: Vec<WithdrawnAttempt>,
    /// The damage, for people.
    pub reasons: Vec<String>,
}

/// An attempt whose commit was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WithdrawnAttempt {
    /// Its number.
    pub attempt: Attempt,
    /// Its lease.
    pub lease: LeaseId,
}

impl WithdrawalNote {
    /// Whether the commit under this lease was withdrawn.
    pub fn names(&self, lease: &LeaseId) -> bool {
        self.withdrawn.iter().any(|attempt| attempt.lease == *lease)
    }

    /// The bytes that are stored.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self_digest::encode(self)
    }
}

impl CommitState {
    /// The commit, if there is one.
    pub fn commit(&self) -> Option<&Commit> {
        match self {
            Self::Committed(commit) | Self::CommittedWithoutDigest(commit) => Some(commit),
            Self::Empty | Self::Withdrawn(_) | Self::Damaged { .. } => None,
        }
    }

    /// The meaning of these bytes in the place of `task`'s commit.
    fn of(task: &TaskId, bytes: &[u8]) -> Self {
        let damaged = |why: String| Self::Damaged { why };
        let of_another = |other: &TaskId| damaged(format!("it is of task {other}"));
        let digest = self_digest::check(bytes);
        if let (SelfDigest::Valid(_), Ok(withdrawn)) =
            (digest, serde_json::from_slice::<WithdrawalNote>(bytes))
        {
            return if withdrawn.task == *task {
                Self::Withdrawn(withdrawn)
            } else {
                of_another(&withdrawn.task)
            };
        }
        match Commit::from_bytes(bytes) {
            Err(error) => damaged(error.to_string()),
            Ok(commit) if commit.task != *task => damaged(format!("it commits task {}", commit.task)),
            Ok(commit) => match digest {
                SelfDigest::Valid(_) => Self::Committed(commit),
                SelfDigest::Absent | SelfDigest::Mismatch => Self::CommittedWithoutDigest(commit),
            },
        }
    }
}

/// The version of the bytes at a key, which are replaced under the condition that it is still they.
#[derive(Debug, Clone)]
pub(crate) struct ObjectVersion {
    pub(crate) store_version: UpdateVersion,
    /// The bytes' digest; none of what is too long to be read.
    pub(crate) digest: Option<Digest>,
}

impl Store {
    /// The content of a task's commit key.
    ///
    /// # Errors
    /// As [`Store::get`], but neither absence nor damage is one.
    pub async fn read_commit_state(&self, task: &TaskId) -> Result<CommitState> {
        self.read_commit_state_versioned(task).await.map(|(state, _)| state)
    }

    /// The same with the version, if anything is there.
    pub(crate) async fn read_commit_state_versioned(
        &self,
        task: &TaskId,
    ) -> Result<(CommitState, Option<ObjectVersion>)> {
        let key = key::commit(task);
        let (bytes, store_version) = match self.get_versioned(&key, COMMIT_LIMIT).await {
            Err(StorageError::NotFound { .. }) => return Ok((CommitState::Empty, None)),
            found => found?,
        };
        match bytes {
            Ok(bytes) => {
                let version = ObjectVersion { store_version, digest: Some(Digest::of(&bytes)) };
                Ok((CommitState::of(task, &bytes), Some(version)))
            }
            Err(size) => {
                let why = format!("it has {size} bytes, and at most {COMMIT_LIMIT} make sense");
                Ok((CommitState::Damaged { why }, Some(ObjectVersion { store_version, digest: None })))
            }
        }
    }

    /// Writes `bytes` where the `expected` ones lie, and nothing if others do: one of several that replace the same bytes
    /// has its way.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] if others lie there now; any error but a refusal leaves open whether it was done.
    pub(crate) async fn replace(&self, key: &str, expected: &ObjectVersion, bytes: Vec<u8>) -> Result<()> {
        let path = crate::key::path(key)?;
        if let Some(root) = self.folder() {
            let (file, digest) = (root.join(key), expected.digest);
            let replaced =
                self.on_blocking_thread(key, move || crate::backend::replace_file(&file, digest, &bytes));
            let replaced = async {
                match replaced.await? {
                    true => Ok(()),
                    false => Err(StorageError::AlreadyExists {
                        store: self.url().to_owned(),
                        key: key.to_owned(),
                        source: "other bytes lie there by now".into(),
                    }),
                }
            };
            return self.measured(StoreCall::Put, replaced).await;
        }
        let put = self.objects().put_opts(
            &path,
            bytes.into(),
            object_store::PutMode::Update(expected.store_version.clone()).into(),
        );
        self.timed(StoreCall::Put, key, self.retry().timeout, put).await.map(drop)
    }

    /// Whether an object is replaced only where it is still the one that was read: asked of the store.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub(crate) async fn replaces_under_condition(&self) -> Result<bool> {
        if self.folder().is_some() {
            return Ok(true);
        }
        let key = format!("{}/{}-replace", key::PROBES, uuid::Uuid::new_v4());
        let verdict = self.try_replacing(&key).await;
        let removed = self.delete(&key).await;
        let verdict = verdict?;
        removed?;
        Ok(verdict)
    }

    async fn try_replacing(&self, key: &str) -> Result<bool> {
        let mut versions = Vec::new();
        for text in ["one", "two"] {
            self.put(key, text.into()).await?;
            let (_, store_version) = self.get_versioned(key, COMMIT_LIMIT).await?;
            versions.push(ObjectVersion { store_version, digest: Some(Digest::of(text.as_bytes())) });
        }
        for (version, text) in versions.iter().zip(["wrong", "right"]) {
            match self.replace(key, version, text.into()).await {
                Ok(()) | Err(StorageError::AlreadyExists { .. }) => {}
                Err(
                    StorageError::NotSupported { .. }
                    | StorageError::Refused { .. }
                    | StorageError::Denied { .. },
                ) => return Ok(false),
                Err(error) => return Err(error),
            }
            if self.get(key).await? == "wrong" {
                return Ok(false);
            }
        }
        Ok(self.get(key).await? == "right")
    }

    /// Size and digest of what lies at a key, if anything does.
    pub(crate) async fn contents_if_there(&self, key: &str) -> Result<Option<Contents>> {
        match self.contents(key).await {
            Err(StorageError::NotFound { .. }) => Ok(None),
            contents => contents.map(Some),
        }
    }
}
