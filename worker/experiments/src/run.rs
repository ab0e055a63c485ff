//! A run as its driver sees it: advanced until it is done, saved between any two advances.

use std::collections::BTreeMap;
use std::sync::Arc;

use basin_domain::metrics::{Metrics, Outcome};

use crate::ExperimentError;
use crate::accelerator::Accelerator;
use crate::dataset::Dataset;

/// The inputs of a run beside its spec.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    /// The data set that the spec names, opened.
    pub dataset: Option<Arc<Dataset>>,
    /// The device that trains, if it isn't the processor. Kinds that a device has no use for train on the processor all the same.
    pub accelerator: Option<Accelerator>,
    /// The results (`result.safetensors`) of the tasks that the spec names as inputs.
    pub inputs: BTreeMap<String, Vec<u8>>,
}

/// The outcome of one advance.
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
    /// Its measurements.
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
