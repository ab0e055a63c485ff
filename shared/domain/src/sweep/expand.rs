//! From spaces to tasks.

use std::collections::{BTreeMap, HashMap};

use super::problem::{Place, Problem};
use super::space::{self, Point, Space};
use super::{Datasets, Plan};
use crate::data::{self, Dataset};
use crate::digest::Digest;
use crate::figure::Figure;
use crate::id::{DatasetName, SweepId, SweepName, TaskId};
use crate::task::{Task, TaskSpec};
use crate::value::Value;

/// The plan of these experiments and figures.
pub(super) fn plan(
    name: &SweepName,
    spaces: &[Space],
    figures: &[Figure],
    datasets: &Datasets,
) -> Result<Plan, Problem> {
    let mut tasks = Vec::new();
    for space in spaces {
        add_tasks(space, datasets, &mut tasks)?;
    }
    let id = format!("{name}-{}", digest(&tasks, figures).short());
    let id = SweepId::new(id).expect("a sweep's name and a digest make a valid id");
    Ok(Plan { id, name: name.clone(), tasks, figures: figures.to_vec() })
}

fn add_tasks(space: &Space, datasets: &Datasets, tasks: &mut Vec<Task>) -> Result<(), Problem> {
    let seeds = space.seeds();
    let mut first_tasks: HashMap<TaskId, usize> = HashMap::new();
    let axes = space.axes(u64::MAX);
    for chosen in space::choices(&axes) {
        let Point { reading, coordinates, used: _ } = space.point(&chosen)?;
        let data = reading.dataset.map(|name| dataset(name, datasets, space.at())).transpose()?;
        let version = reading.experiment.version();
        let mut spec =
            TaskSpec { experiment: reading.experiment, version, seed: 0, data, inputs: BTreeMap::new() };
        let first = tasks.len();
        for seed in seeds.iter() {
            spec.seed = seed;
            let (point, spec) = (coordinates.clone(), spec.clone());
            tasks.push(Task { id: spec.id(), experiment: space.id().clone(), point, spec });
        }
        if let Some(same) = first_tasks.insert(tasks[first].id, first) {
            return Err(repeated(space, &tasks[same], &tasks[first]));
        }
    }
    Ok(())
}

fn dataset(name: DatasetName, datasets: &Datasets, at: Place) -> Result<Dataset, Problem> {
    let digest = datasets.get(&name).copied().or_else(|| data::built_in_digest(name.as_str()));
    match digest {
        Some(digest) => Ok(Dataset { name, digest }),
        None => {
            let hint = format!("basin data import {name} PATH");
            Err(Problem::new(at, format!("the data set \"{name}\" isn't there")).hint(hint))
        }
    }
}

fn repeated(space: &Space, first: &Task, second: &Task) -> Problem {
    let (first, second) = (coordinates(&first.point), coordinates(&second.point));
    let message = format!("experiment \"{}\" has the same run twice: at {first} and at {second}", space.id());
    Problem::new(space.at(), message).hint("seeds = 2 repeats every run with another seed")
}

/// The coordinates for a message: `(batch_size 64, optimizer adam)`.
fn coordinates(point: &BTreeMap<String, Value>) -> String {
    let coordinates: Vec<_> = point.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("({})", coordinates.join(", "))
}

/// The digest of everything that the sweep's results and report depend on.
fn digest(tasks: &[Task], figures: &[Figure]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("basin 2026 sweep v1");
    let mut previous: Option<&Task> = None;
    for task in tasks {
        let same_point = |other: &Task| other.experiment == task.experiment && other.point == task.point;
        if !previous.is_some_and(same_point) {
            let point = serde_json::to_string(&(&task.experiment, &task.point));
            hasher.update(point.expect("a point has text keys and finite numbers only").as_bytes());
        }
        hasher.update(task.id.0.as_bytes());
        previous = Some(task);
    }
    hasher.update(serde_json::to_string(figures).expect("figures are plain text").as_bytes());
    Digest::from_bytes(*hasher.finalize().as_bytes())
}
