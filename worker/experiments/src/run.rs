//! A run as its driver sees it: advanced until it is done, saved between any two advances.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::metrics::{Metrics, Outcome};
use basin_domain::time_spent::Activity;
use basin_domain::worker::Progress;

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
    /// Nothing was done: the run waits for something outside of it, and shows no progress.
    Waiting,
    /// The run is at its end: [`Run::finish`] it.
    Done,
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

    /// What the next advance does; the time that it takes is its driver's to measure.
    fn activity(&self) -> Activity {
        Activity::Training
    }

    /// How far the run is; the time that it takes is its driver's to say.
    fn progress(&self) -> Progress;

    /// What it has measured so far: series grow by points at their ends, or are made anew. None of a run that says nothing before its end.
    fn metrics(&self) -> Option<&Metrics> {
        None
    }

    /// The training examples that its steps were made with, each as often as it was; how many of them a second is its driver's to say. None
    /// of a run that doesn't train on examples.
    fn examples(&self) -> Option<u64> {
        None
    }

    /// Whether a checkpoint would say anything that the last one didn't.
    fn has_news(&self) -> bool {
        true
    }

    /// Everything that the rest of the run depends on, as safetensors; only if there [is news](Run::has_news).
    fn checkpoint(&mut self) -> Result<Vec<u8>, ExperimentError>;

    /// The run ends early, within this time: what works for it outside of this process stops. True if that left something that a
    /// checkpoint should say.
    fn stop(&mut self, _within: Duration) -> Result<bool, ExperimentError> {
        Ok(false)
    }

    /// The files that the run made beside its results; only after [`Advance::Done`].
    fn outputs(&mut self) -> Result<Vec<PathBuf>, ExperimentError> {
        Ok(Vec::new())
    }

    /// The results; only after [`Advance::Done`].
    fn finish(self: Box<Self>) -> Result<Finished, ExperimentError>;
}
