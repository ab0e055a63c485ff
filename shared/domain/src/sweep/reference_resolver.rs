//! Finds the runs that references lead to.

use std::cell::{OnceCell, RefCell};

use super::derivation::Runs;
use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use super::parsed_point::UnresolvedExperiment;
use super::point_index::PointIndex;
use super::reference::Reference;
use super::reference_advice::{distinct_runs_hint, no_run, one_run_hint, unknown_parameter, varies};
use super::referenced_run::{self, ReferencedInput, ReferencedRun, RunPlace};
use super::resolved_experiment::ResolvedExperiment;
use super::search_space::SearchSpace;
use super::seeds::Seeds;
use super::source::DatasetContents;
use super::toml_value::Assignment;
use super::unread::{self, UnreadExperiments};
use crate::data::{Contents, DatasetReference};
use crate::experiment::{Experiment, Tile};
use crate::id::ExperimentId;

/// The runs that a claim speaks of.
#[derive(Debug)]
pub(super) struct SelectedRuns<'a> {
    /// Their experiment.
    pub(super) experiment: &'a ExperimentId,
    /// The values that tell their points from the experiment's others.
    pub(super) values: Assignment,
    /// The experiment's index among all.
    space: usize,
    /// The index among the experiment's points, where the runs of one were asked for.
    point: Option<usize>,
}

/// Finds what references lead to.
#[derive(Debug)]
pub(super) struct ReferenceResolver<'a> {
    spaces: &'a [SearchSpace],
    contents: &'a DatasetContents,
    /// Whether `contents` are all that will be known.
    knows_data: bool,
    /// The points of each space, once they were asked for.
    points: Vec<OnceCell<PointIndex>>,
    /// The runs that are being found, each read by the one before.
    under_way: RefCell<Vec<RunPlace>>,
    /// The experiments beside the spaces' that couldn't be read.
    unread: UnreadExperiments,
}

/// An experiment of more points than this is too large for its runs to be read by others.
const MOST_POINTS: u128 = 100_000;

impl<'a> ReferenceResolver<'a> {
    /// The points of these spaces; `contents` are what data sets hold.
    pub(super) fn new(spaces: &'a [SearchSpace], contents: &'a DatasetContents) -> Self {
        let points = spaces.iter().map(|_| OnceCell::new()).collect();
        let unread = UnreadExperiments::default();
        Self { spaces, contents, knows_data: false, points, under_way: RefCell::default(), unread }
    }

    /// The same, beside experiments that couldn't be read.
    pub(super) fn beside(self, unread: &UnreadExperiments) -> Self {
        Self { unread: unread.clone(), ..self }
    }

    /// The same, where no more will be known of what data sets hold.
    pub(super) fn knowing_data(self) -> Self {
        Self { knows_data: true, ..self }
    }

    /// An experiment in its canonical form, on this data set.
    pub(super) fn canonical(&self, experiment: Experiment, dataset: Option<&DatasetReference>) -> Experiment {
        referenced_run::canonical(experiment, dataset, self.contents)
    }

    /// The seeds of the experiment that a reference names.
    pub(super) fn seeds(&self, reference: &Reference) -> Result<Seeds, LocatedError> {
        Ok(self.spaces[self.position(reference)?].seeds())
    }

    /// The one point that a reference leads to.
    pub(super) fn find(&self, reference: &Reference) -> Result<&ReferencedRun, LocatedError> {
        let position = self.position(reference)?;
        let space = &self.spaces[position];
        known(space, reference)?;
        few_points(space, reference, |most| {
            format!("runs of experiments of at most {most} points can be read")
        })?;
        let points = self.points(position)?;
        match points.fitting(&reference.values)[..] {
            [] => Err(no_run(space, points, reference)),
            [point] => self.run(RunPlace { space: position, point }, reference.at()),
            ref several => {
                let count = several.len();
                let message =
                    format!("experiment \"{}\" has {count} different runs that fit here", space.id());
                let hint = one_run_hint(space, points, reference, several);
                Err(LocatedError::new(reference.at(), message).hint(hint))
            }
        }
    }

