//! How long a sweep takes on this machine, before any of it has begun: what its tasks are, at the pace of the machine's executors.

use std::collections::{BTreeMap, HashMap, HashSet};

use basin_coordinator::launch::PreparedSweep;
use basin_core::forecast::{ExpectedWork, OpenTask, TaskWork, makespan};
use basin_domain::digest::Digest;
use basin_domain::experiment::work::{Work, WorkSeconds, works};
use basin_domain::id::ExperimentId;
use basin_domain::task::Task;
use basin_domain::time::Timestamp;
use serde_json::{Value, json};

use super::output::{counted, span};
use super::pace_file::MeasuredPace;

/// What the pace is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaceSource {
    /// Runs of before, on these executors.
    Runs,
    /// A short measurement.
    Measurement,
    /// Nothing of this machine: so little is to be done that it wasn't measured.
    Reference,
}

/// The executors of a machine, as far as they are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LocalPace {
    /// How they are called in the file of paces.
    pub(crate) executors: String,
    pub(crate) slots: u32,
    /// Threads of each.
    pub(crate) threads: u32,
    pub(crate) pace: MeasuredPace,
    pub(crate) source: PaceSource,
}

/// The work of a sweep's tasks.
#[derive(Debug)]
pub(crate) struct PlannedWork<'a> {
    /// Each run of an experiment, with its work, and whether it is still to be done.
    tasks: Vec<(&'a Task, Work, bool)>,
}

/// How long a sweep takes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Prediction {
    /// The seconds until all is done whose time is known, if that is anything.
    pub(crate) seconds: Option<f64>,
    /// By experiment: the seconds of one executor that its tasks take, and how many tasks these are.
    experiments: BTreeMap<String, (f64, u64)>,
    /// Experiments with tasks whose time nobody knows.
    unknown: Vec<String>,
    /// The slots that it is for, and what their pace is known from.
    slots: Option<(u32, PaceSource)>,
}

impl<'a> PlannedWork<'a> {
    /// The work of a sweep. Runs with something damaged in their place aren't to be done: they wait for a person.
    pub(crate) fn of(prepared: &'a PreparedSweep) -> Self {
        let works = works(&prepared.plan.tasks, |dataset| prepared.stored_contents(dataset));
        let mut met = HashSet::new();
        let runs = prepared.plan.tasks.iter().zip(works);
        let runs = runs.filter(|(task, _)| met.insert((&task.experiment, task.id)));
        let is_open = |task: &Task| {
            !prepared.committed.contains_key(&task.id) && !prepared.damaged.contains_key(&task.id)
        };
        Self { tasks: runs.map(|(task, work)| (task, work, is_open(task))).collect() }
    }

    /// All that is to be done whose time is known.
    pub(crate) fn total(&self) -> WorkSeconds {
        let seconds = |work: &Work| match work {
            Work::Seconds(seconds) => Some(*seconds),
            Work::Relative(_) => None,
        };
        self.open().filter_map(|(_, work)| seconds(work)).sum()
    }

    /// Whether nobody knows the time of a task from its parameters.
    pub(crate) fn is_unknown(&self, experiment: &ExperimentId) -> bool {
        let mut of_experiment = self.tasks.iter().filter(|(task, ..)| task.experiment == *experiment);
        of_experiment.any(|(_, work, _)| matches!(work, Work::Relative(_)))
    }

    /// Each task that is to be done, with its work.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&'a Task, &Work)> {
        self.tasks.iter().filter(|(_, _, is_open)| *is_open).map(|(task, work, _)| (*task, work))
    }

    /// How long it takes on these executors. `measured` are the seconds of tasks whose time they don't tell, by the tasks' shapes.
    pub(crate) fn predict(&self, local: Option<&LocalPace>, measured: &HashMap<Digest, f64>) -> Prediction {
        let mut prediction =
            Prediction { slots: local.map(|local| (local.slots, local.source)), ..Prediction::default() };
        let (mut open, mut met) = (Vec::new(), HashSet::new());
        for (task, work) in self.open() {
            let name = task.experiment.to_string();
            let told = local.and_then(|local| local.seconds(task, work));
            let before = || {
                if measured.is_empty() { None } else { measured.get(&task.spec.shape()).copied() }
            };
            let Some(seconds) = told.or_else(before) else {
                if !prediction.unknown.contains(&name) {
                    prediction.unknown.push(name);
                }
                continue;
            };
            let of_experiment = prediction.experiments.entry(name).or_default();
            of_experiment.0 += seconds;
            of_experiment.1 += 1;
            if met.insert(task.id) {
                let inputs = task.spec.inputs.values().copied().collect();
                open.push(OpenTask { id: task.id, seconds, inputs });
            }
        }
        prediction.seconds = local.filter(|_| !open.is_empty()).map(|local| makespan(&open, local.slots));
        prediction
    }

    /// What a coordinator is told of it whose workers begin at a time.
    pub(crate) fn expected(&self, local: &LocalPace, since: Timestamp) -> ExpectedWork {
        let of_task = |(task, work, _): &(&Task, Work, bool)| {
            let work = match (local.seconds(task, work), work) {
                (Some(seconds), _) => TaskWork::seconds(seconds),
                (None, Work::Relative(amount)) => TaskWork::relative(*amount),
                (None, Work::Seconds(_)) => TaskWork::relative(1.0),
            };
            (task.id, work)
        };
        let tasks = self.tasks.iter().map(of_task).collect();
        let is_of_these_workers = local.source != PaceSource::Reference;
        ExpectedWork { tasks, is_of_these_workers, slots: Some(local.slots), since }
    }
}

