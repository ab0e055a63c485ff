//! Conditions on what a run measured.

use serde::{Deserialize, Serialize};

/// A bound that a measure of a run must keep for the run to count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The measure.
    pub measure: String,
    /// The side of the bound on which it must lie.
    pub side: Side,
    /// The bound; the measure may not be at it.
    pub bound: f64,
}

impl Condition {
    /// Whether a run in which the measure is this counts.
    pub fn is_met(&self, measured: f64) -> bool {
        match self.side {
            Side::Below => measured < self.bound,
            Side::Above => measured > self.bound,
        }
    }

    /// The name under which its bound is varied: `only_where.final_gradient_norm.below`.
    pub fn name(&self) -> String {
        format!("only_where.{}.{}", self.measure, self.side.as_str())
    }
}

/// A side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Less than the bound.
    Below,
    /// More than the bound.
    Above,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Below, Self::Above];

    /// The side as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Above => "above",
        }
    }
}
