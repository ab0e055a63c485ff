//! A committed task trained again, from nothing, to be held against its commit byte by byte.
//!
//! Everything comes from the store, each object checked against its digest; no cache and no checkpoint of this machine is
//! believed. [`Original::find`] reads the commit, [`train`] trains, [`Comparison::of`] compares.

mod comparison;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use basin_domain::error_chain;
use basin_domain::id::TaskId;
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;
use basin_domain::worker::Progress;
use basin_experiments::kind::Kinds;
use basin_experiments::{Advance, Assets, ExperimentError, Finished};
use basin_storage::{Commit, Manifest, StorageError, Store};
use bytes::Bytes;

use crate::stored_dataset::{OpenDatasetError, open_dataset};
pub use comparison::{Comparison, Difference};

/// A committed task as the store has it.
#[derive(Debug, Clone)]
pub struct Original {
    /// The commit.
    pub commit: Commit,
    /// The committed attempt, with its provenance.
    pub manifest: Manifest,
    /// The task's measurements.
    pub metrics: Metrics,
    /// The task's weights and recorded tensors, as safetensors.
    pub result: Bytes,
}

/// Why a task can't be trained again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Nothing was committed that a replay could be compared with.
    #[error("task {0} has no commit")]
    NotCommitted(TaskId),
    /// A task whose result this one reads has no commit.
    #[error("its input {name} (task {input}) has no commit")]
    MissingInput {
        /// The name under which it is read.
        name: String,
        /// The task that makes it.
        input: TaskId,
    },
    /// The store can't be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The data set can't be opened or made.
    #[error("data set {name}: {why}")]
    Data {
        /// The data set.
        name: String,
        /// The reason.
        why: String,
    },
    /// The training failed.
    #[error("the training failed")]
    Training(#[from] ExperimentError),
    /// The thread that trains ended without an answer.
    #[error("the training crashed")]
    Crashed(#[source] io::Error),
    /// It was told to stop.
    #[error("it was stopped")]
    Stopped,
}

impl Original {
    /// Reads what a task committed.
    ///
    /// # Errors
    /// [`ReplayError::NotCommitted`], and [`ReplayError::Storage`] if something of it is damaged or can't be read.
    pub async fn find(store: &Store, task: &TaskId) -> Result<Self, ReplayError> {
        let commit = store.read_commit(task).await?.ok_or(ReplayError::NotCommitted(*task))?;
        let manifest = store.read_manifest(&commit).await?;
        let metrics = store.read_metrics(&commit).await?;
        let result = store.read_result(&commit).await?;
        Ok(Self { commit, manifest, metrics, result })
    }
}

/// Trains the task of `spec`, of a kind of Basin's own or one of `kinds`, from nothing, on the processor. What it reads is fetched into `folder`; `on_progress` is called with its progress,
/// and it ends early once `stop` is set.
///
/// # Errors
/// [`ReplayError::MissingInput`], [`ReplayError::Data`], [`ReplayError::Storage`] if its inputs aren't to be had;
/// [`ReplayError::Training`], [`ReplayError::Stopped`].
pub async fn train(
    store: &Store,
    spec: &TaskSpec,
    kinds: &Kinds,
    folder: &Path,
    stop: Arc<AtomicBool>,
    on_progress: impl Fn(Progress) + Send + 'static,
) -> Result<Finished, ReplayError> {
    let assets = assets(store, spec, folder).await?;
    let (spec, kinds) = (spec.clone(), kinds.clone());
    let trained = tokio::task::spawn_blocking(move || run(&spec, &kinds, &assets, &stop, on_progress)).await;
    trained.map_err(|error| ReplayError::Crashed(io::Error::other(error)))?
}

fn run(
    spec: &TaskSpec,
    kinds: &Kinds,
    assets: &Assets,
    stop: &AtomicBool,
    on_progress: impl Fn(Progress),
) -> Result<Finished, ReplayError> {
    let mut run = kinds.start(spec, assets, None)?;
    while run.advance()? == Advance::More {
        if stop.load(Ordering::Relaxed) {
            return Err(ReplayError::Stopped);
        }
        let at = run.progress();
        on_progress(Progress {
            iteration: at.iteration,
            iterations: at.iterations,
            epoch: at.epoch,
            epochs: at.epochs,
            loss: at.loss,
            ..Progress::default()
        });
    }
    Ok(run.finish()?)
}

async fn assets(store: &Store, spec: &TaskSpec, folder: &Path) -> Result<Assets, ReplayError> {
    let mut assets = Assets::default();
    if let Some(dataset) = &spec.data {
        let opened = open_dataset(store, dataset, spec.experiment.recipe(), folder).await;
        assets.dataset = Some(Arc::new(opened.map_err(|error| match error {
            OpenDatasetError::Storage(error) => ReplayError::Storage(error),
            OpenDatasetError::Data(_) | OpenDatasetError::Crashed(_) => {
                ReplayError::Data { name: dataset.name.to_string(), why: error_chain::with_causes(&error) }
            }
        })?));
    }
    for (name, input) in &spec.inputs {
        let missing = || ReplayError::MissingInput { name: name.clone(), input: *input };
        let commit = store.read_commit(input).await?.ok_or_else(missing)?;
        assets.inputs.insert(name.clone(), store.read_result(&commit).await?.to_vec());
    }
    Ok(assets)
}
