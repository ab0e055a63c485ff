//! From a sweep file's text to a plan that can be launched: parsed, its data found, expanded, and held against the store.

use std::collections::HashMap;

use basin_domain::data;
use basin_domain::id::{DatasetName, TaskId};
use basin_domain::sweep::{Datasets, Plan, Source, SweepError, SweepFile};
use basin_storage::{Commit, StorageError, Store};

/// A plan with what the store already holds of it.
#[derive(Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The digests of its data sets.
    pub datasets: Datasets,
    /// The commits of those of its tasks that are done.
    pub committed: HashMap<TaskId, Commit>,
}

/// Why a sweep can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The sweep file can't be run.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The store can't be read.
    #[error("the store can't be read")]
    Storage(#[from] StorageError),
    /// The store holds several contents under one data set's name.
    #[error("the store has {} different contents of data set {name}: {}", digests.len(), digests.join(", "))]
    AmbiguousDataset {
        /// The data set.
        name: DatasetName,
        /// The beginnings of the digests.
        digests: Vec<String>,
    },
}

impl PrepareError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sweep(error) => error.hint.clone(),
            Self::Storage(error) => {
                error.hint().or_else(|| Some("`basin doctor` checks the store".to_owned()))
            }
            Self::AmbiguousDataset { name, .. } => {
                Some(format!("remove all but one folder of datasets/{name}/ from the store"))
            }
        }
    }
}

/// Parses, finds the data, expands, and looks up what is committed.
///
/// # Errors
/// If the file is wrong, its data isn't there, it is too large, or the store can't be read.
pub async fn prepare(store: &Store, source: &Source, max_tasks: u64) -> Result<Prepared, PrepareError> {
    // A large file takes a while to read, and to expand, which is none of the calls' that are answered meanwhile.
    let read = source.clone();
    let file = elsewhere(move || SweepFile::parse(&read)).await?;
    let datasets = datasets(store, &file).await?;
    let (plan, datasets) = elsewhere(move || (file.expand(&datasets, max_tasks), datasets)).await;
    let plan = plan?;
    let ids: Vec<TaskId> = plan.tasks.iter().map(|task| task.id).collect();
    let committed = store.find_commits(&ids).await?;
    Ok(Prepared { plan, datasets, committed })
}

/// Computes something on a thread that may be busy for long.
async fn elsewhere<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(compute).await {
        Ok(computed) => computed,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends cancels it, and ends this with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The digests of the data sets that a sweep reads, as far as they are to be had.
async fn datasets(store: &Store, file: &SweepFile) -> Result<Datasets, PrepareError> {
    let mut found = Datasets::new();
    let mut wanted = file.datasets();
    wanted.retain(|name| match data::built_in_digest(name.as_str()) {
        Some(digest) => found.insert(name.clone(), digest).is_some(),
        None => true,
    });
    if wanted.is_empty() {
        return Ok(found);
    }
    let stored = store.list_datasets().await?;
    for name in wanted {
        let contents: Vec<_> =
            stored.iter().map(|it| &it.dataset).filter(|dataset| dataset.name == name).collect();
        match contents.as_slice() {
            [] => {}
            [one] => drop(found.insert(name, one.digest)),
            several => {
                let digests = several.iter().map(|dataset| dataset.digest.short()).collect();
                return Err(PrepareError::AmbiguousDataset { name, digests });
            }
        }
    }
    Ok(found)
}
