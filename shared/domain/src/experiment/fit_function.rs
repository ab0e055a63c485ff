//! `fit-function`: a dense network is fitted to a function of one variable (experiment A).

use serde::{Deserialize, Serialize};

use super::probe::ProbeSchedule;
use super::recording::Recording;
use super::series::{fit_function as series, names, training};
use crate::optimizer::Optimizer;

/// The function that is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// sin x
    Sin,
    /// x³
    Cube,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 2] = [Self::Sin, Self::Cube];

    /// The function as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sin => "sin",
            Self::Cube => "cube",
        }
    }

    /// The function's value.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Self::Sin => basin_math::sin(x),
            Self::Cube => x * x * x,
        }
    }
}

/// The parameters of `fit-function`: mean squared error over evenly spaced points of an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitFunction {
    /// The function.
    pub function: Function,
    /// The widths of the hidden layers (ReLU), input to output; input and output have width 1.
    pub hidden: Vec<u32>,
    /// The interval's ends, both included.
    pub interval: (f64, f64),
    /// The number of training points, at least 2.
    pub points: u32,
    /// The points of a batch; all of them (one step an epoch) if none.
    pub batch_size: Option<u32>,
    /// Passes over the points.
    pub epochs: u32,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The recording.
    pub record: Recording,
    /// The probes.
    #[serde(default, skip_serializing_if = "ProbeSchedule::is_empty")]
    pub probes: ProbeSchedule,
}

impl FitFunction {
    /// The kind's name.
    pub const KIND: &'static str = "fit-function";
    /// The kind's version.
    pub const VERSION: u32 = 3;

    /// The names of the series that a run records.
    pub fn series(&self) -> Vec<&'static str> {
        let always = names(&[training::TRAIN_LOSS, series::PREDICTION, series::TARGET]).into_iter();
        always.chain(self.record.series()).chain(self.probes.series()).collect()
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        names(&[training::PARAMETERS, training::FINAL_TRAIN_LOSS])
    }

    /// The number of trainable parameters: weights and biases of every dense layer.
    pub fn parameter_count(&self) -> u64 {
        dense_parameter_count(&self.hidden)
    }
}

/// The parameters of a dense network from one input through these hidden layers to one output.
pub(super) fn dense_parameter_count(hidden: &[u32]) -> u64 {
    let mut width = 1;
    let mut count = 0;
    for next in hidden.iter().copied().chain([1]) {
        count += (width + 1) * u64::from(next);
        width = u64::from(next);
    }
    count
}

/// The products of each layer's sums for one input of a dense network, the first layer first. Numbers beyond `u64` are its
/// largest.
pub fn dense_products(inputs: u64, hidden: &[u32], outputs: u32) -> Vec<u64> {
    let widths = hidden.iter().copied().chain([outputs]).map(u64::from);
    widths
        .scan(inputs, |inputs, outputs| Some(std::mem::replace(inputs, outputs).saturating_mul(outputs)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_models_of_experiment_a_have_their_parameter_counts() {
        let with = |hidden: &[u32]| FitFunction {
            function: Function::Sin,
            hidden: hidden.to_vec(),
            interval: (-3.0, 3.0),
            points: 128,
            batch_size: None,
            epochs: 1,
            optimizer: Optimizer::adam(1e-3),
            record: Recording::default(),
            probes: ProbeSchedule::default(),
        };
        assert_eq!(with(&[32, 64]).parameter_count(), 2_241);
        assert_eq!(with(&[32, 32, 32]).parameter_count(), 2_209);
    }
}
