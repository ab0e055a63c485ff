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
    /// The seed of the run; that of the run which reads it if none.
    pub(super) seed: Option<u64>,
    /// Keys of the table that are no parameters of the experiment.
    pub(super) own_keys: &'static [&'static str],
}

impl Reference {
    /// The reference of these entries of the table `name`.
    pub(super) fn new(name: &str, at: Location, mut values: Assignment) -> Result<Self, LocatedError> {
        let hint = format!("{name} = {{ experiment = \"batch-size\", batch_size = 64 }}");
        let Some(experiment) = values.remove("experiment") else {
            return Err(LocatedError::new(at, format!("`{name}` names no experiment")).hint(hint));
        };
        let experiment = experiment.text(&format!("{name}.experiment"))?.to_owned();
        Ok(Self { at, experiment, values, seed: None, own_keys: &[] })
    }

    /// The point of the experiment of this id at which parameters have these values.
    pub(super) const fn to_point(at: Location, experiment: String, values: Assignment) -> Self {
        Self { at, experiment, values, seed: None, own_keys: &[] }
    }

    /// The same in a table which has these keys beside.
    pub(super) fn beside(self, own_keys: &'static [&'static str]) -> Self {
        Self { own_keys, ..self }
    }

    /// The same to the run of this seed, if one is given.
    pub(super) fn of_seed(self, seed: Option<u64>) -> Self {
        Self { seed, ..self }
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
