//! From spaces to tasks.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::derivation::Runs;
use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use super::network;
use super::parsed_point::UnresolvedExperiment;
use super::plan::SweepPlan;
use super::reference::Reference;
use super::reference_resolver::ReferenceResolver;
use super::referenced_run::{ReferencedRun, RunPlace};
use super::resolved_experiment::ResolvedExperiment;
use super::search_space::{self, Point, SearchSpace};
use super::source::{DatasetContents, Datasets};
use super::toml_value::Assignment;
use crate::claim::Claim;
use crate::data::{self, Dataset, DatasetReference};
use crate::digest::Digest;
use crate::experiment::Tile;
use crate::figure::Figure;
use crate::id::{DatasetName, SweepId, SweepName, TaskId};
use crate::task::{Task, TaskSpec};
use crate::value::Value;

/// The plan of these experiments, figures and claims.
pub(super) fn plan(
    name: &SweepName,
    spaces: &[SearchSpace],
    figures: &[Figure],
    claims: &[Claim],
    datasets: &Datasets,
    contents: &DatasetContents,
    names: &BTreeSet<DatasetName>,
) -> Result<SweepPlan, LocatedError> {
    let mut tasks = Vec::new();
    let targets = ReferenceResolver::new(spaces, contents).knowing_data();
    let datasets = DatasetsAtHand { datasets, names };
    let inputs = InputTasks { targets: &targets, datasets: &datasets, known: RefCell::default() };
    for space in spaces {
        space.has_enough_points()?;
        add_tasks(space, &inputs, &mut tasks)?;
    }
    let id = format!("{name}-{}", digest(&tasks, figures, claims).short());
    let id = SweepId::new(id).expect("a sweep's name and a digest make a valid id");
    let mut needs: BTreeMap<_, _> = spaces.iter().map(|space| (space.id().clone(), space.needs())).collect();
    for task in &tasks {
        if let Some(command) = task.spec.experiment.command() {
            needs.entry(task.experiment.clone()).or_default().add_command(command);
        }
        if let Some(kind) = task.spec.experiment.custom() {
            needs.entry(task.experiment.clone()).or_default().add_kind(&kind.name, kind.version);
        }
    }
    needs.retain(|_, needs| !needs.is_empty());
    Ok(SweepPlan { id, name: name.clone(), tasks, needs, figures: figures.to_vec(), claims: claims.to_vec() })
}

