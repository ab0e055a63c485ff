//! Events and commands for the journal's tests.

use basin_core::command::{Launch, LaunchTask, Policy};
use basin_core::{Event, Ledger, decide};
use basin_domain::experiment::{Experiment, FitFunction, Function, TrainingSettings, TrainingTime};
use basin_domain::id::SweepId;
use basin_domain::optimizer::Optimizer;
use basin_domain::task::TaskSpec;
use basin_domain::time::Timestamp;

/// The launch of a sweep with this many tasks.
pub(super) fn launch(id: &str, tasks: u64) -> Launch {
    let tasks = (0..tasks).map(|seed| {
        let experiment = Experiment::FitFunction(FitFunction {
            function: Function::Sin,
            hidden: vec![8],
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
        let spec = TaskSpec {
            version: experiment.version(),
            experiment,
            seed,
            data: None,
            inputs: Default::default(),
        };
        LaunchTask { id: spec.id(), experiment: "fit".into(), spec }
    });
    Launch {
        sweep: sweep(id),
        user: None,
        adjustment: Default::default(),
        tasks: tasks.collect(),
        committed: vec![],
        needs: Default::default(),
    }
}

pub(super) fn sweep(id: &str) -> SweepId {
    SweepId::new(id).unwrap()
}

/// The event of such a launch.
pub(super) fn launched(tasks: u64) -> Event {
    let ledger = Ledger::new(Policy::default());
    decide(&ledger, Timestamp(1), launch("long", tasks)).unwrap().0.remove(0)
}

/// This many events of a true history: launches of small sweeps.
pub(super) fn events(count: u64) -> Vec<Event> {
    let mut ledger = Ledger::new(Policy::default());
    let mut events = vec![];
    for number in 0..count {
        let command = launch(&format!("s{number}"), number + 1);
        for event in decide(&ledger, Timestamp(number), command).unwrap().0 {
            ledger.apply(&event);
            events.push(event);
        }
    }
    events
}
