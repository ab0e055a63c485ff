//! The experiments: data sets, models, training, probes.
//!
//! This crate knows tensors and files, and neither the network nor the object store nor async. A run is a state machine
//! that somebody else drives: [`start`] it (from nothing, or from a checkpoint), [`Run::advance`] it until it is done,
//! take a [`Run::checkpoint`] between any two advances, [`Run::finish`] it. The same spec gives the same bytes, whatever
//! happens in between.
//!
//! Start reading at [`start`], which lists the kinds. What is trained is a [`training::LearningProblem`] under the one training loop,
//! [`training::Training`], which also drives the [`probes`], but for [`critical_point`], whose networks are too small for it;
//! landscapes look again at what was trained.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests compare with the system's library"))]

use std::collections::BTreeMap;
use std::sync::Arc;

use basin_domain::experiment::Experiment;
use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::task::TaskSpec;

pub mod accelerator;
pub mod bench;
mod checkpoint;
mod classify;
pub mod critical_point;
pub mod dataset;
mod error;
mod fit_function;
mod landscape;
pub mod model;
pub mod probes;
mod tensors;
pub mod training;
mod tridiagonal;

pub use basin_kernels::{CodePath, activity, code_path, force_code_path, keep_freed_memory, peak_gflops};
pub use dataset::Dataset;
pub use error::ExperimentError;

/// What a run reads beside its spec.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    /// The data set that the spec names, opened.
    pub dataset: Option<Arc<Dataset>>,
    /// The device that trains, if it isn't the processor. Kinds that a device has no use for train on the processor all the same.
    pub accelerator: Option<accelerator::Accelerator>,
    /// The results (`result.safetensors`) of the tasks that the spec names as inputs.
    pub inputs: BTreeMap<String, Vec<u8>>,
}

/// What one advance did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// There is more to do.
    More,
    /// The run is at its end: [`Run::finish`] it.
    Done,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Steps of the optimiser done.
    pub iteration: u64,
    /// Steps in all.
    pub iterations: u64,
    /// Passes over the data done.
    pub epoch: u32,
    /// Passes in all.
    pub epochs: u32,
    /// The latest loss.
    pub loss: Option<f64>,
}

/// A finished run's results: the same bytes for the same spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What it measured.
    pub metrics: Metrics,
    /// Final weights (`model/<parameter>`) and snapshots (`weights/<epoch>/<parameter>`), as safetensors, with the outcome beside
    /// them.
    pub result: Vec<u8>,
}

/// A run in progress. Any thread may advance it, one at a time.
pub trait Run: Send {
    /// Does a small piece of work: one step of the optimiser, or a piece of an evaluation.
    fn advance(&mut self) -> Result<Advance, ExperimentError>;

    /// How far the run is.
    fn progress(&self) -> Progress;

    /// Everything that the rest of the run depends on, as safetensors.
    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError>;

    /// The results; only after [`Advance::Done`].
    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError>;
}

/// Starts the run of `spec`, or goes on from a `checkpoint` of it.
///
/// # Errors
/// [`ExperimentError::InvalidParameters`] if the parameters can't be trained, [`ExperimentError::MissingData`] if the data
/// set isn't there, [`ExperimentError::BadCheckpoint`] if the checkpoint is damaged or another task's.
pub fn start(
    spec: &TaskSpec,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let (kind, version) = (spec.experiment.kind(), spec.experiment.version());
    if spec.version != version {
        return Err(ExperimentError::InvalidParameters(format!(
            "the task is of version {} of `{kind}`, and this is version {version}",
            spec.version
        )));
    }
    match &spec.experiment {
        Experiment::FitFunction(parameters) => fit_function::start(spec, parameters, assets, checkpoint),
        Experiment::Classify(parameters) => classify::start(spec, parameters, assets, checkpoint),
        Experiment::CriticalPoint(parameters) => critical_point::start(spec, parameters, checkpoint),
        Experiment::Interpolate(parameters) => landscape::line::start(spec, parameters, assets, checkpoint),
        Experiment::Surface(parameters) => landscape::plane::start(spec, parameters, assets, checkpoint),
    }
}
