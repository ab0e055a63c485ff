//! Claims: sentences about a sweep's results, each with the checks that decide whether it holds.

mod analysis;
mod check;
mod condition;
mod middle;
mod order;
mod recomputed;
mod setting;

use serde::{Deserialize, Serialize};

pub use analysis::{Analysis, Variation};
pub use check::{Check, Selection};
pub use condition::{Condition, Side};
pub use middle::Middle;
pub use order::{Best, Direction};
pub use recomputed::RecomputedMeasure;
pub use setting::{BoundKey, MeasureKey, Setting, in_words};

/// A sentence with what would have to be seen for it to hold: all checks must.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// The checks; at least one.
    pub checks: Vec<Check>,
    /// How they are analysed, where the sweep file says more of that than each check does.
    #[serde(default, skip_serializing_if = "Analysis::is_usual")]
    pub analysis: Analysis,
}
