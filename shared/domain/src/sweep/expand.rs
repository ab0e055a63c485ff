//! From spaces to tasks.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::error::LocatedError;
use super::location::Location;
use super::parsed_point::UnresolvedExperiment;
use super::plan::SweepPlan;
use super::reference::Reference;
use super::reference_resolver::ReferenceResolver;
use super::resolved_experiment::ResolvedExperiment;
use super::search_space::{self, Point, SearchSpace};
use super::source::{Datasets, ExampleCounts};
use super::toml_value::Assignment;
use crate::claim::Claim;
use crate::data::{self, Dataset, DatasetReference};
use crate::digest::Digest;
use crate::experiment::Tile;
use crate::figure::Figure;
use crate::id::{SweepId, SweepName, TaskId};
use crate::task::{Task, TaskSpec};
use crate::value::Value;

/// The plan of these experiments, figures and claims.
pub(super) fn plan(
    name: &SweepName,
    spaces: &[SearchSpace],
    figures: &[Figure],
    claims: &[Claim],
    datasets: &Datasets,
    counts: &ExampleCounts,
) -> Result<SweepPlan, LocatedError> {
    let mut tasks = Vec::new();
    let targets = ReferenceResolver::new(spaces, counts);
    for space in spaces {
        space.has_enough_points()?;
        add_tasks(space, &targets, datasets, &mut tasks)?;
    }
    let id = format!("{name}-{}", digest(&tasks, figures, claims).short());
    let id = SweepId::new(id).expect("a sweep's name and a digest make a valid id");
    let needs = spaces.iter().map(|space| (space.id().clone(), space.needs()));
    let needs = needs.filter(|(_, needs)| !needs.is_empty()).collect();
    Ok(SweepPlan { id, name: name.clone(), tasks, needs, figures: figures.to_vec(), claims: claims.to_vec() })
}

fn add_tasks(
    space: &SearchSpace,
    targets: &ReferenceResolver<'_>,
    datasets: &Datasets,
    tasks: &mut Vec<Task>,
) -> Result<(), LocatedError> {
    let seeds = space.seeds();
    let mut met = SeenRuns::default();
    let axes = space.axes(u64::MAX);
    for chosen in search_space::choices(&axes) {
        let Point { parsed, coordinates, used: _ } = space.point(&chosen)?;
        for index in 0..space.splits() {
            let tile = Tile { index, of: space.splits() };
            let mut coordinates = coordinates.clone();
            if let Some(split) = space.kind().split.filter(|_| tile.of > 1) {
                coordinates.insert(split.coordinate.to_owned(), Value::Integer(i64::from(index)));
            }
            let resolved = ResolvedExperiment::new(&parsed, targets, tile)?;
            resolved.finds_seeds(&seeds, targets)?;
            let data = resolved.dataset.map(|name| dataset(name, datasets, space.at())).transpose()?;
            let version = resolved.experiment.version();
            let experiment = targets.canonical(resolved.experiment.into_owned(), resolved.dataset);
            let mut spec = TaskSpec { experiment, version, seed: 0, data, inputs: BTreeMap::new() };
            let first = tasks.len();
            for seed in seeds.iter() {
                spec.seed = seed;
                spec.inputs = inputs(&resolved.inputs, targets, datasets, seed)?;
                let (point, spec) = (coordinates.clone(), spec.clone());
                tasks.push(Task { id: spec.id(), experiment: space.id().clone(), point, spec });
            }
            if let Some(same) =
                met.add(tasks[first].id, first, &chosen, |chosen| written(space, chosen, targets))?
            {
                return Err(repeated(space, &tasks[same], &tasks[first]));
            }
        }
    }
    Ok(())
}

/// The runs of an experiment that were met, to tell points that are written twice from those whose parameters differ in what
/// can't matter.
#[derive(Default)]
struct SeenRuns<'a> {
    /// The first task of each run, and its point.
    first: HashMap<TaskId, (usize, Vec<&'a Assignment>)>,
    /// Of runs that were met several times: what is written at each of their points, and its first task.
    written: HashMap<TaskId, HashMap<String, usize>>,
}

