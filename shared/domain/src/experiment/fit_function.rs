//! `fit-function`: a dense network is fitted to a function of one variable (experiment A).

use serde::{Deserialize, Serialize};

use super::function::{Function, PointLayout, SampledFunction};
use super::loss::ValueLoss;
use super::series::{fit_function as series, names, training};
use super::stream_seeds::StreamSeeds;
use super::training_settings::TrainingSettings;
use super::training_time::TrainingTime;
use crate::network::{ExampleShape, Network};

/// The parameters of `fit-function`: points of an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitFunction {
    /// The function.
    pub function: Function,
    /// The widths of the hidden layers (ReLU), input to output; the input has the width of the function's variables, the output 1. Empty
    /// where `model` is given.
    pub hidden: Vec<u32>,
    /// The network, where it isn't dense layers with ReLU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Network>,
    /// The interval's ends, both included; of several variables, the first one's.
    pub interval: (f64, f64),
    /// The number of training points, at least 2; of a grid along each axis.
    pub points: u32,
    /// Where the points lie beside that.
    #[serde(default, skip_serializing_if = "PointLayout::is_line")]
    pub layout: PointLayout,
    /// The seeds of what is drawn, where they aren't the task's.
    #[serde(default, skip_serializing_if = "StreamSeeds::is_none")]
    pub seeds: StreamSeeds,
    /// The points of a batch; all of them (one step an epoch) if none.
    pub batch_size: Option<u32>,
    /// How long it trains: `epochs` or `steps` in JSON.
    #[serde(flatten)]
    pub budget: TrainingTime,
    /// The loss.
    #[serde(default, skip_serializing_if = "ValueLoss::is_default")]
    pub loss: ValueLoss,
    /// The optimiser, and what is recorded on the way: its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub training: TrainingSettings,
}

impl FitFunction {
    /// The kind's name.
    pub const KIND: &'static str = "fit-function";
    /// The kind's version.
    pub const VERSION: u32 = 3;

    /// The names of the series that a run records.
    pub fn series(&self) -> Vec<&'static str> {
        let curve = [series::PREDICTION, series::TARGET];
        let curve = names(if self.function.variables() == 1 { &curve } else { &[] });
        let always = names(&[training::TRAIN_LOSS]).into_iter().chain(curve);
        let average = self.training.optimizer.average.map(|_| names(&[training::AVERAGE_TRAIN_LOSS]));
        let average = average.into_iter().flatten();
        let settings = self.training.series(self.network().layer_names().len());
        always.chain(average).chain(settings).collect()
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        let always = [training::PARAMETERS, training::FINAL_TRAIN_LOSS];
        names(&always).into_iter().chain(self.training.numbers()).collect()
    }

    /// The shape of an example of one variable.
    pub const EXAMPLE: ExampleShape = ExampleShape::Vector { length: 1 };

    /// The shape of an example: the function's variables.
    pub fn example(&self) -> ExampleShape {
        self.function.example()
    }

    /// The network.
    pub fn network(&self) -> Network {
        network(&self.hidden, self.model.as_ref())
    }

    /// The function with its training points.
    pub fn sampled(&self) -> SampledFunction {
        SampledFunction {
            function: self.function.clone(),
            interval: self.interval,
            points: self.points,
            layout: self.layout.clone(),
        }
    }

    /// The number of trainable parameters; 0 for a network that can't be built.
    pub fn parameter_count(&self) -> u64 {
        self.network().graph(&self.example(), 1).map_or(0, |graph| graph.parameter_count())
    }
}

/// The network of these hidden layers, or that which is given in their place.
pub(super) fn network(hidden: &[u32], model: Option<&Network>) -> Network {
    model.cloned().unwrap_or_else(|| Network::of_dense(hidden))
}

/// The parameters of a dense network from these inputs through these hidden layers to one output.
pub(super) fn dense_parameter_count(inputs: u64, hidden: &[u32]) -> u64 {
    let mut width = inputs;
    let mut count = 0;
    for next in hidden.iter().copied().chain([1]) {
        count += (width + 1) * u64::from(next);
        width = u64::from(next);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_models_of_experiment_a_have_their_parameter_counts() {
        let with = |hidden: &[u32]| FitFunction {
            function: Function::Sin,
            hidden: hidden.to_vec(),
            model: None,
            interval: (-3.0, 3.0),
            points: 128,
            layout: PointLayout::default(),
            seeds: StreamSeeds::default(),
            batch_size: None,
            budget: TrainingTime::Epochs(1),
            loss: Default::default(),
            training: TrainingSettings::of(crate::optimizer::Optimizer::adam(1e-3)),
        };
        assert_eq!(with(&[32, 64]).parameter_count(), 2_241);
        assert_eq!(with(&[32, 32, 32]).parameter_count(), 2_209);
    }
}
