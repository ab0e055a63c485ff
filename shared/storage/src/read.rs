//! Reading what was committed: nothing is handed out whose size and digest aren't the recorded ones.

use std::path::Path;

use basin_domain::digest::Digest;
use basin_domain::key;
use basin_domain::metrics::Metrics;
use bytes::Bytes;

use crate::{Artifact, Commit, Contents, Manifest, Result, StorageError, Store, metrics};

/// The longest manifest that makes sense, in bytes.
const MANIFEST_LIMIT: u64 = 16 << 20;

impl Store {
    /// The manifest of a committed attempt.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if it isn't the one that was committed, and as [`Store::get`].
    pub async fn read_manifest(&self, commit: &Commit) -> Result<Manifest> {
        let folder = key::attempt(&commit.task, commit.attempt, &commit.lease);
        let key = format!("{folder}/{}", key::MANIFEST);
        let Some((manifest, bytes)) = self.read_document::<Manifest>(&key, MANIFEST_LIMIT).await? else {
            return Err(StorageError::NotFound { store: self.url().to_owned(), key });
        };
        self.check_digest(&key, &bytes, commit.manifest)?;
        if manifest.folder() != folder {
            return Err(self.corrupt(&key, format!("it belongs to {}", manifest.folder())));
        }
        Ok(manifest)
    }

    /// An artifact of an attempt.
    ///
    /// # Errors
    /// [`StorageError::MissingArtifact`] if the manifest has none of this name, [`StorageError::Corrupt`] if size or
    /// digest differ, and as [`Store::get`].
    pub async fn read_artifact(&self, manifest: &Manifest, name: &str) -> Result<Bytes> {
        let artifact = wanted(manifest, name)?;
        self.get_exactly(&format!("{}/{name}", manifest.folder()), &artifact.contents).await
    }

    /// An artifact of an attempt, into a file; see [`Store::download`]. Gives whether anything was fetched.
    ///
    /// # Errors
    /// As [`Store::read_artifact`], and [`StorageError::File`].
    pub async fn fetch_artifact(&self, manifest: &Manifest, name: &str, to: &Path) -> Result<bool> {
        let artifact = wanted(manifest, name)?;
        self.download(&format!("{}/{name}", manifest.folder()), &artifact.contents, to).await
    }

    /// The metrics of a committed run. The manifest isn't needed for it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if the metrics aren't the committed ones, and as [`Store::get`].
    pub async fn read_metrics(&self, commit: &Commit) -> Result<Metrics> {
        let (key, bytes) = self.read_of_commit(commit, key::METRICS, commit.metrics).await?;
        metrics::decode(&bytes).map_err(|error| self.corrupt(&key, error.to_string()))
    }

    /// The final weights and recorded tensors of a committed run. The manifest isn't needed for it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if the result isn't the committed one, and as [`Store::get`].
    pub async fn read_result(&self, commit: &Commit) -> Result<Bytes> {
        Ok(self.read_of_commit(commit, key::RESULT, commit.result).await?.1)
    }

    async fn read_of_commit(&self, commit: &Commit, name: &str, digest: Digest) -> Result<(String, Bytes)> {
        let key = format!("{}/{name}", key::attempt(&commit.task, commit.attempt, &commit.lease));
        let bytes = self.get(&key).await?;
        self.check_digest(&key, &bytes, digest)?;
        Ok((key, bytes))
    }

    /// Reads an object whose contents are known.
    pub(crate) async fn get_exactly(&self, key: &str, expected: &Contents) -> Result<Bytes> {
        let admit = |size| match size == expected.size {
            true => Ok(()),
            false => Err(self.corrupt(key, format!("it has {size} bytes, not {}", expected.size))),
        };
        let bytes = self.get_sized(key, admit).await?;
        self.check_digest(key, &bytes, expected.digest)?;
        Ok(bytes)
    }

    fn check_digest(&self, key: &str, bytes: &[u8], expected: Digest) -> Result<()> {
        let expected = Contents { size: bytes.len() as u64, digest: expected };
        match expected.differ_from(&Contents::of(bytes)) {
            None => Ok(()),
            Some(why) => Err(self.corrupt(key, why)),
        }
    }
}

fn wanted<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a Artifact> {
    manifest
        .artifact(name)
        .ok_or_else(|| StorageError::MissingArtifact { task: manifest.task, name: name.to_owned() })
}
