//! `classify`: a convolutional or dense network classifies images (experiments B to H).

use serde::{Deserialize, Serialize};

use super::loss::ClassificationLoss;
use super::series::{names, training};
use super::stream_seeds::StreamSeeds;
use super::training_settings::TrainingSettings;
use super::training_time::TrainingTime;
use crate::data::{Augmentation, DataUse};
use crate::network::Network;

/// The parameters of `classify`: classes of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classify {
    /// The network.
    pub model: Network,
    /// The part of the data set, and how its labels are treated.
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
    #[serde(default, skip_serializing_if = "ClassificationLoss::is_default")]
    pub loss: ClassificationLoss,
    /// The optimiser, and what is recorded on the way: its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub training: TrainingSettings,
}

impl Classify {
    /// The kind's name.
    pub const KIND: &'static str = "classify";
    /// The kind's version.
    pub const VERSION: u32 = 3;

    /// The names of the series that a run records.
    pub fn series(&self) -> Vec<&'static str> {
        let always = names(&training::LOSSES_AND_ACCURACIES).into_iter();
        let average = self
            .training
            .optimizer
            .average
            .map(|_| names(&[training::AVERAGE_TEST_LOSS, training::AVERAGE_TEST_ACCURACY]));
        let average = average.into_iter().flatten();
        let settings = self.training.series(self.model.layer_names().len());
        always.chain(average).chain(settings).collect()
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        let always = [training::PARAMETERS, training::FINAL_TRAIN_LOSS, training::FINAL_TRAIN_ACCURACY];
        names(&always).into_iter().chain(self.training.numbers()).collect()
    }
}
