//! How much memory an executor needs on a processor for the tasks that it trains side by side.
//!
//! Counted is what is large: the program, the data set's file, weights and what training keeps beside them, the results of the layers for a
//! batch, for a piece of an evaluation and for a piece of a probe. The constants are measured (`docs/measuring.md`). Nothing is decided by it,
//! and no result depends on it: `basin plan` says it, and whoever measures corrects it.

mod network_memory;

use self::network_memory::NetworkMemory;
use super::work::used_examples;
use super::{Experiment, TrainingSettings};
use crate::data::{Contents, InputKind, SplitSizes};
use crate::optimizer::{Optimizer, RmsProp, Rule, Sgd};

/// An executor that has trained nothing: its program, its libraries.
const EXECUTOR: u64 = 25 << 20;
/// The bytes that training keeps of a parameter beside what the optimiser does: the weight, its gradient, copies while it steps, and while
/// weights are written.
const OF_PARAMETER: u64 = 18;
/// Bytes of a number in single precision.
const SINGLE: u64 = 4;

impl Experiment {
    /// The most bytes that an executor has while it trains so many tasks of this experiment side by side on a processor; `contents` is what
    /// their data set holds, if they read one. None for what doesn't train a network batch by batch, and where the network doesn't fit.
    pub fn executor_memory(&self, contents: Option<&Contents>, lanes: u32) -> Option<u64> {
        let own = self.task_memory(contents)?;
        let file = contents.map_or(0, file_bytes);
        Some(EXECUTOR.saturating_add(file).saturating_add(own.saturating_mul(u64::from(lanes.max(1)))))
    }

    /// The bytes of one task's own.
    fn task_memory(&self, contents: Option<&Contents>) -> Option<u64> {
        let training = self.training()?;
        let network = NetworkMemory::of(&self.graph(contents).ok()??);
        let sizes = contents.map(|contents| contents.sizes);
        let examples = self.used_sizes(sizes)?;
        let steps = self.clock(sizes)?.steps_an_epoch().max(1);
        let kept = OF_PARAMETER + SINGLE * accumulators(&training.optimizer);
        let snapshots = self.snapshots().unwrap_or(0);
        let parts = [
            network.parameters().saturating_mul(kept),
            network.parameters().saturating_mul(SINGLE).saturating_mul(snapshots),
            network.training(examples.train.div_ceil(steps)),
            network.evaluation(examples.train.max(examples.test)),
            largest_probe(training, &network, examples),
        ];
        Some(parts.into_iter().fold(0, u64::saturating_add))
    }

    /// The examples that a task uses of a data set of these sizes.
    fn used_sizes(&self, all: Option<SplitSizes>) -> Option<SplitSizes> {
        match self {
            Self::Classify(it) => Some(used_examples(&it.data, all?)),
            Self::Regress(it) => Some(used_examples(&it.data, all?)),
            Self::FitFunction(it) => Some(SplitSizes { train: it.sampled().count(), test: 0 }),
            Self::CriticalPoint(_)
            | Self::Interpolate(_)
            | Self::Surface(_)
            | Self::Command(_)
            | Self::Custom(_) => None,
        }
    }
}

/// The bytes of a data set's decoded file, which an executor maps and reads through.
fn file_bytes(contents: &Contents) -> u64 {
    let (numbers, bytes) = match &contents.example {
        InputKind::Image(axes) => (elements(axes), 1),
        InputKind::Features(axes) => (elements(axes), SINGLE),
        InputKind::Tokens { length, .. } => (u64::from(*length), SINGLE),
    };
    let examples = contents.sizes.train.saturating_add(contents.sizes.test);
    examples.saturating_mul(numbers.saturating_mul(bytes).saturating_add(SINGLE))
}

fn elements(axes: &[u32]) -> u64 {
    axes.iter().fold(1, |product: u64, &axis| product.saturating_mul(u64::from(axis)))
}

/// The numbers that an optimiser keeps of a parameter.
fn accumulators(optimizer: &Optimizer) -> u64 {
    let of_rule = match optimizer.rule {
        Rule::Adam(_) | Rule::AdamW(_) => 2,
        Rule::Lion(_) | Rule::Muon(_) => 1,
        Rule::Sgd(Sgd { momentum, .. }) => u64::from(momentum != 0.0),
        Rule::RmsProp(RmsProp { momentum, centered, .. }) => {
            1 + u64::from(momentum != 0.0) + u64::from(centered)
        }
    };
    of_rule + u64::from(optimizer.average.is_some()) + u64::from(optimizer.sam.is_some())
}

/// The bytes of the probe that needs most: one measures after the other.
fn largest_probe(training: &TrainingSettings, network: &NetworkMemory, examples: SplitSizes) -> u64 {
    training.probes.probes.iter().map(|probe| network.probe(probe, examples)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
