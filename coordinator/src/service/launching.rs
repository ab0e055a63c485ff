//! A launch as the ledger gets it: large ones in parts, so that workers' calls are answered in between.

use std::collections::HashMap;

use basin_core::command::{CommitRecord, Launch, LaunchCounts, LaunchPart, LaunchTask};
use basin_domain::id::TaskId;
use tonic::Status;

use super::{Coordinator, LaunchOutcome};

/// The most tasks of one request: its thread has them in a few milliseconds.
pub(super) const PART_SIZE: usize = 1000;

impl Coordinator {
    /// Launches a sweep. All of it is durable when this returns, and nobody sees any of it before. If it is broken off, the next
    /// launch of the sweep goes on where it was.
    ///
    /// # Errors
    /// If the ledger refuses it, or has closed.
    pub(super) async fn launch_in_parts(&self, launch: Launch) -> Result<LaunchOutcome, Status> {
        let sweep = launch.sweep.clone();
        let parts = tokio::task::spawn_blocking(move || LaunchParts::of(launch)).await;
        let parts = parts.map_err(|_| Status::internal("the sweep could not be taken apart"))?;
        let mut launched = LaunchOutcome { sweep, counts: LaunchCounts::default(), notes: Vec::new() };
        for part in parts {
            let LaunchCounts { new, reused, shared } = self.decide(part).await?;
            launched.counts.new += new;
            launched.counts.reused += reused;
            launched.counts.shared += shared;
        }
        Ok(launched)
    }
}

/// The requests that launch a sweep.
enum LaunchParts {
    /// All of it in one, until that is taken.
    Whole(Option<Launch>),
    Sliced(Box<SlicedLaunch>),
}

/// A launch whose tasks go out a slice at a time.
struct SlicedLaunch {
    /// The sweep without its tasks and commits.
    frame: Launch,
    tasks: std::iter::Peekable<std::vec::IntoIter<LaunchTask>>,
    committed: HashMap<TaskId, CommitRecord>,
    unlisted: Vec<TaskId>,
    from: u64,
    of: u64,
}

impl LaunchParts {
    fn of(mut launch: Launch) -> Self {
        let part = |position: usize| position / PART_SIZE;
        let is_small = launch.tasks.len() <= PART_SIZE;
        let mut unlisted = Vec::new();
        let mut reads_ahead = false;
        if !is_small && launch.tasks.iter().any(|task| !task.spec.inputs.is_empty()) {
            let mut parts: HashMap<TaskId, usize> = HashMap::with_capacity(launch.tasks.len());
            for (position, task) in launch.tasks.iter().enumerate() {
                parts.entry(task.id).or_insert_with(|| part(position));
            }
            for (position, task) in launch.tasks.iter().enumerate() {
                for input in task.spec.inputs.values() {
                    match parts.get(input) {
                        None => unlisted.push(*input),
                        // The ledger takes a task's inputs before the task.
                        Some(other) => reads_ahead |= *other > part(position),
                    }
                }
            }
            unlisted.sort_unstable();
            unlisted.dedup();
        }
        if is_small || reads_ahead {
            return Self::Whole(Some(launch));
        }
        let of = launch.tasks.len() as u64;
        let tasks = std::mem::take(&mut launch.tasks).into_iter().peekable();
        let committed = std::mem::take(&mut launch.committed);
        let committed = committed.into_iter().map(|commit| (commit.task, commit)).collect();
        Self::Sliced(Box::new(SlicedLaunch { frame: launch, tasks, committed, unlisted, from: 0, of }))
    }
}

impl Iterator for LaunchParts {
    type Item = LaunchPart;

    fn next(&mut self) -> Option<LaunchPart> {
        match self {
            Self::Whole(launch) => launch.take().map(LaunchPart::whole),
            Self::Sliced(launch) => launch.next_part(),
        }
    }
}

impl SlicedLaunch {
    fn next_part(&mut self) -> Option<LaunchPart> {
        self.tasks.peek()?;
        let tasks: Vec<LaunchTask> = self.tasks.by_ref().take(PART_SIZE).collect();
        let committed = tasks.iter().filter_map(|task| self.committed.remove(&task.id)).collect();
        let from = self.from;
        self.from += tasks.len() as u64;
        let is_last = self.tasks.peek().is_none();
        let unlisted = if is_last { std::mem::take(&mut self.unlisted) } else { Vec::new() };
        let launch = Launch { tasks, committed, ..self.frame.clone() };
        Some(LaunchPart { launch, from, of: self.of, unlisted })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use basin_core::command::Policy;
    use basin_core::{Ledger, decide};
    use basin_domain::experiment::{Experiment, FitFunction, Function, TrainingSettings, TrainingTime};
    use basin_domain::id::SweepId;
    use basin_domain::optimizer::Optimizer;
    use basin_domain::scheduling::SchedulingChange;
    use basin_domain::task::TaskSpec;
    use basin_domain::time::Timestamp;

    use super::*;

    fn task(seed: u64, inputs: &[TaskId]) -> LaunchTask {
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
        let inputs = inputs.iter().map(|id| (id.short(), *id)).collect();
        let spec = TaskSpec { version: experiment.version(), experiment, seed, data: None, inputs };
        LaunchTask { id: spec.id(), experiment: "fit".to_owned(), spec }
    }

    fn launch(tasks: Vec<LaunchTask>) -> Launch {
        Launch {
            sweep: SweepId::new("large").unwrap(),
            user: None,
            adjustment: SchedulingChange::default(),
            tasks,
            committed: vec![],
            needs: BTreeMap::new(),
        }
    }

    /// Tells a ledger of each command; how many there were, and how many tasks were queued after each.
    fn queue_depths(launch: Launch) -> Vec<u64> {
        let mut ledger = Ledger::new(Policy::default());
        let depths = LaunchParts::of(launch).map(|command| {
            for event in decide(&ledger, Timestamp(1), command).unwrap().0 {
                ledger.apply(&event);
            }
            ledger.queue_depth()
        });
        depths.collect()
    }

    #[test]
    fn the_ledger_gets_a_large_sweep_in_parts_and_a_small_one_at_once() {
        let tasks = |count: u64| (0..count).map(|seed| task(seed, &[])).collect::<Vec<_>>();
        assert_eq!(queue_depths(launch(tasks(PART_SIZE as u64))), [PART_SIZE as u64]);
        assert_eq!(queue_depths(launch(tasks(2 * PART_SIZE as u64 + 1))), [0, 0, 2 * PART_SIZE as u64 + 1]);
    }

    #[test]
    fn tasks_that_read_others_come_with_them_or_after_them() {
        let mut tasks: Vec<LaunchTask> = (0..PART_SIZE as u64).map(|seed| task(seed, &[])).collect();
        let reader = task(0, &[tasks[7].id]);
        tasks.push(reader.clone());
        assert_eq!(queue_depths(launch(tasks.clone())).len(), 2);
        // One that reads what is listed only later can't come before it.
        tasks.rotate_right(1);
        assert_eq!(tasks[0], reader);
        assert_eq!(queue_depths(launch([tasks.clone(), vec![task(1 << 40, &[])]].concat())).len(), 2);
        tasks.rotate_left(9);
        let early = [vec![reader], tasks].concat();
        assert_eq!(queue_depths(launch(early)), [PART_SIZE as u64]);
    }
}
