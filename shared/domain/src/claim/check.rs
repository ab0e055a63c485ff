//! The checks that decide a claim, and the runs that they look at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::order::{Best, Direction};
use crate::id::ExperimentId;
use crate::value::Value;

/// A selection of runs: those of an experiment in which these parameters have these values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The experiment.
    pub experiment: ExperimentId,
    /// Parameters that must have these values; all runs if empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
}

/// One thing that can be measured and decided. A *measure* is a series, of which the last value counts, or a single
/// number. Its *middle* over runs is the geometric mean of a loss or a norm, and the mean of most others. Where an
/// interval reaches over the bound, the check is undecided. Every selection but that of a correlation means one point:
/// runs that differ in their seed alone, so that no point is averaged as if it were a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Check {
    /// Two selections can't be told apart: the ratio of the geometric means of a positive measure lies within 1/factor and
    /// factor, its interval included.
    Equivalent {
        /// One.
        a: Selection,
        /// The other.
        b: Selection,
        /// The measure.
        y: String,
        /// By which factor they may differ; above 1.
        factor: f64,
    },
    /// The middle of a measure is greater in one selection than in the other.
    Greater {
        /// Where it should be greater.
        a: Selection,
        /// Where it should be less.
        b: Selection,
        /// The measure.
        y: String,
    },
    /// A series goes one way within each run: the rank correlation of its values with its x, averaged over runs, is at least
    /// `at_least` in that direction.
    Trend {
        /// The runs.
        of: Selection,
        /// The series.
        y: String,
        /// The direction.
        direction: Direction,
        /// How great the correlation must be, in [0, 1).
        at_least: f64,
        /// A single number: only points whose x isn't beyond it count (`trained_iterations`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    /// Across points, or across runs of one point each or of one alone, a measure goes one way with a parameter or another
    /// measure: their rank correlation is beyond 0.
    Correlation {
        /// The runs.
        of: Selection,
        /// A parameter, or a measure.
        x: String,
        /// The measure.
        y: String,
        /// The direction of y as x rises.
        direction: Direction,
        /// A single number: only runs in which it is 1 count (`converged`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only_if: Option<String>,
    },
    /// The middle of a measure lies between two bounds.
    Within {
        /// The runs.
        of: Selection,
        /// The measure.
        y: String,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Of all points of an experiment, this one has the best middle of a measure.
    Best {
        /// The point that should be best, of an experiment with other points beside it.
        of: Selection,
        /// The measure.
        y: String,
        /// The best end.
        best: Best,
    },
    /// Runs that differ in their seed end in a similar region of weight space: the mean distance between their last recorded
    /// weights is at most this share of the mean distance from a run's first to its last.
    Together {
        /// The runs.
        of: Selection,
        /// The share, above 0.
        at_most: f64,
    },
    /// A series is smooth: the root mean square distance of its points from the cubic through their two neighbours on each
    /// side is at most this share of its range.
    Smooth {
        /// The runs.
        of: Selection,
        /// The series.
        y: String,
        /// The share, above 0.
        at_most: f64,
    },
}

impl Check {
    /// The kinds of check as the sweep file spells them.
    pub const KINDS: [&'static str; 8] =
        ["equivalent", "greater", "trend", "correlation", "within", "best", "together", "smooth"];

    /// The kind as the sweep file spells it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Equivalent { .. } => Self::KINDS[0],
            Self::Greater { .. } => Self::KINDS[1],
            Self::Trend { .. } => Self::KINDS[2],
            Self::Correlation { .. } => Self::KINDS[3],
            Self::Within { .. } => Self::KINDS[4],
            Self::Best { .. } => Self::KINDS[5],
            Self::Together { .. } => Self::KINDS[6],
            Self::Smooth { .. } => Self::KINDS[7],
        }
    }

    /// The fewest runs of a point whose mean has an interval: two differ by chance alone too widely to say anything.
    pub const FEWEST_RUNS: usize = 3;

    /// The fewest independent pairs whose rank correlation can say anything: four stand in order by chance once in 4! = 24
    /// times, more often than an interval of 95 % may err on one side.
    pub const FEWEST_PAIRS: usize = 5;

    /// The runs that the check looks at: one selection, or two.
    pub fn selections(&self) -> Vec<&Selection> {
        match self {
            Self::Equivalent { a, b, .. } | Self::Greater { a, b, .. } => vec![a, b],
            Self::Trend { of, .. }
            | Self::Correlation { of, .. }
            | Self::Within { of, .. }
            | Self::Best { of, .. }
            | Self::Together { of, .. }
            | Self::Smooth { of, .. } => vec![of],
        }
    }

    /// The same, to be changed.
    pub fn selections_mut(&mut self) -> Vec<&mut Selection> {
        match self {
            Self::Equivalent { a, b, .. } | Self::Greater { a, b, .. } => vec![a, b],
            Self::Trend { of, .. }
            | Self::Correlation { of, .. }
            | Self::Within { of, .. }
            | Self::Best { of, .. }
            | Self::Together { of, .. }
            | Self::Smooth { of, .. } => vec![of],
        }
    }

    /// Whether it compares a measure by the value at which that ends, and not a series by its course.
    pub const fn reads_a_measure(&self) -> bool {
        match self {
            Self::Equivalent { .. }
            | Self::Greater { .. }
            | Self::Correlation { .. }
            | Self::Within { .. }
            | Self::Best { .. } => true,
            Self::Trend { .. } | Self::Together { .. } | Self::Smooth { .. } => false,
        }
    }

    /// Whether the middle of a measure over runs can be chosen: it is compared as it is, not as a ratio or by ranks.
    pub const fn has_a_middle(&self) -> bool {
        match self {
            Self::Greater { .. } | Self::Within { .. } | Self::Best { .. } => true,
            Self::Equivalent { .. }
            | Self::Trend { .. }
            | Self::Correlation { .. }
            | Self::Together { .. }
            | Self::Smooth { .. } => false,
        }
    }
}
