//! References: how an experiment names the tasks of another one whose results its own tasks read.

use super::axis;
use super::error::LocatedError;
use super::location::Location;
use super::toml_value::{Assignment, Node, Table};

/// `{ experiment = "batch-size", batch_size = 64 }`: the one point of that experiment where parameters have these values.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    at: Location,
    experiment: String,
    /// The values that tell its point from the experiment's others.
    pub(super) values: Assignment,
}

impl Reference {
    /// The reference of these entries of the table `name`.
    pub(super) fn new(name: &str, at: Location, mut values: Assignment) -> Result<Self, LocatedError> {
        let hint = format!("{name} = {{ experiment = \"batch-size\", batch_size = 64 }}");
        let Some(experiment) = values.remove("experiment") else {
            return Err(LocatedError::new(at, format!("`{name}` names no experiment")).hint(hint));
        };
        Ok(Self { at, experiment: experiment.text(&format!("{name}.experiment"))?.to_owned(), values })
    }

    /// Reads a whole table, where a reference stands outside an experiment.
    pub(super) fn read(name: &str, node: &Node) -> Result<Self, LocatedError> {
        Self::of_table(name, node.at, node.table(name)?)
    }

    fn of_table(name: &str, at: Location, table: &Table) -> Result<Self, LocatedError> {
        Self::new(name, at, axis::assignment(table)?)
    }

    /// The experiment as it is written.
    pub(super) fn experiment(&self) -> &str {
        &self.experiment
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> Location {
        self.at
    }
}