    /// The run at a place, for a reference that stands at `at`.
    pub(super) fn run(&self, place: RunPlace, at: Location) -> Result<&ReferencedRun, LocatedError> {
        let points = self.points(place.space)?;
        let known = &points.runs[place.point];
        if let Some(run) = known.get() {
            return Ok(run);
        }
        let parsed = &points.parsed[place.point];
        let dataset = parsed.dataset.clone();
        let run = match &parsed.experiment {
            UnresolvedExperiment::Complete(experiment) => {
                ReferencedRun::new(place, Vec::new(), experiment.clone(), dataset, self.contents)
            }
            UnresolvedExperiment::Begun { .. } => {
                self.begin(place, at)?;
                let resolved = ResolvedExperiment::new(parsed, self, Tile { index: 0, of: 1 });
                self.under_way.borrow_mut().pop();
                let resolved = resolved?;
                let input = |(name, reference): &(&str, &Reference)| {
                    let run = self.find(reference)?.place;
                    Ok(ReferencedInput { name: (*name).to_owned(), run, seed: reference.seed })
                };
                let inputs = resolved.inputs.iter().map(input).collect::<Result<_, LocatedError>>()?;
                ReferencedRun::new(place, inputs, resolved.experiment.into_owned(), dataset, self.contents)
            }
            UnresolvedExperiment::Derived { .. } | UnresolvedExperiment::Reading { .. } => {
                let space = &self.spaces[place.space];
                let (id, kind) = (space.id(), space.kind().name());
                let message =
                    format!("experiment \"{id}\" ({kind}) reads other runs itself, and can't be read");
                return Err(LocatedError::new(at, message));
            }
        };
        Ok(known.get_or_init(|| run))
    }

    /// Notes that the run at a place is being found; refuses one whose finding led to this.
    fn begin(&self, place: RunPlace, at: Location) -> Result<(), LocatedError> {
        let mut under_way = self.under_way.borrow_mut();
        let Some(first) = under_way.iter().position(|other| *other == place) else {
            under_way.push(place);
            return Ok(());
        };
        let circle = under_way[first..].iter().chain([&place]);
        let ids: Vec<String> = circle.map(|place| format!("\"{}\"", self.spaces[place.space].id())).collect();
        let message =
            format!("runs begin with one another in a circle: {}", ids.join(", which begins with "));
        let error = LocatedError::new(at, message).hint("one of them has to begin by itself");
        // Found from each of its experiments, a circle is told of the first in the file: what is found last is what asked.
        let circle = &under_way[first..];
        let is_told =
            circle.last().is_some_and(|asked| circle.iter().all(|other| asked.space <= other.space));
        Err(if is_told { error } else { error.consequential() })
    }

    /// The runs that a reference leads to, at however many points; whatever the experiment's kind. A reference that leads to
    /// no point is refused, unless there are too many points to look at.
    pub(super) fn select(&self, reference: &Reference) -> Result<SelectedRuns<'a>, LocatedError> {
        let (position, space) = self.whole(reference)?;
        let selected = selected(position, space, reference);
        if reference.values.is_empty() || space.points() > MOST_POINTS {
            return Ok(selected);
        }
        let points = self.points(position)?;
        if points.fitting(&reference.values).is_empty() {
            return Err(no_run(space, points, reference));
        }
        follows_from_nothing(space, &selected, reference)?;
        Ok(selected)
    }

    /// The runs of the one point that a reference leads to, which differ in their seed alone; whatever the experiment's
    /// kind. `name` and `kind` are those of the selection and the check, for the error where it leads to several.
    pub(super) fn select_point(
        &self,
        reference: &Reference,
        name: &str,
        kind: &str,
    ) -> Result<SelectedRuns<'a>, LocatedError> {
        let (position, space) = self.whole(reference)?;
        let mut selected = selected(position, space, reference);
        few_points(space, reference, |most| {
            format!("a check of kind {kind} is of experiments of at most {most} points")
        })?;
        let points = self.points(position)?;
        let fitting = points.fitting(&reference.values);
        if fitting.is_empty() {
            return Err(no_run(space, points, reference));
        }
        follows_from_nothing(space, &selected, reference)?;
        let [point] = fitting[..] else {
            let (id, count) = (space.id(), fitting.len());
            let message = format!(
                "`{name}` means {count} points of experiment \"{id}\", and a check of kind {kind} is of runs that differ in \
                 their seed alone"
            );
            let hint = one_run_hint(space, points, reference, &fitting);
            return Err(LocatedError::new(reference.at(), message).hint(hint));
        };
        selected.point = Some(point);
        Ok(selected)
    }

    /// Whether two selections of one point each have runs in common.
    pub(super) fn are_same(&self, a: &SelectedRuns<'_>, b: &SelectedRuns<'_>) -> Result<bool, LocatedError> {
        if (a.space, a.point) == (b.space, b.point) {
            return Ok(true);
        }
        let (of_a, of_b) = (a.space, b.space);
        let (Some(a), Some(b)) = (a.point, b.point) else { return Ok(false) };
        let shares_seeds = self.spaces[of_a].seeds().overlap(&self.spaces[of_b].seeds());
        let (a, b) = (RunPlace { space: of_a, point: a }, RunPlace { space: of_b, point: b });
        let (Some(a), Some(b)) = (self.trained(a)?, self.trained(b)?) else { return Ok(false) };
        let are_one = a.experiment == b.experiment && a.dataset == b.dataset && a.inputs == b.inputs;
        Ok(shares_seeds && are_one)
    }

    /// How two runs of a selection's experiment are named that differ, if it has two.
    pub(super) fn distinct_runs(&self, of: &SelectedRuns<'_>) -> Result<Option<String>, LocatedError> {
        Ok(distinct_runs_hint(&self.spaces[of.space], self.points(of.space)?))
    }

    /// The run at a place, if it trains a network.
    fn trained(&self, place: RunPlace) -> Result<Option<&ReferencedRun>, LocatedError> {
        match self.points(place.space)?.parsed[place.point].experiment {
            UnresolvedExperiment::Complete(_) | UnresolvedExperiment::Begun { .. } => {
                self.run(place, self.spaces[place.space].at()).map(Some)
            }
            UnresolvedExperiment::Derived { .. } | UnresolvedExperiment::Reading { .. } => Ok(None),
        }
    }

    /// How many points the experiment of a selection has.
    pub(super) fn count(&self, selected: &SelectedRuns<'_>) -> u128 {
        self.spaces[selected.space].points()
    }

    /// The experiment that a reference names, whose tasks are whole runs.
    fn whole(&self, reference: &Reference) -> Result<(usize, &'a SearchSpace), LocatedError> {
        let position = self.position(reference)?;
        let space = &self.spaces[position];
        known(space, reference)?;
        if space.splits() > 1 {
            let message = format!(
                "experiment \"{}\" splits each run into {} tasks, and a claim is of whole runs",
                space.id(),
                space.splits()
            );
            let key = space.kind().split().map_or("tasks", |split| split.key);
            return Err(
                LocatedError::new(reference.at(), message).hint(format!("{key} = 1 in that experiment"))
            );
        }
        Ok((position, space))
    }

    fn points(&self, position: usize) -> Result<&PointIndex, LocatedError> {
        if let Some(points) = self.points[position].get() {
            return Ok(points);
        }
        let read = PointIndex::of(&self.spaces[position])?;
        Ok(self.points[position].get_or_init(|| read))
    }

    fn position(&self, reference: &Reference) -> Result<usize, LocatedError> {
        let ids = || self.spaces.iter().map(|space| space.id().as_str());
        let id = reference.experiment();
        ids()
            .position(|known| known == id)
            .ok_or_else(|| self.unread.excuse(id, unread::no_experiment(id, ids(), reference.at())))
    }
}

