//! References: how an experiment names the tasks of another one whose results its own tasks read.

use std::cell::OnceCell;

use super::axis;
use super::nearest;
use super::points::Points;
use super::problem::{Place, Problem};
use super::seeds::Seeds;
use super::space::Space;
use super::tree::{Assignment, Node, Table};
use crate::experiment::Experiment;
use crate::id::{DatasetName, ExperimentId};

/// `{ experiment = "batch-size", batch_size = 64 }`: the one point of that experiment where parameters have these values.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    at: Place,
    experiment: String,
    values: Assignment,
}

impl Reference {
    /// The reference of these entries of the table `name`.
    pub(super) fn new(name: &str, at: Place, mut values: Assignment) -> Result<Self, Problem> {
        let hint = format!("{name} = {{ experiment = \"batch-size\", batch_size = 64 }}");
        let Some(experiment) = values.remove("experiment") else {
            return Err(Problem::new(at, format!("`{name}` names no experiment")).hint(hint));
        };
        Ok(Self { at, experiment: experiment.text(&format!("{name}.experiment"))?.to_owned(), values })
    }

    /// Reads a whole table, where a reference stands outside an experiment.
    pub(super) fn read(name: &str, node: &Node) -> Result<Self, Problem> {
        Self::of_table(name, node.at, node.table(name)?)
    }

    fn of_table(name: &str, at: Place, table: &Table) -> Result<Self, Problem> {
        Self::new(name, at, axis::assignment(table)?)
    }

    /// The experiment as it is written.
    pub(super) fn experiment(&self) -> &str {
        &self.experiment
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> Place {
        self.at
    }
}

/// A run, of any seed, that references may lead to.
#[derive(Debug)]
pub(super) struct Target {
    /// The typed parameters.
    pub(super) experiment: Experiment,
    /// The data set that it reads.
    pub(super) dataset: Option<DatasetName>,
}

/// Finds what references lead to.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    spaces: &'a [Space],
    /// The points of each space, once they were asked for.
    points: Vec<OnceCell<Points>>,
}

/// An experiment of more points than this is too large for its runs to be read by others.
const MOST_POINTS: u128 = 100_000;

impl<'a> Targets<'a> {
    /// The points of these spaces.
    pub(super) fn new(spaces: &'a [Space]) -> Self {
        Self { spaces, points: spaces.iter().map(|_| OnceCell::new()).collect() }
    }

    /// The seeds of the experiment that a reference names.
    pub(super) fn seeds(&self, reference: &Reference) -> Result<Seeds, Problem> {
        Ok(self.spaces[self.position(reference)?].seeds())
    }

    /// The one point that a reference leads to.
    pub(super) fn find(&self, reference: &Reference) -> Result<&Target, Problem> {
        let position = self.position(reference)?;
        let space = &self.spaces[position];
        known(space, reference)?;
        if space.points() > MOST_POINTS {
            let message = format!("experiment \"{}\" has {} points", space.id(), space.points());
            let hint = format!("runs of experiments of at most {MOST_POINTS} points can be read");
            return Err(Problem::new(reference.at, message).hint(hint));
        }
        let points = self.points(position)?;
        match points.fitting(&reference.values)[..] {
            [] => Err(no_run(space, points, reference)),
            [index] => points.targets[index].as_ref().ok_or_else(|| {
                let (id, kind) = (space.id(), space.kind().name);
                let message = format!("experiment \"{id}\" ({kind}) trains no network to read");
                Problem::new(reference.at, message)
            }),
            ref several => {
                let count = several.len();
                let message =
                    format!("experiment \"{}\" has {count} different runs that fit here", space.id());
                let hint = format!("{}: give the values of one run", varies(space));
                Err(Problem::new(reference.at, message).hint(hint))
            }
        }
    }

    /// The experiment that a reference names, and those of its values that tell the experiment's points apart; whatever the
    /// experiment's kind. A reference that leads to no point is refused, unless there are too many points to look at.
    pub(super) fn select(&self, reference: &Reference) -> Result<(&'a ExperimentId, Assignment), Problem> {
        let position = self.position(reference)?;
        let space = &self.spaces[position];
        known(space, reference)?;
        let mut values = reference.values.clone();
        values.retain(|name, _| space.varied().contains(name));
        if reference.values.is_empty() || space.points() > MOST_POINTS {
            return Ok((space.id(), values));
        }
        let points = self.points(position)?;
        if points.fitting(&reference.values).is_empty() {
            return Err(no_run(space, points, reference));
        }
        let conditional = |name: &&String| !values.contains_key(*name) && space.sets(name);
        if let Some(name) = reference.values.keys().find(conditional) {
            let name = nearest::shortened(name);
            let message = format!("`{name}` follows from other parameters of experiment \"{}\"", space.id());
            return Err(Problem::new(reference.at, message).hint(varies(space)));
        }
        Ok((space.id(), values))
    }

    fn points(&self, position: usize) -> Result<&Points, Problem> {
        if let Some(points) = self.points[position].get() {
            return Ok(points);
        }
        let read = Points::of(&self.spaces[position])?;
        Ok(self.points[position].get_or_init(|| read))
    }

    fn position(&self, reference: &Reference) -> Result<usize, Problem> {
        let ids = || self.spaces.iter().map(|space| space.id().as_str());
        ids().position(|id| id == reference.experiment).ok_or_else(|| {
            let near = nearest::value(&reference.experiment, ids());
            let shown = nearest::shortened(&reference.experiment);
            Problem::new(reference.at, format!("there is no experiment \"{shown}\"{near}"))
        })
    }
}

/// Refuses a reference with a parameter that its experiment's kind doesn't know.
fn known(space: &Space, reference: &Reference) -> Result<(), Problem> {
    let kind = space.kind();
    let Some((name, node)) = reference.values.iter().find(|(name, _)| !kind.knows(name)) else {
        return Ok(());
    };
    let (shown, near) = (nearest::shortened(name), nearest::key(name, kind.keys()));
    let message = format!("experiment \"{}\" has no parameter `{shown}`{near}", space.id());
    let problem = Problem::new(node.at, message);
    Err(match name.as_str() {
        "seed" | "seeds" => problem.hint("a run reads those of its own seed, and `seeds` chooses them"),
        _ => problem,
    })
}

/// What to say where no point has the values that a reference asks for.
fn no_run(space: &Space, points: &Points, reference: &Reference) -> Problem {
    let missing = |name: &&String| !points.given.iter().any(|given| given.contains_key(*name));
    let message = match reference.values.keys().find(missing) {
        Some(name) => {
            format!("experiment \"{}\" doesn't say `{}`", space.id(), nearest::shortened(name))
        }
        None => format!("experiment \"{}\" has no run with these values", space.id()),
    };
    Problem::new(reference.at, message).hint(varies(space))
}

/// Which parameters tell the points of an experiment apart, for a hint.
fn varies(space: &Space) -> String {
    match space.varied().is_empty() {
        true => "it varies nothing".to_owned(),
        false => format!("it varies {}", space.varied().iter().cloned().collect::<Vec<_>>().join(", ")),
    }
}
