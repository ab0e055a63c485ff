//! Decoded data sets on this machine: fetched or made once, then mapped by every executor.

use std::path::PathBuf;
use std::sync::Arc;

use basin_domain::data::{self, Dataset};
use basin_domain::failure::{Failure, FailureKind};
use basin_storage::{StorageError, Store};
use tokio::sync::Mutex;

use super::lease::Lease;
use super::patience::patiently;

/// The cache folder: `<name>/<digest>/data.basin`.
#[derive(Debug, Clone)]
pub(super) struct DataCache {
    folder: PathBuf,
    store: Store,
    /// One fetch at a time in this process; other processes are met by rename.
    fetching: Arc<Mutex<()>>,
}

impl DataCache {
    pub(super) fn new(folder: PathBuf, store: Store) -> Self {
        Self { folder, store, fetching: Arc::default() }
    }

    /// The decoded file of a data set, fetched from the store or made by its recipe if it isn't here yet.
    pub(super) async fn path(&self, dataset: &Dataset, lease: &Lease) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(dataset.name.as_str()).join(dataset.digest.to_string());
        let path = folder.join("data.basin");
        let _one_at_a_time = self.fetching.lock().await;
        if path.exists() {
            return Ok(path);
        }
        let missing = |why: String| {
            Failure::new(
                FailureKind::MissingData,
                format!("data set {} ({}): {why}", dataset.name, dataset.digest.short()),
            )
        };
        std::fs::create_dir_all(&folder)
            .map_err(|error| missing(format!("{}: {error}", folder.display())))?;
        if data::built_in_digest(dataset.name.as_str()) == Some(dataset.digest) {
            let (name, to) = (dataset.name.clone(), path.clone());
            tokio::task::spawn_blocking(move || basin_experiments::dataset::generate(&name, &to))
                .await
                .map_err(|error| missing(error.to_string()))?
                .map_err(|error| missing(error.to_string()))?;
            tracing::info!(dataset = %dataset.name, "data set made");
        } else {
            let fetched = patiently(lease, || self.store.fetch_dataset(dataset, &path)).await;
            fetched.map_err(|error| match error {
                StorageError::NotFound { .. } | StorageError::Corrupt { .. } => missing(error.to_string()),
                error => Failure::new(FailureKind::Storage, error.to_string()),
            })?;
            tracing::info!(dataset = %dataset.name, "data set fetched");
        }
        Ok(path)
    }
}