impl LocalPace {
    /// The seconds of one executor that a task takes, if its time is known. An executor of several threads trains several at once.
    fn seconds(&self, task: &Task, work: &Work) -> Option<f64> {
        match work {
            Work::Seconds(seconds) => {
                let of_thread = self.pace.seconds(task.spec.experiment.kind(), seconds);
                Some(of_thread / f64::from(self.threads.max(1)))
            }
            Work::Relative(_) => None,
        }
    }
}

impl Prediction {
    /// The seconds of one executor that an experiment takes, if `todo` tasks of it are to be done: those whose time isn't known take as long
    /// as the others in the mean.
    pub(crate) fn of_experiment(&self, name: &str, todo: u64) -> Option<f64> {
        let (seconds, tasks) = self.experiments.get(name).filter(|(_, tasks)| *tasks > 0)?;
        Some(seconds / *tasks as f64 * todo as f64)
    }

    /// Whether it is of all that is to be done.
    pub(crate) fn is_complete(&self) -> bool {
        self.unknown.is_empty()
    }

    /// A line for people, if anything is to be done.
    pub(crate) fn text(&self) -> Option<String> {
        let (slots, source) = self.slots?;
        let slots = counted(slots.into(), "slot", "slots");
        let unknown = match self.unknown.as_slice() {
            [] => String::new(),
            names => format!(", without {}, whose time isn't known", names.join(", ")),
        };
        let from = match source {
            PaceSource::Runs => "from what ran here before",
            PaceSource::Measurement => "from a short measurement",
            PaceSource::Reference => "too little to measure the machine for",
        };
        let seconds = self.seconds?;
        Some(format!("about {} on this machine: {slots}, {from}{unknown}", span(seconds)))
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let from = self.slots.map(|(_, source)| match source {
            PaceSource::Runs => "runs",
            PaceSource::Measurement => "measurement",
            PaceSource::Reference => "reference",
        });
        let slots = self.slots.map(|(slots, _)| slots);
        json!({ "seconds": self.seconds, "slots": slots, "from": from, "without": self.unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(seconds: Option<f64>, unknown: &[&str]) -> Prediction {
        Prediction {
            seconds,
            experiments: [("a".to_owned(), (40.0, 4))].into(),
            unknown: unknown.iter().map(|name| (*name).to_owned()).collect(),
            slots: Some((2, PaceSource::Measurement)),
        }
    }

    #[test]
    fn a_prediction_says_for_which_slots_and_from_what() {
        let text = |prediction: Prediction| prediction.text().unwrap();
        assert_eq!(
            text(prediction(Some(185.0), &[])),
            "about 3 min 05 s on this machine: 2 slots, from a short measurement"
        );
        assert_eq!(
            text(Prediction { slots: Some((1, PaceSource::Runs)), ..prediction(Some(9.0), &["b", "c"]) }),
            "about 9 s on this machine: 1 slot, from what ran here before, without b, c, whose time isn't known"
        );
        assert_eq!(prediction(None, &["b"]).text(), None);
        assert_eq!(
            prediction(Some(2.5), &["b"]).json().to_string(),
            r#"{"from":"measurement","seconds":2.5,"slots":2,"without":["b"]}"#
        );
    }

    #[test]
    fn tasks_that_are_not_known_take_as_long_as_their_like() {
        let prediction = prediction(Some(1.0), &[]);
        assert_eq!(
            (prediction.of_experiment("a", 4), prediction.of_experiment("a", 6)),
            (Some(40.0), Some(60.0))
        );
        assert_eq!(prediction.of_experiment("b", 1), None);
    }
}
