//! The kinds of experiment and their typed parameters, one file a kind.
//!
//! Parameters are complete (defaults are filled in) and valid once they exist. Their canonical JSON enters a task's id, so
//! a field is never renamed and a meaning never changed without raising the kind's [`Experiment::version`].

use serde::{Deserialize, Serialize};

use crate::data::SplitSizes;
use crate::id::CommandName;
use crate::schedule::LearningRateSchedule;

mod branch;
mod canonical;
mod classify;
pub mod command;
mod cost;
mod critical_point;
mod custom;
mod data_fit;
mod fit_function;
mod function;
mod interpolate;
mod interval;
mod loss;
mod memory;
mod network;
mod probe;
mod pruning;
mod recording;
mod regress;
pub mod series;
mod snapshot;
mod stop;
mod stop_reason;
mod stream_seeds;
mod surface;
mod trained_model;
mod training_clock;
mod training_settings;
mod training_time;
pub mod work;

pub use branch::{Branch, RecordedStates};
pub use classify::Classify;
pub use command::{Command, Parameter, Parameters};
pub use critical_point::{Activation, CriticalPoint, MinimalRatio, Polish, Search, SearchStart};
pub use custom::Custom;
pub use data_fit::DataMisfit;
pub use fit_function::FitFunction;
pub use function::{Function, NoValue, PointLayout, SampledFunction, Sampling};
pub use interpolate::{Interpolate, Ratios};
pub use interval::{DueSteps, Interval};
pub use loss::{ClassificationLoss, ValueLoss};
pub use probe::{Probe, ProbeSchedule};
pub use pruning::{PruneBy, PruneScope, Pruning, Rewind};
pub use recording::Recording;
pub use regress::Regress;
pub use series::Loss;
pub use snapshot::{InvalidSnapshotPlace, SnapshotPlace};
pub use stop::{StopRule, WatchedSeries, first_that_holds};
pub use stop_reason::StopReason;
pub use stream_seeds::StreamSeeds;
pub use surface::{Plane, Surface, Tile};
pub use trained_model::TrainedModel;
pub use training_clock::TrainingClock;
pub use training_settings::TrainingSettings;
pub use training_time::TrainingTime;

pub use crate::network::ConvNet;

/// An experiment: its kind with that kind's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Experiment {
    /// A dense network is fitted to a function of one variable.
    FitFunction(FitFunction),
    /// A convolutional or dense network classifies images.
    Classify(Classify),
    /// A network learns the values of a data set.
    Regress(Regress),
    /// A small dense network is led to where its gradient is almost zero.
    CriticalPoint(CriticalPoint),
    /// Two solutions are interpolated.
    Interpolate(Interpolate),
    /// The loss over a plane through a solution.
    Surface(Surface),
    /// A program that a worker's operator allows.
    Command(Command),
    /// A kind that a worker's own program brings.
    Custom(Custom),
}

impl Experiment {
    /// The names of Basin's own kinds.
    pub const KINDS: [&'static str; 6] = [
        FitFunction::KIND,
        Classify::KIND,
        CriticalPoint::KIND,
        Interpolate::KIND,
        Surface::KIND,
        Command::KIND,
    ];

    /// The kind's name as the sweep file spells it.
    pub fn kind(&self) -> &str {
        match self {
            Self::FitFunction(_) => FitFunction::KIND,
            Self::Classify(_) => Classify::KIND,
            Self::Regress(_) => Regress::KIND,
            Self::CriticalPoint(_) => CriticalPoint::KIND,
            Self::Interpolate(_) => Interpolate::KIND,
            Self::Surface(_) => Surface::KIND,
            Self::Command(_) => Command::KIND,
            Self::Custom(it) => it.name.as_str(),
        }
    }

