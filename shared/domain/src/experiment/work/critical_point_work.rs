//! What a search for a critical point costs, and how much of that is done wherever it stands.

use super::WorkSeconds;
use crate::experiment::{CriticalPoint, Search};

// Seconds of a thread of the reference machine.

/// A product of a small matrix or a sum.
const PRODUCT: f64 = 0.4e-9;
/// An activation with its derivatives.
const ACTIVATION: f64 = 6e-9;
/// A pass over all points, beside its arithmetic.
const CALL: f64 = 0.3e-6;
/// A product of an eigenvalue decomposition, of which there are n³.
const EIGEN_PRODUCT: f64 = 12e-9;
/// A random number.
const RANDOM: f64 = 10e-9;
/// The certificate, beside the decomposition: bounds and exact sums.
const CERTIFICATE: f64 = 0.5e-3;

/// The iterations after which Levenberg and Marquardt's search has usually ended.
const USUAL_SEARCH: f64 = 40.0;
/// The points that polishing usually leads to, attempts that start again included.
const USUAL_POLISH: f64 = 30.0;

/// A stage of a run, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchStage {
    /// Steps on the loss.
    Train,
    /// Iterations of the search.
    Search,
    /// Points that polishing leads to.
    Polish,
    /// The measures where the run ends.
    Measure,
    /// Random points around it.
    Sample,
}

/// The work of a search for a critical point. Searches end where they like: the work is that of a usual one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CriticalPointWork {
    /// How often each stage does what it does, and the seconds of each time.
    stages: [(f64, f64); 5],
}

impl CriticalPointWork {
    /// The work of a run with these parameters.
    pub fn new(parameters: &CriticalPoint) -> Self {
        let count = parameters.parameter_count() as f64;
        let points = f64::from(parameters.points);
        let units: f64 = parameters.hidden.iter().map(|width| f64::from(*width)).sum();
        let gradient = CALL + points * (3.0 * count * PRODUCT + units * ACTIVATION);
        let hessian = gradient + points * count * count * PRODUCT;
        let cube = count * count * count;
        let polishing = hessian + cube * EIGEN_PRODUCT;
        let limit = f64::from(parameters.iterations);
        let search = match parameters.search {
            Search::LevenbergMarquardt => {
                (limit.min(USUAL_SEARCH), hessian + 2.0 * cube * PRODUCT + gradient)
            }
            Search::GradientNorm { .. } => (limit, 3.0 * gradient),
        };
        let polish = f64::from(parameters.polish.iterations).min(USUAL_POLISH);
        Self {
            stages: [
                (f64::from(parameters.epochs), gradient),
                search,
                (polish, polishing),
                (1.0, polishing + CERTIFICATE),
                (f64::from(parameters.minimal_ratio.samples), 0.5 * gradient + count * RANDOM),
            ],
        }
    }

    /// All of it.
    pub fn total(&self) -> WorkSeconds {
        WorkSeconds::on_scalars(self.stages.iter().map(|(times, seconds)| times * seconds).sum())
    }

    /// The share of it that is done in a stage that did its part so often. A stage that goes on longer than usual counts no more.
    pub fn share(&self, stage: SearchStage, times: u64) -> f64 {
        let at = stage as usize;
        let before: f64 = self.stages[..at].iter().map(|(times, seconds)| times * seconds).sum();
        let (most, seconds) = self.stages[at];
        let share = (before + most.min(times as f64) * seconds) / self.total().scalar;
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}
