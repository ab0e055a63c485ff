//! How initialisation and step sizes follow the width.

use serde::{Deserialize, Serialize};

use super::graph::LearningRateFactor;

/// How initial values, multipliers and step sizes follow the width of a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parametrization {
    /// As the initialisation has it, with one step size for all.
    #[default]
    Standard,
    /// The maximal update parametrisation (μP) of Yang et al. 2021 (arXiv 2203.03466), in the form of its table 8, relative to a
    /// network of the base width, which is the same in both parametrisations.
    ///
    /// A network's width is the number of outputs of its first layer with weights; every dimension but those of the data and of
    /// the outputs counts as growing in proportion. With `m` for width / base width, weights are
    ///
    /// | | input weights, biases | hidden weights | output weights |
    /// | --- | --- | --- | --- |
    /// | variance of the initialisation | that of the base | that of the base / m | that of the base |
    /// | multiplier | 1 | 1 | 1/m |
    /// | step size, SGD | m | 1 | m |
    /// | step size, Adam and what normalises like it | 1 | 1/m | 1 |
    ///
    /// where input weights lead from a dimension that doesn't grow to one that does, output weights back, and hidden weights from
    /// one that grows to another. Scales of normalisations are as biases. Attention's products are divided by √(d·m) in place of
    /// √d for d dimensions a head (definition 4.1 there), the number of heads being fixed.
    Mup {
        /// The width at which nothing changes.
        base_width: u32,
    },
}

/// How the dimensions of a parameter follow the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// Neither does.
    Fixed,
    /// The outputs grow, the inputs don't: input weights, biases, scales of normalisations.
    Input,
    /// Both grow.
    Hidden,
    /// The inputs grow, the outputs don't.
    Output,
}

impl Growth {
    /// Of weights between these.
    pub(super) const fn between(inputs_grow: bool, outputs_grow: bool) -> Self {
        match (inputs_grow, outputs_grow) {
            (false, false) => Self::Fixed,
            (false, true) => Self::Input,
            (true, true) => Self::Hidden,
            (true, false) => Self::Output,
        }
    }

    /// Of a bias, or a scale, of such outputs.
    pub(super) const fn of_vector(outputs_grow: bool) -> Self {
        Self::between(false, outputs_grow)
    }

    /// The factors of the step size for a network `m` times as wide as its base.
    pub(super) fn learning_rate_factor(self, m: f64) -> LearningRateFactor {
        match self {
            Self::Fixed => LearningRateFactor { sgd: 1.0, adam: 1.0 },
            Self::Input | Self::Output => LearningRateFactor { sgd: m, adam: 1.0 },
            Self::Hidden => LearningRateFactor { sgd: 1.0, adam: 1.0 / m },
        }
    }

    /// The factor of the standard deviation at the base width.
    pub(super) fn deviation_factor(self, m: f64) -> f64 {
        match self {
            Self::Fixed | Self::Input | Self::Output => 1.0,
            Self::Hidden => 1.0 / m.sqrt(),
        }
    }

    /// The factor of a matrix with orthogonal rows or columns of a fixed length, whose entries' variance is 1 / the larger
    /// dimension whatever the base.
    pub(super) fn orthogonal_factor(self, m: f64) -> f64 {
        match self {
            Self::Fixed | Self::Hidden => 1.0,
            Self::Input | Self::Output => m.sqrt(),
        }
    }
}