fn add_tasks(
    space: &SearchSpace,
    inputs: &InputTasks<'_>,
    tasks: &mut Vec<Task>,
) -> Result<(), LocatedError> {
    let InputTasks { targets, datasets, .. } = *inputs;
    let seeds = space.seeds();
    let mut met = SeenRuns::default();
    let axes = space.axes(u64::MAX);
    for chosen in search_space::choices(&axes) {
        let Point { parsed, coordinates, used: _ } = space.point(&chosen)?;
        for index in 0..space.splits() {
            let tile = Tile { index, of: space.splits() };
            let mut coordinates = coordinates.clone();
            if let Some(split) = space.kind().split().filter(|_| tile.of > 1) {
                coordinates.insert(split.coordinate.to_owned(), Value::Integer(i64::from(index)));
            }
            let resolved = ResolvedExperiment::new(&parsed, targets, tile)?;
            resolved.finds_seeds(&seeds, targets)?;
            let data = resolved.dataset.map(|name| dataset(name, datasets, space.at())).transpose()?;
            let version = resolved.experiment.version();
            let experiment = resolved.experiment.into_owned();
            let known = targets.contents(&experiment, resolved.dataset);
            if let Some(Err(misfit)) = known.as_ref().map(|contents| experiment.check_data(contents)) {
                let name = resolved.dataset.map_or("", |it| it.name.as_str());
                let message = format!("experiment \"{}\" can't be run on {name}: {misfit}", space.id());
                return Err(LocatedError::new(space.at(), message).hint(misfit.way_out()));
            }
            if let Err(error) = experiment.graph(known.as_ref()) {
                let given = space.given(&chosen);
                return Err(network::unbuildable(&error, |key| given.get(key), space.at()));
            }
            let experiment = targets.canonical(experiment, resolved.dataset);
            let mut spec = TaskSpec { experiment, version, seed: 0, data, inputs: BTreeMap::new() };
            let first = tasks.len();
            for seed in seeds.iter() {
                spec.seed = seed;
                spec.inputs = inputs.of(&resolved.inputs, seed)?;
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
    let mut text = match &parsed.experiment {
        UnresolvedExperiment::Complete(experiment)
        | UnresolvedExperiment::Begun { experiment, .. }
        | UnresolvedExperiment::Reading { experiment, .. } => {
            format!("{experiment:?} {:?}", parsed.dataset)
        }
        UnresolvedExperiment::Derived { derivation, .. } => format!("{derivation:?}"),
    };
    for (name, reference) in parsed.inputs() {
        let target = targets.find(reference)?;
        let (written, dataset, seed) = (target.as_written(), &target.dataset, reference.seed);
        text.push_str(&format!(" {name} {written:?} {dataset:?} {seed:?}"));
    }
    Ok(text)
}

/// The tasks that others read.
struct InputTasks<'a> {
    targets: &'a ReferenceResolver<'a>,
    datasets: &'a DatasetsAtHand<'a>,
    /// The ids that were made, by run and seed.
    known: RefCell<HashMap<(RunPlace, u64), TaskId>>,
}

impl InputTasks<'_> {
    /// The tasks that references of a run of this seed lead to.
    fn of(
        &self,
        references: &[(&str, &Reference)],
        seed: u64,
    ) -> Result<BTreeMap<String, TaskId>, LocatedError> {
        let mut inputs = BTreeMap::new();
        for (name, reference) in references {
            let run = self.targets.find(reference)?;
            let id = self.id(run, reference.seed.unwrap_or(seed), reference.at())?;
            inputs.insert((*name).to_owned(), id);
        }
        Ok(inputs)
    }

    /// The task of a run with this seed, after those that it reads itself.
    fn id(&self, run: &ReferencedRun, seed: u64, at: Location) -> Result<TaskId, LocatedError> {
        if let Some(id) = self.known.borrow().get(&(run.place, seed)) {
            return Ok(*id);
        }
        let mut inputs = BTreeMap::new();
        for input in &run.inputs {
            let read = self.targets.run(input.run, at)?;
            inputs.insert(input.name.clone(), self.id(read, input.seed.unwrap_or(seed), at)?);
        }
        let data = run.dataset.as_ref().map(|name| dataset(name, self.datasets, at)).transpose()?;
        let (experiment, version) = (run.experiment.clone(), run.experiment.version());
        let id = TaskSpec { experiment, version, seed, data, inputs }.id();
        self.known.borrow_mut().insert((run.place, seed), id);
        Ok(id)
    }
}

/// The data sets that tasks may read.
struct DatasetsAtHand<'a> {
    /// The digests of those that the sweep names.
    datasets: &'a Datasets,
    /// The names of all that are there, as far as they are known.
    names: &'a BTreeSet<DatasetName>,
}

fn dataset(
    wanted: &DatasetReference,
    at_hand: &DatasetsAtHand<'_>,
    at: Location,
) -> Result<Dataset, LocatedError> {
    let DatasetReference { name, version } = wanted;
    let made = data::made_digest(wanted);
    if let Some(digest) = at_hand.datasets.get(wanted).copied().or(made)
        && version.as_ref().is_none_or(|version| version.fits(&digest))
    {
        return Ok(Dataset { name: name.clone(), digest });
    }
    let is_known = data::PUBLISHED.contains(&name.as_str()) || at_hand.names.contains(name);
    let mut candidates: Vec<&str> = at_hand.names.iter().map(DatasetName::as_str).collect();
    candidates.extend(data::known_names().collect::<Vec<&str>>());
    let near = match is_known {
        true => String::new(),
        false => nearest::value(name.as_str(), candidates),
    };
    let hint = match made {
        Some(digest) => format!("{name} is made by Basin itself, as {}", digest.short()),
        None if at_hand.names.is_empty() => format!("basin data import {name} PATH"),
        None => {
            let there: Vec<_> = at_hand.names.iter().map(DatasetName::as_str).collect();
            format!("there are {}; `basin data import {name} PATH` adds it", there.join(", "))
        }
    };
    Err(LocatedError::new(at, format!("the data set \"{wanted}\" isn't there{near}")).hint(hint))
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
