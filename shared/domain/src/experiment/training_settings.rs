//! The settings that every kind has that trains: the optimiser, its course, and what is recorded and measured on the way.

use serde::{Deserialize, Serialize};

use super::branch::{Branch, RecordedStates};
use super::probe::ProbeSchedule;
use super::pruning::Pruning;
use super::recording::Recording;
use super::series::training;
use super::stop::StopRule;
use crate::optimizer::Optimizer;
use crate::schedule::LearningRateSchedule;

/// How a network is trained, beside its data, its budget and its loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSettings {
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The course of the learning rate.
    #[serde(default, skip_serializing_if = "LearningRateSchedule::is_constant")]
    pub schedule: LearningRateSchedule,
    /// The recording.
    pub record: Recording,
    /// The probes.
    #[serde(default, skip_serializing_if = "ProbeSchedule::is_empty")]
    pub probes: ProbeSchedule,
    /// What ends training before its budget does, in the order of [`StopRule`]'s variants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<StopRule>,
    /// The steps after which the whole state is kept, so that other runs may begin with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<RecordedStates>,
    /// How training begins with that of another run, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Branch>,
    /// The weights that are held at zero, if any are; then there is no `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<Pruning>,
}

impl TrainingSettings {
    /// An optimiser at a constant learning rate; nothing is recorded but losses, and nothing is measured.
    pub fn of(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            schedule: LearningRateSchedule::default(),
            record: Recording::default(),
            probes: ProbeSchedule::default(),
            stop: Vec::new(),
            states: None,
            start: None,
            prune: None,
        }
    }

    /// The step at which training begins: 0 but for runs that go on from a later one.
    pub fn first_step(&self) -> u64 {
        let branch = self.start.map(|start| start.first_step());
        branch.or(self.prune.map(|prune| prune.first_step())).unwrap_or(0)
    }

    /// The names of the series that these settings add, for a network of so many layers with parameters.
    pub(super) fn series(&self, layers: usize) -> impl Iterator<Item = &'static str> {
        let rate = (!self.schedule.is_constant()).then_some(training::LEARNING_RATE.name);
        rate.into_iter().chain(self.record.series()).chain(self.probes.series(layers))
    }

    /// The names of the single numbers that these settings add.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.prune.map(|_| training::REMAINING_WEIGHTS.name).into_iter()
    }
}
