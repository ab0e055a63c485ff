//! Where a run stands.

use basin_domain::metrics::Outcome;
use serde::{Deserialize, Serialize};

/// The next thing that a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub(super) enum CriticalPointStage {
    /// It steps on the loss.
    Train,
    /// It searches for a point where the gradient is almost zero.
    Search,
    /// It leads the point on to where the gradient is zero but for rounding.
    Polish {
        /// The iterations of this attempt that are done.
        iterations: u32,
    },
    /// It takes Newton's last steps.
    Refine {
        /// Those that are done.
        steps: u32,
    },
    /// It certifies the point, and measures the Hessian there; or begins another attempt.
    Measure,
    /// It measures the loss at random points around.
    Sample {
        /// The points that are done.
        done: u32,
        /// Those of them whose loss is higher.
        higher: u32,
    },
    /// It is at its end.
    Ended {
        /// How it ended.
        outcome: Outcome,
    },
}
