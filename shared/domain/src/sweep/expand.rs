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
use super::problems::Problems;
use super::reference::Reference;
use super::reference_resolver::ReferenceResolver;
use super::referenced_run::{ReferencedRun, RunPlace};
use super::resolved_experiment::ResolvedExperiment;
use super::search_space::{self, Point, SearchSpace};
use super::source::{DatasetContents, Datasets};
use super::toml_value::Assignment;
use crate::claim::Claim;
use crate::data::{self, Contents, Dataset, DatasetReference};
use crate::digest::Digest;
use crate::experiment::{Experiment, Tile};
use crate::figure::Figure;
use crate::id::{DatasetName, SweepId, SweepName, TaskId};
use crate::task::{Task, TaskSpec};
use crate::value::Value;

/// After so many points of an experiment that can't be run, its others are left alone.
const MOST_FAILING: u32 = 1_000;

/// The plan of these experiments, figures and claims, with what is worth knowing of it; or all that keeps points from being run.
pub(super) fn plan(
    name: &SweepName,
    spaces: &[SearchSpace],
    figures: &[Figure],
    claims: &[Claim],
    datasets: &Datasets,
    contents: &DatasetContents,
    names: &BTreeSet<DatasetName>,
) -> Result<(SweepPlan, Problems), Problems> {
    let (mut tasks, mut problems, mut notes) = (Vec::new(), Problems::default(), Problems::default());
    let targets = ReferenceResolver::new(spaces, contents).knowing_data();
    let datasets = DatasetsAtHand { datasets, names };
    let inputs = InputTasks { targets: &targets, datasets: &datasets, known: RefCell::default() };
    for space in spaces {
        match space.has_enough_points() {
            Ok(()) => add_tasks(space, &inputs, &mut tasks, &mut notes, &mut problems),
            Err(error) => problems.add(error),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
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
    let (figures, claims) = (figures.to_vec(), claims.to_vec());
    let plan = SweepPlan { id, name: name.clone(), tasks, needs, figures, claims, notes: Vec::new() };
    Ok((plan, notes))
}

fn add_tasks(
    space: &SearchSpace,
    inputs: &InputTasks<'_>,
    tasks: &mut Vec<Task>,
    notes: &mut Problems,
    problems: &mut Problems,
) {
    let axes = space.axes(u64::MAX);
    let (mut met, mut failed) = (SeenRuns::default(), 0);
    for chosen in search_space::choices(&axes) {
        let added = add_point(space, &chosen, inputs, &mut met, tasks, notes);
        if problems.keep(added).is_none() {
            failed += 1;
        }
        if failed == MOST_FAILING {
            break;
        }
    }
}

/// Adds the tasks of a point.
fn add_point<'a>(
    space: &'a SearchSpace,
    chosen: &[&'a Assignment],
    inputs: &InputTasks<'_>,
    met: &mut SeenRuns<'a>,
    tasks: &mut Vec<Task>,
    notes: &mut Problems,
) -> Result<(), Problems> {
    let InputTasks { targets, datasets, .. } = *inputs;
    let Point { parsed, coordinates, used: _ } = space.point(chosen)?;
    let seeds = space.seeds();
    for index in 0..space.splits() {
        let tile = Tile { index, of: space.splits() };
        let mut coordinates = coordinates.clone();
        if let Some(split) = space.kind().split().filter(|_| tile.of > 1) {
            coordinates.insert(split.coordinate.to_owned(), Value::Integer(i64::from(index)));
        }
        let resolved = ResolvedExperiment::new(&parsed, targets, tile)?;
        resolved.finds_seeds(&seeds, targets)?;
        // What is wrong with a run that is read is told where that is written.
        let own = |error: LocatedError| match parsed.own_experiment() {
            Some(_) => error,
            None => error.consequential(),
        };
        let data = resolved.dataset.map(|name| dataset(name, datasets, space.at())).transpose();
        let data = data.map_err(|error| {
            own(match space.given(chosen).get("data.name") {
                Some(node) => error.at(node.at),
                None => error,
            })
        })?;
        let version = resolved.experiment.version();
        let experiment = resolved.experiment.into_owned();
        let known = targets.contents(&experiment, resolved.dataset);
        if let Some(Err(misfit)) = known.as_ref().map(|contents| experiment.check_data(contents)) {
            let name = resolved.dataset.map_or("", |it| it.name.as_str());
            let message = format!("experiment \"{}\" can't be run on {name}: {misfit}", space.id());
            return Err(own(LocatedError::new(space.at(), message).hint(misfit.way_out())).into());
        }
        if let Some(known) = known.as_ref().filter(|_| parsed.own_experiment().is_some()) {
            limits_are_reached(space, chosen, &experiment, known, notes);
        }
        if let Err(error) = experiment.graph(known.as_ref()) {
            let given = space.given(chosen);
            return Err(own(network::unbuildable(&error, |key| given.get(key), space.at())).into());
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
        let same = met.add(tasks[first].id, first, chosen, |chosen| written(space, chosen, targets))?;
        if let Some(same) = same {
            return Err(repeated(space, &tasks[same], &tasks[first]).into());
        }
    }
    Ok(())
}

/// Notes limits of examples beyond those that the data set has.
fn limits_are_reached(
    space: &SearchSpace,
    chosen: &[&Assignment],
    experiment: &Experiment,
    contents: &Contents,
    notes: &mut Problems,
) {
    let Some(data) = experiment.data_use() else { return };
    let (there, limits) = (contents.sizes, [data.train_limit, data.test_limit]);
    let sides = [("data.train_limit", "training", there.train), ("data.test_limit", "test", there.test)];
    for ((key, which, there), limit) in sides.into_iter().zip(limits) {
        let Some(limit) = limit.filter(|limit| *limit > there) else { continue };
        let at = space.given(chosen).get(key).map_or(space.at(), |node| node.at);
        let message =
            format!("`{key}` is {limit}, and the data set has {there} {which} examples: all are taken");
        notes.add(LocatedError::new(at, message).hint(format!("{key} = {there}, or leave it out")));
    }
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
    let parsed = space.point(chosen).map_err(Problems::into_first)?.parsed;
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
        let data = run.dataset.as_ref().map(|name| dataset(name, self.datasets, at)).transpose();
        let data = data.map_err(LocatedError::consequential)?;
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
