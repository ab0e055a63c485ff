//! The middle of a measure over runs.

use serde::{Deserialize, Serialize};

/// The middle of a measure over runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Middle {
    /// The arithmetic mean.
    Mean,
    /// The geometric mean.
    GeometricMean,
    /// The interquartile mean: that of the middle half of the runs (Agarwal et al. 2021, arXiv 2108.13264).
    Iqm,
}

impl Middle {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mean, Self::GeometricMean, Self::Iqm];

    /// The middle as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::GeometricMean => "geometric-mean",
            Self::Iqm => "iqm",
        }
    }
}