    /// The version of the kind: raised whenever the same parameters would give other results.
    pub const fn version(&self) -> u32 {
        match self {
            Self::FitFunction(_) => FitFunction::VERSION,
            Self::Classify(_) => Classify::VERSION,
            Self::Regress(_) => Regress::VERSION,
            Self::CriticalPoint(_) => CriticalPoint::VERSION,
            Self::Interpolate(_) => Interpolate::VERSION,
            Self::Surface(_) => Surface::VERSION,
            Self::Command(_) => Command::VERSION,
            Self::Custom(it) => it.version,
        }
    }

    /// The names of the series that a run records (see [`crate::metrics::Metrics`]), without those of a single number. What a
    /// program records, the sweep file knows; what a kind of one's own does, its declaration.
    pub fn series(&self) -> Vec<&'static str> {
        match self {
            Self::FitFunction(parameters) => parameters.series(),
            Self::Classify(parameters) => parameters.series(),
            Self::Regress(parameters) => parameters.series(),
            Self::CriticalPoint(parameters) => parameters.series(),
            Self::Interpolate(parameters) => parameters.series(),
            Self::Surface(parameters) => parameters.series(),
            Self::Command(_) | Self::Custom(_) => vec![],
        }
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        match self {
            Self::FitFunction(parameters) => parameters.numbers(),
            Self::Classify(parameters) => parameters.numbers(),
            Self::Regress(parameters) => parameters.numbers(),
            Self::CriticalPoint(parameters) => parameters.numbers(),
            Self::Interpolate(parameters) => parameters.numbers(),
            Self::Surface(parameters) => parameters.numbers(),
            Self::Command(_) | Self::Custom(_) => vec![],
        }
    }

    /// The network that a run trains and keeps, with its examples; none if it keeps none.
    pub fn trained_model(&self) -> Option<TrainedModel> {
        match self {
            Self::Classify(it) => {
                let (model, data, loss) = (it.model.clone(), it.data.clone(), it.loss);
                Some(TrainedModel::Classify { model, data, loss })
            }
            Self::Regress(it) => {
                let (model, data, loss) = (it.model.clone(), it.data.clone(), it.loss);
                Some(TrainedModel::Regress { model, data, loss })
            }
            Self::FitFunction(it) => Some(TrainedModel::FitFunction {
                function: it.function.clone(),
                hidden: it.hidden.clone(),
                model: it.model.clone(),
                interval: it.interval,
                points: it.points,
                layout: it.layout.clone(),
                loss: it.loss,
            }),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }

    /// The kind of the network that is trained, or looked at again.
    pub fn trained_kind(&self) -> &str {
        let trained = match self {
            Self::FitFunction(_)
            | Self::Classify(_)
            | Self::Regress(_)
            | Self::CriticalPoint(_)
            | Self::Command(_)
            | Self::Custom(_) => return self.kind(),
            Self::Interpolate(parameters) => &parameters.trained,
            Self::Surface(parameters) => &parameters.trained,
        };
        match trained {
            TrainedModel::Classify { .. } => Classify::KIND,
            TrainedModel::Regress { .. } => Regress::KIND,
            TrainedModel::FitFunction { .. } => FitFunction::KIND,
        }
    }

    /// The loss of the network that is trained, or looked at again; none if it isn't known.
    pub const fn loss(&self) -> Option<Loss> {
        match self {
            Self::FitFunction(it) => Some(it.loss.sort()),
            Self::Classify(it) => Some(it.loss.sort()),
            Self::Regress(it) => Some(it.loss.sort()),
            Self::CriticalPoint(_) => Some(Loss::MeanSquaredError),
            Self::Interpolate(Interpolate { trained, .. }) | Self::Surface(Surface { trained, .. }) => {
                Some(trained.loss())
            }
            Self::Command(_) | Self::Custom(_) => None,
        }
    }

    /// Whether the same spec gives the same bytes: everything does that Basin computes itself, and for a kind of one's own its author
    /// vouches.
    pub const fn is_reproducible(&self) -> bool {
        match self {
            Self::FitFunction(_)
            | Self::Classify(_)
            | Self::Regress(_)
            | Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Custom(_) => true,
            Self::Command(_) => false,
        }
    }

    /// The command that a worker must allow to run it.
    pub const fn command(&self) -> Option<&CommandName> {
        match self {
            Self::Command(parameters) => Some(&parameters.command),
            Self::FitFunction(_)
            | Self::Classify(_)
            | Self::Regress(_)
            | Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Custom(_) => None,
        }
    }

    /// The kind of one's own that a worker's program must have, with its version.
    pub const fn custom(&self) -> Option<&Custom> {
        match self {
            Self::Custom(it) => Some(it),
            Self::FitFunction(_)
            | Self::Classify(_)
            | Self::Regress(_)
            | Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_) => None,
        }
    }

    /// The names of the layers with parameters of the network that a run trains, in their order; none if it trains none that is
    /// kept.
    pub fn layers(&self) -> Vec<String> {
        match self {
            Self::Classify(parameters) => parameters.model.layer_names(),
            Self::Regress(parameters) => parameters.model.layer_names(),
            Self::FitFunction(parameters) => parameters.network().layer_names(),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => Vec::new(),
        }
    }

    /// How often the weights are kept before the end, if they are kept at all and the file alone tells: at initialisation and in the
    /// intervals. The weights of the end are kept beside them. A run that a rule stops may keep fewer.
    pub fn snapshots(&self) -> Option<u64> {
        let (_, budget) = self.recording()?;
        self.weights_every()?.times_before_the_end(budget)
    }

    /// How often the weights are kept as tensors of the result, if they are.
    pub fn weights_every(&self) -> Option<Interval> {
        self.recording()?.0.weights_every
    }

    /// The settings of a network's training, if one is trained batch by batch.
    pub const fn training(&self) -> Option<&TrainingSettings> {
        match self {
            Self::FitFunction(parameters) => Some(&parameters.training),
            Self::Classify(parameters) => Some(&parameters.training),
            Self::Regress(parameters) => Some(&parameters.training),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }

    /// The same, to be completed with what other runs say.
    pub(crate) const fn training_mut(&mut self) -> Option<&mut TrainingSettings> {
        match self {
            Self::FitFunction(parameters) => Some(&mut parameters.training),
            Self::Classify(parameters) => Some(&mut parameters.training),
            Self::Regress(parameters) => Some(&mut parameters.training),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }

    /// The schedule of the learning rate of a network that is trained batch by batch.
    pub const fn schedule(&self) -> Option<&LearningRateSchedule> {
        match self {
            Self::FitFunction(parameters) => Some(&parameters.training.schedule),
            Self::Classify(parameters) => Some(&parameters.training.schedule),
            Self::Regress(parameters) => Some(&parameters.training.schedule),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }

    /// The clock of a network that is trained batch by batch, if the number of its training examples is known: `all` is how many
    /// examples its data set has.
    pub fn clock(&self, all: Option<SplitSizes>) -> Option<TrainingClock> {
        match self {
            Self::FitFunction(it) => {
                let count = it.sampled().count();
                Some(TrainingClock::new(it.budget, count, it.batch_size.map_or(count, u64::from)))
            }
            Self::Classify(it) => {
                let examples = it.data.train_limit.or(all.map(|all| all.train))?;
                let examples = examples.saturating_mul(u64::from(it.data.label_copies) + 1);
                Some(TrainingClock::new(it.budget, examples, u64::from(it.batch_size)))
            }
            Self::Regress(it) => {
                let examples = it.data.train_limit.or(all.map(|all| all.train))?;
                Some(TrainingClock::new(it.budget, examples, u64::from(it.batch_size)))
            }
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }

    /// The recording of a network that is trained batch by batch, and how long that takes.
    const fn recording(&self) -> Option<(Recording, TrainingTime)> {
        match self {
            Self::FitFunction(parameters) => Some((parameters.training.record, parameters.budget)),
            Self::Classify(parameters) => Some((parameters.training.record, parameters.budget)),
            Self::Regress(parameters) => Some((parameters.training.record, parameters.budget)),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }
}
