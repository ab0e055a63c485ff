//! The kinds of experiment and their typed parameters, one file a kind.
//!
//! Parameters are complete (defaults are filled in) and valid once they exist. Their canonical JSON enters a task's id, so
//! a field is never renamed and a meaning never changed without raising the kind's [`Experiment::version`].

use serde::{Deserialize, Serialize};

mod canonical;
mod classify;
mod cost;
mod critical_point;
mod fit_function;
mod interpolate;
mod probe;
mod recording;
pub mod series;
mod surface;
mod trained_model;

pub use classify::{Classify, ConvNet};
pub use critical_point::{Activation, CriticalPoint, MinimalRatio, Search};
pub use fit_function::{FitFunction, Function, dense_products};
pub use interpolate::{Interpolate, Ratios};
pub use probe::{Probe, ProbeSchedule};
pub use recording::Recording;
pub use series::Loss;
pub use surface::{Plane, Surface, Tile};
pub use trained_model::TrainedModel;

/// An experiment: its kind with that kind's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Experiment {
    /// A dense network is fitted to a function of one variable.
    FitFunction(FitFunction),
    /// A convolutional or dense network classifies images.
    Classify(Classify),
    /// A small dense network is led to where its gradient is almost zero.
    CriticalPoint(CriticalPoint),
    /// Two solutions are interpolated.
    Interpolate(Interpolate),
    /// The loss over a plane through a solution.
    Surface(Surface),
}

impl Experiment {
    /// The kind's name as the sweep file spells it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FitFunction(_) => FitFunction::KIND,
            Self::Classify(_) => Classify::KIND,
            Self::CriticalPoint(_) => CriticalPoint::KIND,
            Self::Interpolate(_) => Interpolate::KIND,
            Self::Surface(_) => Surface::KIND,
        }
    }

    /// The version of the kind: raised whenever the same parameters would give other results.
    pub const fn version(&self) -> u32 {
        match self {
            Self::FitFunction(_) => FitFunction::VERSION,
            Self::Classify(_) => Classify::VERSION,
            Self::CriticalPoint(_) => CriticalPoint::VERSION,
            Self::Interpolate(_) => Interpolate::VERSION,
            Self::Surface(_) => Surface::VERSION,
        }
    }

    /// The names of the series that a run records (see [`crate::metrics::Metrics`]), without those of a single number.
    pub fn series(&self) -> Vec<&'static str> {
        match self {
            Self::FitFunction(parameters) => parameters.series(),
            Self::Classify(parameters) => parameters.series(),
            Self::CriticalPoint(parameters) => parameters.series(),
            Self::Interpolate(parameters) => parameters.series(),
            Self::Surface(parameters) => parameters.series(),
        }
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        match self {
            Self::FitFunction(parameters) => parameters.numbers(),
            Self::Classify(parameters) => parameters.numbers(),
            Self::CriticalPoint(parameters) => parameters.numbers(),
            Self::Interpolate(_) => vec![],
            Self::Surface(parameters) => parameters.numbers(),
        }
    }

    /// The network that a run trains and keeps, with its examples; none if it keeps none.
    pub fn trained_model(&self) -> Option<TrainedModel> {
        match self {
            Self::Classify(it) => Some(TrainedModel::Classify { model: it.model.clone(), data: it.data }),
            Self::FitFunction(it) => Some(TrainedModel::FitFunction {
                function: it.function,
                hidden: it.hidden.clone(),
                interval: it.interval,
                points: it.points,
            }),
            Self::CriticalPoint(_) | Self::Interpolate(_) | Self::Surface(_) => None,
        }
    }

    /// The kind of the network that is trained, or looked at again.
    pub const fn trained_kind(&self) -> &'static str {
        let trained = match self {
            Self::FitFunction(_) | Self::Classify(_) | Self::CriticalPoint(_) => return self.kind(),
            Self::Interpolate(parameters) => &parameters.trained,
            Self::Surface(parameters) => &parameters.trained,
        };
        match trained {
            TrainedModel::Classify { .. } => Classify::KIND,
            TrainedModel::FitFunction { .. } => FitFunction::KIND,
        }
    }

    /// The loss of the network that is trained, or looked at again.
    pub const fn loss(&self) -> Loss {
        match self {
            Self::FitFunction(_) | Self::CriticalPoint(_) => Loss::MeanSquaredError,
            Self::Classify(_) => Loss::CrossEntropy,
            Self::Interpolate(Interpolate { trained, .. }) | Self::Surface(Surface { trained, .. }) => {
                match trained {
                    TrainedModel::Classify { .. } => Loss::CrossEntropy,
                    TrainedModel::FitFunction { .. } => Loss::MeanSquaredError,
                }
            }
        }
    }

    /// The names of the layers of the network that a run trains, in their order; none if it trains none that is kept.
    pub fn layers(&self) -> Vec<String> {
        let (conv, dense) = match self {
            Self::Classify(parameters) => (parameters.model.conv.len(), parameters.model.dense.len()),
            Self::FitFunction(parameters) => (0, parameters.hidden.len()),
            Self::CriticalPoint(_) | Self::Interpolate(_) | Self::Surface(_) => return Vec::new(),
        };
        let conv = (0..conv).map(|index| format!("conv{index}"));
        conv.chain((0..dense).map(|index| format!("dense{index}"))).chain(["output".to_owned()]).collect()
    }

    /// How often the weights are kept before the end, if they are kept at all: at initialisation and every so many epochs. The
    /// weights of the end are kept beside them.
    pub fn snapshots(&self) -> Option<u32> {
        let (_, epochs) = self.recording()?;
        self.weights_every().filter(|every| *every > 0).map(|every| epochs.div_ceil(every))
    }

    /// Every how many epochs the weights are kept as tensors of the result, if they are.
    pub fn weights_every(&self) -> Option<u32> {
        self.recording()?.0.weights_every
    }

    /// The recording of a network that is trained epoch by epoch, and the number of epochs.
    const fn recording(&self) -> Option<(Recording, u32)> {
        match self {
            Self::FitFunction(parameters) => Some((parameters.record, parameters.epochs)),
            Self::Classify(parameters) => Some((parameters.record, parameters.epochs)),
            Self::CriticalPoint(_) | Self::Interpolate(_) | Self::Surface(_) => None,
        }
    }
}
