//! The rule that ended training.

use serde::{Deserialize, Serialize};

/// A rule that ended training, as outcomes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// [`super::StopRule::TrainLossBelow`].
    TrainLossBelow,
    /// [`super::StopRule::TrainAccuracyAbove`].
    TrainAccuracyAbove,
    /// [`super::StopRule::TestLossBelow`].
    TestLossBelow,
    /// [`super::StopRule::TestAccuracyAbove`].
    TestAccuracyAbove,
    /// [`super::StopRule::GradientNormBelow`].
    GradientNormBelow,
    /// [`super::StopRule::NoImprovement`].
    NoImprovement,
}

impl StopReason {
    /// The rule as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrainLossBelow => "train_loss_below",
            Self::TrainAccuracyAbove => "train_accuracy_above",
            Self::TestLossBelow => "test_loss_below",
            Self::TestAccuracyAbove => "test_accuracy_above",
            Self::GradientNormBelow => "gradient_norm_below",
            Self::NoImprovement => "no_improvement",
        }
    }
}
