//! How much work a task is, in seconds of a reference machine: what time left, and `basin plan`, are predicted from.
//!
//! A task's work is counted part by part, in the order in which a run does it: steps, evaluations, probes, cells, iterations of a
//! search. Each part costs what its arithmetic costs there: so much a product, so much a number that passes through memory, so much a
//! call. Nothing is decided by it, and no result depends on it: it may be wrong by a third, and whoever measures corrects it.
//!
//! Start reading at [`Work`]; [`NetworkWork`] is what one pass of a network costs.

mod critical_point_work;
mod machine_pace;
mod network_work;
mod probe_work;
mod training_work;
mod work_seconds;

use super::{Experiment, SampledFunction, TrainedModel};
use crate::data::{Contents, DataUse, Dataset, SplitSizes};
use crate::task::Task;

pub use critical_point_work::{CriticalPointWork, SearchStage};
pub use machine_pace::MachinePace;
pub use network_work::NetworkWork;
pub use training_work::{StepRest, TrainingWork};
pub use work_seconds::WorkSeconds;

/// The work of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Work {
    /// So many seconds of the reference machine.
    Seconds(WorkSeconds),
    /// Nobody knows how long: so much, compared with other tasks of its experiment.
    Relative(f64),
}

/// The work of each of these tasks; `stored` knows what data sets hold that Basin doesn't make. Tasks that differ in their seed alone follow
/// each other in a plan, and are counted once.
pub fn works<'a>(tasks: &'a [Task], stored: impl Fn(&Dataset) -> Option<Contents>) -> Vec<Work> {
    let mut last: Option<(&Task, Work)> = None;
    let of_task = |task: &'a Task| {
        let is_like =
            |other: &Task| other.spec.experiment == task.spec.experiment && other.spec.data == task.spec.data;
        let work = match last {
            Some((other, work)) if is_like(other) => work,
            Some(_) | None => task.spec.experiment.work(task.spec.contents(&stored).as_ref()),
        };
        last = Some((task, work));
        work
    };
    tasks.iter().map(of_task).collect()
}

impl Experiment {
    /// The work of a task; `contents` is what its data set holds, if it reads one. Where that isn't known, or the network doesn't fit,
    /// nobody knows how long it takes.
    pub fn work(&self, contents: Option<&Contents>) -> Work {
        match self {
            Self::Command(_) => Work::Relative(1.0),
            // Orders beyond the greatest float's are as good as that.
            Self::Custom(it) => {
                Work::Relative((0..it.work.min(1_000)).fold(1.0, |amount: f64, _| amount * 2.0))
            }
            Self::CriticalPoint(it) => Work::Seconds(CriticalPointWork::new(it).total() + begun()),
            Self::Classify(_)
            | Self::Regress(_)
            | Self::FitFunction(_)
            | Self::Interpolate(_)
            | Self::Surface(_) => self.network_seconds(contents).map_or(Work::Relative(1.0), Work::Seconds),
        }
    }

    /// The work of a task that trains a network, or looks at one again.
    fn network_seconds(&self, contents: Option<&Contents>) -> Option<WorkSeconds> {
        let graph = self.graph(contents).ok()??;
        let network = NetworkWork::of(&graph);
        let of_data = |data: &DataUse| Some(used_examples(data, contents?.sizes));
        let evaluated = |trained: &TrainedModel| match trained {
            TrainedModel::Classify { data, .. } | TrainedModel::Regress { data, .. } => of_data(data),
            TrainedModel::FitFunction { function, points, layout, interval, .. } => {
                let sampled = SampledFunction {
                    function: function.clone(),
                    interval: *interval,
                    points: *points,
                    layout: layout.clone(),
                };
                Some(SplitSizes { train: sampled.count(), test: 0 })
            }
        };
        let up_to = |all: u64, most: Option<u32>| most.map_or(all, |most| all.min(u64::from(most)));
        let work = match self {
            Self::Classify(it) => {
                let examples = of_data(&it.data)?;
                let clock = self.clock(contents.map(|contents| contents.sizes))?;
                TrainingWork::new(&network, &it.training, clock, examples, false).total()
            }
            Self::Regress(it) => {
                let examples = of_data(&it.data)?;
                let clock = self.clock(contents.map(|contents| contents.sizes))?;
                TrainingWork::new(&network, &it.training, clock, examples, false).total()
            }
            Self::FitFunction(it) => {
                let examples = SplitSizes { train: it.sampled().count(), test: 0 };
                TrainingWork::new(&network, &it.training, self.clock(None)?, examples, true).total()
            }
            Self::Interpolate(it) => {
                let examples = evaluated(&it.trained)?;
                let each = network.evaluation(up_to(examples.train, it.examples) as f64)
                    + network.evaluation(up_to(examples.test, it.examples) as f64);
                (network.move_weights() + each) * f64::from(it.ratios.count)
            }
            Self::Surface(it) => {
                let examples = up_to(evaluated(&it.trained)?.train, it.examples);
                let cells = it.tile.rows(it.resolution).len() as f64 * f64::from(it.resolution);
                (network.move_weights() + network.evaluation(examples as f64)) * cells
            }
            Self::CriticalPoint(_) | Self::Command(_) | Self::Custom(_) => return None,
        };
        Some(work + begun())
    }
}

/// What every task takes to be begun and delivered: calls, files, the network drawn, the commit.
fn begun() -> WorkSeconds {
    WorkSeconds { fixed: 0.01, ..WorkSeconds::default() }
}

/// The examples that a task uses of a data set of these sizes.
pub(super) fn used_examples(data: &DataUse, all: SplitSizes) -> SplitSizes {
    let train = data.train_limit.map_or(all.train, |limit| limit.min(all.train));
    let train = train.saturating_mul(u64::from(data.label_copies) + 1);
    SplitSizes { train, test: data.test_limit.map_or(all.test, |limit| limit.min(all.test)) }
}

#[cfg(test)]
mod tests;
