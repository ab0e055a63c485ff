//! Decoded data sets on this machine: fetched or made once, then mapped by every executor.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use basin_domain::causes;
use basin_domain::data::{self, Dataset};
use basin_domain::failure::{Failure, FailureKind};
use basin_experiments::dataset::DatasetError;
use basin_storage::{StorageError, Store};
use tokio::sync::Mutex;

use super::lease::Lease;
use super::outages::Outages;
use super::patience::Patience;

/// The cache folder: `<name>/<digest>/data.basin`.
#[derive(Debug, Clone)]
pub(super) struct DataCache {
    folder: PathBuf,
    store: Store,
    /// One fetch at a time in this process; other processes are met by rename.
    fetching: Arc<Mutex<()>>,
    outages: Arc<Outages>,
}

impl DataCache {
    pub(super) fn new(folder: PathBuf, store: Store, outages: Arc<Outages>) -> Self {
        Self { folder, store, fetching: Arc::default(), outages }
    }

    /// The decoded file of a data set, fetched from the store or made by its recipe if it isn't here yet. Outages of the store,
    /// and of this machine's disk, are waited for.
    pub(super) async fn path(&self, dataset: &Dataset, lease: &Lease) -> Result<PathBuf, NoData> {
        let folder = self.folder.join(dataset.name.as_str()).join(dataset.digest.to_string());
        let path = folder.join("data.basin");
        let _one_at_a_time = self.fetching.lock().await;
        if path.exists() {
            return Ok(path);
        }
        let missing = |error: &StorageError| {
            NoData::Missing(Failure::new(
                FailureKind::MissingData,
                format!(
                    "data set {} ({}): {}",
                    dataset.name,
                    dataset.digest.short(),
                    causes::in_words(error)
                ),
            ))
        };
        let is_made = data::built_in_digest(dataset.name.as_str()) == Some(dataset.digest);
        let patience = Patience::while_leased(lease, &self.outages);
        let file = |source| StorageError::File { path: folder.clone(), source };
        let got = patience.call(|| async {
            tokio::fs::create_dir_all(&folder).await.map_err(file)?;
            match is_made {
                true => make(dataset, &path).await.map(|()| true),
                false => self.store.fetch_dataset(dataset, &path).await.map(drop).map(|()| false),
            }
        });
        match got.await {
            Ok(made) => {
                tracing::info!(dataset = %dataset.name, made, "data set fetched or made");
                Ok(path)
            }
            Err(error) if error.outage().is_some() => Err(NoData::Outage(error)),
            Err(
                error @ (StorageError::NotFound { .. }
                | StorageError::Corrupt { .. }
                | StorageError::File { .. }),
            ) => Err(missing(&error)),
            Err(error) => Err(NoData::Missing(Failure::new(FailureKind::Storage, causes::in_words(&error)))),
        }
    }
}

/// Why a data set isn't here.
#[derive(Debug)]
pub(super) enum NoData {
    /// An outage, which was waited for until the lease had to be given back.
    Outage(StorageError),
    /// It can't be had.
    Missing(Failure),
}

/// Makes a data set by its recipe.
async fn make(dataset: &Dataset, path: &Path) -> Result<(), StorageError> {
    let (name, to) = (dataset.name.clone(), path.to_owned());
    let made = tokio::task::spawn_blocking(move || basin_experiments::dataset::generate(&name, &to)).await;
    let source = match made {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(DatasetError::Write { source, .. } | DatasetError::Read { source, .. })) => source,
        Ok(Err(error)) => io::Error::other(error),
        Err(panic) => io::Error::other(panic),
    };
    Err(StorageError::File { path: path.to_owned(), source })
}
