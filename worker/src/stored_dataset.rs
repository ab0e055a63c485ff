//! A data set out of the store, or made here, opened: for commands that look at one without a worker's cache.

use std::path::Path;

use basin_domain::data::{self, Dataset, Recipe};
use basin_experiments::dataset::DatasetError;
use basin_storage::{StorageError, Store};

/// Why a data set can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDatasetError {
    /// The store can't give it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It can't be made, or its file can't be read.
    #[error(transparent)]
    Data(#[from] DatasetError),
    /// The thread that makes it ended without an answer.
    #[error("making it crashed")]
    Crashed(#[source] tokio::task::JoinError),
}

/// Fetches a data set from the store into `folder`, its digest checked, or makes it there (from `recipe` if it has one), and opens it.
///
/// # Errors
/// If the store hasn't it or can't be read, or the file can't be made or isn't a data set.
pub async fn open_dataset(
    store: &Store,
    dataset: &Dataset,
    recipe: Option<&Recipe>,
    folder: &Path,
) -> Result<basin_experiments::Dataset, OpenDatasetError> {
    let path = folder.join("data.basin");
    let made = recipe.map(Recipe::digest).or_else(|| data::built_in_digest(dataset.name.as_str()));
    if made == Some(dataset.digest) {
        let (name, recipe, to) = (dataset.name.clone(), recipe.copied(), path.clone());
        let generate = move || basin_experiments::dataset::generate(&name, recipe.as_ref(), &to);
        tokio::task::spawn_blocking(generate).await.map_err(OpenDatasetError::Crashed)??;
    } else {
        store.fetch_dataset(dataset, &path).await?;
    }
    Ok(basin_experiments::Dataset::open(&path)?)
}
