//! The experiments: data sets, models, training, probes.
//!
//! This crate knows tensors and files, and neither the network nor the object store nor async. A run is a state machine
//! that somebody else drives: [`start`] it (from nothing, or from a checkpoint), [`Run::advance`] it until it is done,
//! take a [`Run::checkpoint`] between any two advances, [`Run::finish`] it. The same spec gives the same bytes, whatever
//! happens in between.
//!
//! Start reading at [`start`], which lists the kinds; [`kind`] is for those of one's own. What is trained is a [`training::LearningProblem`] under the one training loop,
//! [`training::Training`], which also drives the [`probes`], but for [`critical_point`], whose networks are too small for it;
//! landscapes look again at what was trained.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests compare with the system's library"))]

use basin_domain::experiment::Experiment;
use basin_domain::task::TaskSpec;

pub mod accelerator;
pub mod bench;
mod checkpoint;
mod classify;
pub mod critical_point;
pub mod dataset;
mod error;
mod examples;
mod fit_function;
#[doc(hidden)]
pub mod fuzzing;
pub mod kind;
mod landscape;
mod loss;
pub mod model;
pub mod optimizer;
pub mod preview;
pub mod probes;
mod pruning;
mod regress;
mod run;
mod symmetric_eigen;
mod tensors;
pub mod training;
mod tridiagonal;
mod whitening;

pub use basin_kernels::{CodePath, activity, code_path, force_code_path, keep_freed_memory};
pub use dataset::Dataset;
pub use error::ExperimentError;
pub use run::{Advance, Assets, Finished, Run};
pub use tensors::empty_result;

/// Starts the run of `spec`, of a kind of Basin's own, or goes on from a `checkpoint` of it.
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
        Experiment::Regress(parameters) => regress::start(spec, parameters, assets, checkpoint),
        Experiment::CriticalPoint(parameters) => critical_point::start(spec, parameters, checkpoint),
        Experiment::Interpolate(parameters) => landscape::line::start(spec, parameters, assets, checkpoint),
        Experiment::Surface(parameters) => landscape::plane::start(spec, parameters, assets, checkpoint),
        Experiment::Command(_) => {
            Err(ExperimentError::InvalidParameters("a command is a process of a worker".to_owned()))
        }
        // Kinds of one's own are those of a program: `kind::Kinds::start` starts both.
        Experiment::Custom(custom) => {
            Err(ExperimentError::UnknownKind { name: custom.name.to_string(), version: custom.version })
        }
    }
}
