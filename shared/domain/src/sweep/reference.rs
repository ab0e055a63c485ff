//! References: how an experiment names the tasks of another one whose results its own tasks read.

use std::cell::OnceCell;

use super::axis;
use super::nearest;
use super::problem::{Place, Problem};
use super::seeds::Seeds;
use super::space::{self, Space};
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

    /// What it asks for.
    pub(super) const fn values(&self) -> &Assignment {
        &self.values
    }
}

/// A point to which references may lead.
#[derive(Debug)]
pub(super) struct Target {
    /// All parameters that are given there.
    given: Assignment,
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
    points: Vec<OnceCell<Vec<Target>>>,
}

impl<'a> Targets<'a> {
    /// The points of these spaces.
    pub(super) fn new(spaces: &'a [Space]) -> Self {
        Self { spaces, points: spaces.iter().map(|_| OnceCell::new()).collect() }
    }

    /// The seeds of the experiment that a reference names.
    pub(super) fn seeds(&self, reference: &Reference) -> Result<Seeds, Problem> {
        Ok(self.spaces[self.position(reference)?].seeds())
    }

    /// The experiment that a reference names.
    pub(super) fn experiment(&self, reference: &Reference) -> Result<&'a ExperimentId, Problem> {
        Ok(self.spaces[self.position(reference)?].id())
    }

    /// The one point that a reference leads to.
    pub(super) fn find(&self, reference: &Reference) -> Result<&Target, Problem> {
        let (position, space) = {
            let position = self.position(reference)?;
            (position, &self.spaces[position])
        };
        let points = match self.points[position].get() {
            Some(points) => points,
            None => {
                let read = targets(space, reference.at)?;
                self.points[position].get_or_init(|| read)
            }
        };
        known(space, reference)?;
        let mut fitting = points.iter().filter(|target| fits(&target.given, reference));
        let varied = || space.varied().iter().cloned().collect::<Vec<_>>().join(", ");
        match (fitting.next(), fitting.count()) {
            (Some(target), 0) => Ok(target),
            (None, _) => {
                let message = format!("experiment \"{}\" has no run with these values", space.id());
                Err(Problem::new(reference.at, message).hint(format!("it varies {}", varied())))
            }
            (Some(_), more) => {
                let message =
                    format!("experiment \"{}\" has {} different runs that fit here", space.id(), more + 1);
                Err(Problem::new(reference.at, message)
                    .hint(format!("it varies {}: give the values of one run", varied())))
            }
        }
    }

    /// Refuses a reference that leads to no point of its experiment, whatever its kind.
    pub(super) fn leads_somewhere(&self, reference: &Reference) -> Result<(), Problem> {
        let space = &self.spaces[self.position(reference)?];
        known(space, reference)?;
        let axes = space.axes(u64::MAX);
        if reference.values.is_empty()
            || space::choices(&axes).any(|chosen| fits(&space.given(&chosen), reference))
        {
            return Ok(());
        }
        let message = format!("experiment \"{}\" has no run with these values", space.id());
        let varied: Vec<_> = space.varied().iter().cloned().collect();
        Err(Problem::new(reference.at, message).hint(format!("it varies {}", varied.join(", "))))
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
    let hint = "a run reads those of its own seed: `seeds` chooses them".to_owned();
    let problem = Problem::new(node.at, message);
    Err(if name == "seed" { problem.hint(hint) } else { problem })
}

/// Whether a point has all values that a reference asks for.
fn fits(given: &Assignment, reference: &Reference) -> bool {
    reference.values.iter().all(|(name, node)| given.get(name).is_some_and(|given| given.equals(node)))
}

/// Every point of a space that trains networks.
fn targets(space: &Space, asked_at: Place) -> Result<Vec<Target>, Problem> {
    let axes = space.axes(u64::MAX);
    let mut targets = Vec::new();
    for chosen in space::choices(&axes) {
        let reading = space.point(&chosen)?.reading;
        let super::kind::Draft::Complete(experiment) = reading.draft else {
            let message =
                format!("experiment \"{}\" ({}) trains no network to read", space.id(), space.kind().name);
            return Err(Problem::new(asked_at, message));
        };
        targets.push(Target { given: space.given(&chosen), experiment, dataset: reading.dataset });
    }
    Ok(targets)
}
