//! The sweeps that are launched, and the fate of each of their tasks.

use std::collections::BTreeMap;

use basin_core::command::{Launch, LaunchTask};
use basin_domain::experiment::{Experiment, FitFunction, Function, TrainingSettings, TrainingTime};
use basin_domain::id::{SweepId, TaskId};
use basin_domain::optimizer::Optimizer;
use basin_domain::scheduling::{SchedulingChange, UserName};
use basin_domain::task::TaskSpec;

use crate::chance::Chance;

/// The end of a task's training, wherever it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Completes,
    Diverges,
    /// Its parameters can't be trained.
    Invalid,
    /// It takes its executor down, and the lanes beside it.
    Poison,
    /// It fails now and then while things are bad.
    Flaky,
}

impl Fate {
    /// Whether it ends in the store once everything works.
    pub(crate) fn commits(self) -> bool {
        match self {
            Self::Completes | Self::Diverges | Self::Flaky => true,
            Self::Invalid | Self::Poison => false,
        }
    }
}

/// Three sweeps that overlap, with tasks that read others' results.
pub(crate) struct Plan {
    pub(crate) launches: Vec<Launch>,
    pub(crate) fates: BTreeMap<TaskId, Fate>,
}

impl Plan {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let roots = |width: u32, from: u64, to: u64| (from..to).map(move |seed| spec(width, seed, &[]));
        let first: Vec<TaskSpec> = roots(8, 0, 6).collect();
        let reader = spec(20, 0, &[first[0].id(), first[4].id()]);
        let second = spec(21, 0, &[reader.id()]);
        let third = spec(22, 0, &[first[5].id()]);
        let one = [vec![second, reader], first, roots(9, 0, 3).collect()].concat();
        let two = roots(8, 3, 9).chain([third]).collect();
        let three = roots(10, 0, 4).chain(roots(9, 2, 4)).collect();
        let mut fates = BTreeMap::new();
        let launches =
            [("one", one), ("two", two), ("three", three)].map(|(name, specs): (_, Vec<TaskSpec>)| {
                let tasks: Vec<LaunchTask> = specs
                    .into_iter()
                    .map(|spec| LaunchTask { id: spec.id(), experiment: "simulated".into(), spec })
                    .collect();
                for task in &tasks {
                    fates.entry(task.id).or_insert_with(|| match chance.between(0, 20) {
                        0 => Fate::Invalid,
                        1 => Fate::Poison,
                        2 | 3 => Fate::Diverges,
                        4 | 5 => Fate::Flaky,
                        _ => Fate::Completes,
                    });
                }
                Launch {
                    sweep: sweep(name),
                    user: (name != "three").then(|| UserName::new("ann").expect("that is a name")),
                    adjustment: SchedulingChange::default(),
                    tasks,
                    committed: vec![],
                    needs: Default::default(),
                }
            });
        Self { launches: launches.to_vec(), fates }
    }
}

pub(crate) fn sweep(name: &str) -> SweepId {
    SweepId::new(name).expect("that is an id")
}

fn spec(width: u32, seed: u64, inputs: &[TaskId]) -> TaskSpec {
    let experiment = Experiment::FitFunction(FitFunction {
        function: Function::Sin,
        hidden: vec![width],
        model: None,
        interval: (-3.0, 3.0),
        points: 16,
        layout: Default::default(),
        seeds: Default::default(),
        batch_size: None,
        budget: TrainingTime::Epochs(1),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
    });
    let inputs = inputs.iter().enumerate().map(|(number, id)| (format!("input-{number}"), *id)).collect();
    TaskSpec { version: experiment.version(), experiment, seed, data: None, inputs }
}
