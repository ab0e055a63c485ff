//! Checkpoints: each an object and a note that it is whole.
//!
//! The object is written first, then its note with size and digest; removal goes the other way round. So a checkpoint
//! without a note was never finished, and one that its note doesn't fit is damaged; neither is ever restored.

use std::path::Path;

use basin_domain::digest::Digest;
use basin_domain::id::TaskId;
use basin_domain::key;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Contents, ListedObject, Result, StorageError, Store, backend};

/// The longest note that makes sense, in bytes.
const NOTE_LIMIT: u64 = 4096;

/// The highest number that a checkpoint can have: a thousand pieces of work a second come to it in thirty thousand years.
const HIGHEST: u64 = 1 << 50;

/// The note of a checkpoint once it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct CheckpointNote {
    /// The number, as the name says it too.
    number: u64,
    #[serde(flatten)]
    contents: Contents,
}

/// The location of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointLocation {
    /// The folder of the attempt that wrote it.
    pub folder: String,
    /// Its number.
    pub number: u64,
}

/// A checkpoint read from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Its number: later checkpoints of a task have larger ones.
    pub number: u64,
    /// The checkpoint, as it was written.
    pub bytes: Bytes,
    /// The folder of the attempt that wrote it.
    pub folder: String,
}

impl Store {
    /// The newest checkpoint of a task, over all attempts, that is whole; older ones where the newest are damaged.
    ///
    /// # Errors
    /// As [`Store::newest_checkpoint_except`].
    pub async fn newest_checkpoint(&self, task: &TaskId) -> Result<Option<StoredCheckpoint>> {
        self.newest_checkpoint_except(task, &[]).await
    }

    /// The newest that is whole of those that aren't among the `refused`: those were read, and could not
    /// be used.
    ///
    /// # Errors
    /// If the store can't be read as a whole: [`StorageError::Unavailable`], [`StorageError::Denied`]. A checkpoint that
    /// can't be read for any other reason is passed over.
    pub async fn newest_checkpoint_except(
        &self,
        task: &TaskId,
        refused: &[CheckpointLocation],
    ) -> Result<Option<StoredCheckpoint>> {
        let mut found = of_folder(self, &key::attempts(task)).await?;
        found.retain(|it| {
            !refused.iter().any(|refused| it.number == refused.number && it.folder == refused.folder)
        });
        found.sort_by(|a, b| b.number.cmp(&a.number).then_with(|| b.folder.cmp(&a.folder)));
        for candidate in found {
            match candidate.read(self).await {
                Ok(bytes) => {
                    let CheckpointCandidate { number, folder, .. } = candidate;
                    return Ok(Some(StoredCheckpoint { number, bytes, folder }));
                }
                Err(error) if is_store_wide(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%task, number = candidate.number, %error, "checkpoint passed over");
                }
            }
        }
        Ok(None)
    }

    /// Removes all checkpoints of a task, and what killed writers left: for a task that is committed.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub async fn remove_checkpoints(&self, task: &TaskId) -> Result<()> {
        let folder = key::attempts(task);
        let mut keys: Vec<String> = self
            .list(&folder)
            .await?
            .into_iter()
            .map(|object| object.key)
            .filter(|key| key.rsplit('/').next().is_some_and(key::is_of_checkpoint))
            .collect();
        // Notes (`.json`) sort before objects (`.safetensors`) of the same number, but not before those of other numbers.
        keys.sort_by_key(|key| !key.ends_with(".json"));
        for key in keys {
            self.delete(&key).await?;
        }
        if let Some(root) = self.folder() {
            let folder = root.join(&folder);
            let removed = tokio::task::spawn_blocking(move || backend::remove_staged(&folder)).await;
            match removed {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(%task, %error, "staged files were not removed"),
                Err(error) => tracing::warn!(%task, %error, "staged files were not removed"),
            }
        }
        Ok(())
    }
}

/// Whether an error is about the store as a whole, and not about one object in it.
const fn is_store_wide(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Unavailable { .. }
            | StorageError::Denied { .. }
            | StorageError::NoBucket { .. }
            | StorageError::NoCredentials { .. }
            | StorageError::NoStore { .. }
    )
}

/// A checkpoint that has a note, before it was looked at.
struct CheckpointCandidate {
    number: u64,
    size: u64,
    folder: String,
}

impl CheckpointCandidate {
    fn object(&self) -> String {
        format!("{}/{}", self.folder, key::checkpoint_name(self.number))
    }

    fn note(&self) -> String {
        format!("{}/{}", self.folder, key::checkpoint_note_name(self.number))
    }

    async fn read(&self, store: &Store) -> Result<Bytes> {
        let object = self.object();
        if self.number > HIGHEST {
            return Err(store.corrupt(&object, "no run comes to its number"));
        }
        let Some((note, _)) = store.read_document::<CheckpointNote>(&self.note(), NOTE_LIMIT).await? else {
            return Err(store.corrupt(&object, "it has no note"));
        };
        if note.number != self.number {
            return Err(store.corrupt(&object, format!("its note is for number {}", note.number)));
        }
        // Before the bytes are fetched: a wrong size may be a very wrong one.
        if note.contents.size != self.size {
            return Err(
                store.corrupt(&object, format!("it has {} bytes, not {}", self.size, note.contents.size))
            );
        }
        store.get_exactly(&object, &note.contents).await
    }
}

/// Writes a checkpoint, then its note.
pub(crate) async fn put(store: &Store, folder: &str, number: u64, bytes: Bytes) -> Result<()> {
    let contents = Contents::of(&bytes);
    store.put(&format!("{folder}/{}", key::checkpoint_name(number)), bytes).await?;
    put_note(store, folder, CheckpointNote { number, contents }).await
}

/// Writes a checkpoint from a file, without holding a large one in memory, then its note: none for a file that hasn't the digest
/// that it should have.
pub(crate) async fn put_file(
    store: &Store,
    folder: &str,
    number: u64,
    file: &Path,
    expected: Option<Digest>,
) -> Result<()> {
    let contents = store.put_file(&format!("{folder}/{}", key::checkpoint_name(number)), file).await?;
    contents.check_file(file, expected)?;
    put_note(store, folder, CheckpointNote { number, contents }).await
}

async fn put_note(store: &Store, folder: &str, note: CheckpointNote) -> Result<()> {
    let number = note.number;
    let note = serde_json::to_vec(&note).expect("a note is plain JSON");
    store.put(&format!("{folder}/{}", key::checkpoint_note_name(number)), note.into()).await
}

/// Removes all but the newest `keep` checkpoints of an attempt.
pub(crate) async fn remove_older(store: &Store, folder: &str, keep: usize) -> Result<()> {
    let mut found = of_folder(store, folder).await?;
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.number));
    for old in found.into_iter().skip(keep) {
        store.delete(&old.note()).await?;
        store.delete(&old.object()).await?;
    }
    Ok(())
}

/// The checkpoints under a folder.
async fn of_folder(store: &Store, folder: &str) -> Result<Vec<CheckpointCandidate>> {
    let listed = store.list(folder).await?;
    Ok(listed
        .into_iter()
        .filter_map(|ListedObject { key, size }| {
            let (folder, name) = key.rsplit_once('/')?;
            let number = key::checkpoint_number(name)?;
            // A name that is not the one this number has (a zero too few, say) is none of ours.
            (key::checkpoint_name(number) == name).then(|| CheckpointCandidate {
                number,
                size,
                folder: folder.to_owned(),
            })
        })
        .collect())
}