impl<'a> SeenRuns<'a> {
    /// Adds the run of a point whose first task is `task`; the first task of a point at which the same is written, if there is
    /// one.
    fn add(
        &mut self,
        id: TaskId,
        task: usize,
        chosen: &[&'a Assignment],
        written: impl Fn(&[&Assignment]) -> Result<String, LocatedError>,
    ) -> Result<Option<usize>, LocatedError> {
        let Some((first, point)) = self.first.get(&id) else {
            self.first.insert(id, (task, chosen.to_vec()));
            return Ok(None);
        };
        let known = match self.written.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(HashMap::from([(written(point)?, *first)])),
        };
        match known.entry(written(chosen)?) {
            Entry::Occupied(same) => Ok(Some(*same.get())),
            Entry::Vacant(new) => {
                new.insert(task);
                Ok(None)
            }
        }
    }
}

/// The parameters of a point as they are written, before what can't matter is brought to one form.
fn written(
    space: &SearchSpace,
    chosen: &[&Assignment],
    targets: &ReferenceResolver<'_>,
) -> Result<String, LocatedError> {
    let parsed = space.point(chosen)?.parsed;
    Ok(match &parsed.experiment {
        UnresolvedExperiment::Complete(experiment) => format!("{experiment:?} {:?}", parsed.dataset),
        UnresolvedExperiment::Derived { inputs, derivation } => {
            let mut text = format!("{derivation:?}");
            for (name, reference) in inputs {
                let target = targets.find(reference)?;
                text.push_str(&format!(" {name} {:?} {:?}", target.as_written(), target.dataset));
            }
            text
        }
    })
}

/// The tasks of this seed that references lead to.
fn inputs(
    references: &[(&'static str, &Reference)],
    targets: &ReferenceResolver<'_>,
    datasets: &Datasets,
    seed: u64,
) -> Result<BTreeMap<String, TaskId>, LocatedError> {
    let mut inputs = BTreeMap::new();
    for (name, reference) in references {
        let target = targets.find(reference)?;
        let data = target.dataset.as_ref();
        let data = data.map(|name| dataset(name, datasets, reference.at())).transpose()?;
        let (experiment, version) = (target.experiment.clone(), target.experiment.version());
        let spec = TaskSpec { experiment, version, seed, data, inputs: BTreeMap::new() };
        inputs.insert((*name).to_owned(), spec.id());
    }
    Ok(inputs)
}

fn dataset(wanted: &DatasetReference, datasets: &Datasets, at: Location) -> Result<Dataset, LocatedError> {
    let DatasetReference { name, version } = wanted;
    let built_in = data::built_in_digest(name.as_str());
    if let Some(digest) = datasets.get(wanted).copied().or(built_in)
        && version.as_ref().is_none_or(|version| version.fits(&digest))
    {
        return Ok(Dataset { name: name.clone(), digest });
    }
    let hint = match built_in {
        Some(digest) => format!("{name} is made by Basin itself, as {}", digest.short()),
        None => format!("basin data import {name} PATH"),
    };
    Err(LocatedError::new(at, format!("the data set \"{wanted}\" isn't there")).hint(hint))
}

fn repeated(space: &SearchSpace, first: &Task, second: &Task) -> LocatedError {
    let (first, second) = (coordinates(&first.point), coordinates(&second.point));
    let message = format!("experiment \"{}\" has the same run twice: at {first} and at {second}", space.id());
    LocatedError::new(space.at(), message).hint("seeds = 2 repeats every run with another seed")
}

/// The coordinates for a message: `(batch_size 64, optimizer adam)`.
fn coordinates(point: &BTreeMap<String, Value>) -> String {
    let coordinates: Vec<_> = point.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("({})", coordinates.join(", "))
}

/// The digest of everything that the sweep's results and report depend on.
fn digest(tasks: &[Task], figures: &[Figure], claims: &[Claim]) -> Digest {
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
    let figures = serde_json::to_string(figures);
    hasher.update(figures.expect("figures have text keys only").as_bytes());
    if !claims.is_empty() {
        let claims = serde_json::to_string(claims);
        hasher.update(claims.expect("claims have text keys and finite numbers only").as_bytes());
    }
    Digest::from_bytes(*hasher.finalize().as_bytes())
}
