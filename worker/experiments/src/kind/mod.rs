//! Kinds of one's own: what a program needs to bring a kind of experiment that Basin doesn't have.
//!
//! A [`Kind`] declares its parameters and series, and starts a [`KindRun`]: a state that goes on step by step, can be saved between any
//! two, and records what it measures. All else is as for Basin's own kinds: leases, checkpoints, packs, progress, retries, the commit,
//! reuse, replay. The program's `main` hands its [`Kinds`] to the command line, and has then all of its commands.
//!
//! The same parameters, seed, data and inputs must give the same steps and the same bytes, on any machine: random numbers from
//! [`Task::stream`], sums in a fixed order, and functions of [`math`] instead of the system's `exp` and `ln`. `basin replay` shows
//! whether a kind keeps that.
//!
//! ```
//! use basin_experiments::kind::{
//!     Axis, Declaration, ExperimentError, Kind, KindRun, Kinds, ParameterType, Progress, Record, RecordedSeries, Saved,
//!     Step, Stream, Task,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! /// Estimates π by throwing darts at a square.
//! struct Darts;
//!
//! #[derive(Deserialize)]
//! struct Parameters {
//!     throws: u64,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Thrown {
//!     seed: u64,
//!     throws: u64,
//!     done: u64,
//!     hits: u64,
//! }
//!
//! impl Kind for Darts {
//!     type Parameters = Parameters;
//!     type Run = Thrown;
//!
//!     fn declaration(&self) -> Declaration {
//!         Declaration::new("darts", 1)
//!             .parameter("throws", ParameterType::integer(1..=1_000_000))
//!             .records("pi", RecordedSeries::against(Axis::Iteration, "estimate of π"))
//!             .work_is_product_of(["throws"])
//!     }
//!
//!     fn start(&self, task: &Task<'_, Parameters>, saved: Option<&Saved>) -> Result<Thrown, ExperimentError> {
//!         match saved {
//!             Some(saved) => saved.state(),
//!             None => Ok(Thrown { seed: task.seed, throws: task.parameters.throws, done: 0, hits: 0 }),
//!         }
//!     }
//! }
//!
//! impl KindRun for Thrown {
//!     fn advance(&mut self, record: &mut Record) -> Result<Step, ExperimentError> {
//!         // A stream a throw: whoever goes on needs to know no stream's place.
//!         let mut random = Stream::new(self.seed, &format!("throw {}", self.done));
//!         let (x, y) = (random.uniform(), random.uniform());
//!         self.hits += u64::from(x * x + y * y < 1.0);
//!         self.done += 1;
//!         record.point("pi", self.done as f64, 4.0 * self.hits as f64 / self.done as f64)?;
//!         Ok(if self.done == self.throws { Step::Done } else { Step::More })
//!     }
//!
//!     fn progress(&self) -> Progress {
//!         Progress { iteration: self.done, iterations: self.throws, ..Progress::default() }
//!     }
//!
//!     fn save(&self) -> Result<Saved, ExperimentError> {
//!         Saved::of(self)
//!     }
//! }
//!
//! let kinds = Kinds::none().with(Darts)?;
//! assert_eq!(kinds.declarations()[0].name().as_str(), "darts");
//! # Ok::<(), basin_experiments::kind::InvalidDeclaration>(())
//! ```

mod driven;
mod record;
mod registry;
mod saved;
mod task;
#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;

pub use basin_domain::claim::Best;
pub use basin_domain::custom_kind::{
    Declaration, InvalidDeclaration, InvalidParameter, KindDeclaration, ParameterDeclaration, ParameterType,
    RecordedSeries,
};
pub use basin_domain::experiment::StopReason;
pub use basin_domain::metrics::Axis;
pub use basin_domain::random::Stream;
pub use basin_domain::value::Value;
pub use basin_domain::worker::Progress;
pub use basin_math as math;
pub use record::Record;
pub use registry::Kinds;
pub use saved::{Array, Saved};
pub use task::{InputResult, Task};

pub use crate::ExperimentError;
pub use crate::dataset::{Dataset, Examples, Inputs, Targets};

/// A kind of experiment that a program brings.
pub trait Kind: Send + Sync + 'static {
    /// The parameters, read from JSON with the declared names: a dotted name is a field of a table's struct.
    type Parameters: DeserializeOwned;
    /// A run.
    type Run: KindRun + 'static;

    /// What sweep files may say of it, and what its runs record.
    fn declaration(&self) -> Declaration;

    /// Refuses parameters that are each of their type and don't fit together. A program that has the kind asks this of every point
    /// before anything runs, and again of each task.
    ///
    /// # Errors
    /// The parameter to blame, with what is wrong.
    fn check(&self, _parameters: &Self::Parameters) -> Result<(), InvalidParameter> {
        Ok(())
    }

    /// Starts a run, or goes on from where it was saved: from then on it must do what it would have done.
    ///
    /// # Errors
    /// [`ExperimentError::BadCheckpoint`] if `saved` can't be used: the run then begins anew.
    fn start(
        &self,
        task: &Task<'_, Self::Parameters>,
        saved: Option<&Saved>,
    ) -> Result<Self::Run, ExperimentError>;
}

/// A run of a [`Kind`], between two steps.
pub trait KindRun: Send {
    /// Does a small piece of work, well under a second: between two of them a run can be saved or stopped.
    ///
    /// # Errors
    /// Whatever can't be gone on from; the attempt fails.
    fn advance(&mut self, record: &mut Record) -> Result<Step, ExperimentError>;

    /// How far the run is. Steps that aren't counted here are taken for none: a run whose progress stands still for long is taken to hang.
    fn progress(&self) -> Progress;

    /// All that the rest of the run depends on, but for what was recorded, which is kept beside.
    ///
    /// # Errors
    /// If the state can't be written as JSON.
    fn save(&self) -> Result<Saved, ExperimentError>;

    /// The tensors that the run leaves, by name, which become its `result.safetensors`; asked for at its end.
    fn tensors(&self) -> Vec<(String, Array)> {
        Vec::new()
    }
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    More,
    /// The run is at its end.
    Done,
    /// It has diverged, and ends here: a result, and no failure.
    Diverged,
    /// A rule ended it before its budget did: its results are complete.
    Stopped(StopReason),
}
