//! How an attempt writes what it made: to a folder of its own, the manifest last.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use basin_domain::digest::Digest;
use basin_domain::id::{Attempt, LeaseId, TaskId, WorkerId};
use basin_domain::key;
use basin_domain::metrics::Outcome;
use bytes::Bytes;

use crate::key::check_artifact_name;
use crate::{Artifact, Contents, Manifest, Provenance, Result, Store, checkpoint};

/// How many checkpoints of an attempt are kept: the newest, and one more for the case that the newest turns out damaged.
const CHECKPOINTS_KEPT: usize = 2;

/// Writes the objects of one attempt.
#[derive(Debug)]
pub struct AttemptWriter {
    store: Store,
    task: TaskId,
    attempt: Attempt,
    lease: LeaseId,
    artifacts: Mutex<Vec<Artifact>>,
}

/// The fields of a manifest beside the artifacts.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptEnd {
    /// The worker that ran the attempt.
    pub worker: WorkerId,
    /// How it ended.
    pub outcome: Outcome,
    /// Where and how it ran.
    pub provenance: Provenance,
}

impl AttemptWriter {
    /// A writer for this attempt; nothing is written yet.
    pub fn new(store: Store, task: TaskId, attempt: Attempt, lease: LeaseId) -> Self {
        Self { store, task, attempt, lease, artifacts: Mutex::default() }
    }

    /// The folder of the attempt.
    pub fn folder(&self) -> String {
        key::attempt(&self.task, self.attempt, &self.lease)
    }

    /// Writes an artifact, over one of the same name.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn put_artifact(&self, name: &str, bytes: Bytes) -> Result<Artifact> {
        check_artifact_name(name)?;
        let contents = Contents::of(&bytes);
        self.store.put(&format!("{}/{name}", self.folder()), bytes).await?;
        Ok(self.keep(name, contents))
    }

    /// Writes the log, over one that is there. It is no artifact: no manifest lists it, and nothing is proved of it.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn put_log(&self, bytes: Bytes) -> Result<()> {
        self.store.put(&format!("{}/{}", self.folder(), key::LOG), bytes).await
    }

    /// Writes a file's contents as an artifact, without holding a large file in memory. With `expected`, they must have this digest.
    ///
    /// # Errors
    /// [`StorageError::OtherContents`](crate::StorageError::OtherContents) if they haven't, and as [`Store::put_file`].
    pub async fn put_artifact_file(
        &self,
        name: &str,
        file: &Path,
        expected: Option<Digest>,
    ) -> Result<Artifact> {
        check_artifact_name(name)?;
        let contents = self.store.put_file(&format!("{}/{name}", self.folder()), file).await?;
        contents.check_file(file, expected)?;
        Ok(self.keep(name, contents))
    }

    /// Writes a checkpoint, then the note that it is whole; then all but the newest two of this attempt are removed. Numbers
    /// grow over all attempts at a task.
    ///
    /// # Errors
    /// As [`Store::put`]. That an older one could not be removed is no error.
    pub async fn put_checkpoint(&self, number: u64, bytes: Bytes) -> Result<()> {
        let folder = self.folder();
        checkpoint::put(&self.store, &folder, number, bytes).await?;
        self.remove_older_checkpoints(&folder).await;
        Ok(())
    }

    /// Writes a file's contents as a checkpoint, as [`AttemptWriter::put_checkpoint`] does, without holding a large file in
    /// memory. With `expected`, they must have this digest.
    ///
    /// # Errors
    /// [`StorageError::OtherContents`](crate::StorageError::OtherContents) if they haven't, and as [`Store::put_file`].
    pub async fn put_checkpoint_file(
        &self,
        number: u64,
        file: &Path,
        expected: Option<Digest>,
    ) -> Result<()> {
        let folder = self.folder();
        checkpoint::put_file(&self.store, &folder, number, file, expected).await?;
        self.remove_older_checkpoints(&folder).await;
        Ok(())
    }

    async fn remove_older_checkpoints(&self, folder: &str) {
        if let Err(error) = checkpoint::remove_older(&self.store, folder, CHECKPOINTS_KEPT).await {
            tracing::warn!(task = %self.task, %error, "old checkpoints were not removed");
        }
    }

    /// Writes the manifest over all artifacts so far. [`Manifest::commit`] is what [`Store::commit`] then takes.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn finish(&self, ending: AttemptEnd) -> Result<Manifest> {
        let mut artifacts = self.artifacts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        artifacts.sort_by(|a, b| a.name.cmp(&b.name));
        let AttemptEnd { worker, outcome, provenance } = ending;
        let manifest = Manifest {
            task: self.task,
            attempt: self.attempt,
            lease: self.lease.clone(),
            worker,
            outcome,
            artifacts,
            provenance,
        };
        let key = format!("{}/{}", self.folder(), key::MANIFEST);
        self.store.put(&key, manifest.to_bytes().into()).await?;
        Ok(manifest)
    }

    fn keep(&self, name: &str, contents: Contents) -> Artifact {
        let artifact = Artifact { name: name.to_owned(), contents };
        let mut artifacts = self.artifacts.lock().unwrap_or_else(PoisonError::into_inner);
        artifacts.retain(|other| other.name != name);
        artifacts.push(artifact.clone());
        artifact
    }
}