impl Runs for ReferenceResolver<'_> {
    fn find(&self, reference: &Reference) -> Result<&ReferencedRun, LocatedError> {
        Self::find(self, reference)
    }

    fn has_run(&self, reference: &Reference) -> Result<bool, LocatedError> {
        Ok(!self.points(self.position(reference)?)?.fitting(&reference.values).is_empty())
    }

    fn contents(&self, experiment: &Experiment, dataset: Option<&DatasetReference>) -> Option<Contents> {
        referenced_run::known_contents(experiment, dataset, self.contents)
    }

    fn knows_data(&self) -> bool {
        self.knows_data
    }
}

/// The runs of an experiment that a reference selects.
fn selected<'a>(position: usize, space: &'a SearchSpace, reference: &Reference) -> SelectedRuns<'a> {
    let mut values = reference.values.clone();
    values.retain(|name, _| space.varied().contains(name));
    SelectedRuns { experiment: space.id(), values, space: position, point: None }
}

/// Refuses to look for a point among too many; `hint` says how many may be there.
fn few_points(
    space: &SearchSpace,
    reference: &Reference,
    hint: impl Fn(u128) -> String,
) -> Result<(), LocatedError> {
    if space.points() <= MOST_POINTS {
        return Ok(());
    }
    let message = format!("experiment \"{}\" has {} points", space.id(), space.points());
    Err(LocatedError::new(reference.at(), message).hint(hint(MOST_POINTS)))
}

/// Refuses a selection by a parameter that `when` alone sets.
fn follows_from_nothing(
    space: &SearchSpace,
    selected: &SelectedRuns<'_>,
    reference: &Reference,
) -> Result<(), LocatedError> {
    let conditional = |name: &&String| !selected.values.contains_key(*name) && space.sets(name);
    let Some(name) = reference.values.keys().find(conditional) else { return Ok(()) };
    let name = nearest::shortened(name);
    let message = format!("`{name}` follows from other parameters of experiment \"{}\"", space.id());
    Err(LocatedError::new(reference.at(), message).hint(varies(space)))
}

/// Refuses a reference with a parameter that its experiment's kind doesn't know.
fn known(space: &SearchSpace, reference: &Reference) -> Result<(), LocatedError> {
    let unknown = reference.values.iter().find(|(name, _)| !space.kind().knows(name));
    unknown.map_or(Ok(()), |(name, node)| Err(unknown_parameter(space, reference, name, node.at)))
}
