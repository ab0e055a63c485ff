//! `regress`: a network learns the values of a data set.

use serde::{Deserialize, Serialize};

use super::loss::ValueLoss;
use super::series::{names, training};
use super::stream_seeds::StreamSeeds;
use super::training_settings::TrainingSettings;
use super::training_time::TrainingTime;
use crate::data::{Augmentation, DataUse};
use crate::network::Network;

/// The parameters of `regress`: a data set whose targets are values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regress {
    /// The network; it has an output for each value.
    pub model: Network,
    /// The part of the data set. There are no labels that could be noisy.
    pub data: DataUse,
    /// How training sees images.
    #[serde(default, skip_serializing_if = "Augmentation::is_none")]
    pub augmentation: Augmentation,
    /// The seeds of what is drawn, where they aren't the task's.
    #[serde(default, skip_serializing_if = "StreamSeeds::is_none")]
    pub seeds: StreamSeeds,
    /// Examples a batch; the last batch of an epoch may be smaller.
    pub batch_size: u32,
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

impl Regress {
    /// The kind's name.
    pub const KIND: &'static str = "regress";
    /// The kind's version.
    pub const VERSION: u32 = 1;

    /// The names of the series that a run records.
    pub fn series(&self) -> Vec<&'static str> {
        let explained = (self.loss == ValueLoss::MeanSquaredError).then_some(training::TEST_R_SQUARED.name);
        let average = self.training.optimizer.average.map(|_| training::AVERAGE_TEST_LOSS.name);
        names(&[training::TRAIN_LOSS, training::TEST_LOSS])
            .into_iter()
            .chain(explained)
            .chain(average)
            .chain(self.training.series(self.model.layer_names().len()))
            .collect()
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        let always = [training::PARAMETERS, training::FINAL_TRAIN_LOSS];
        names(&always).into_iter().chain(self.training.numbers()).collect()
    }
}
