//! A check of a claim, as its analysis looks at it.

use super::super::error::LocatedError;
use super::super::quantities::ExperimentQuantities;
use super::super::reference::Reference;
use super::super::toml_value::Node;
use crate::claim::{Check, MeasureKey};

/// A check with where it stands, and what the runs that it speaks of record.
pub(super) struct VariedCheck<'a> {
    /// Its table.
    pub(super) node: &'a Node,
    /// The check.
    pub(super) check: &'a Check,
    /// The experiments of its selections.
    pub(super) experiments: Vec<&'a ExperimentQuantities<'a>>,
}

impl<'a> VariedCheck<'a> {
    /// All checks of a claim, which stand at these places.
    pub(super) fn all(
        nodes: &'a [Node],
        checks: &'a [Check],
        experiments: &'a [ExperimentQuantities<'a>],
    ) -> Vec<Self> {
        let of = |(node, check): (&'a Node, &'a Check)| {
            let named = check.selections().into_iter().filter_map(|selection| {
                experiments.iter().find(|measured| *measured.id == selection.experiment)
            });
            Self { node, check, experiments: named.collect() }
        };
        nodes.iter().zip(checks).map(of).collect()
    }

    /// Whether all of its experiments record a series of this name.
    fn records_series(&self, name: &str) -> bool {
        self.experiments.iter().all(|measured| measured.series.contains(name))
    }

    /// The measures that it compares, and whether each is a series.
    pub(super) fn measures(&self) -> Vec<(&'a str, bool)> {
        let check = self.check;
        let named = [MeasureKey::Y, MeasureKey::X].into_iter().filter_map(|key| key.of(check));
        named.map(|name| (name, self.records_series(name))).collect()
    }

    /// Its selections as they are written, each with its key.
    pub(super) fn references(&self) -> Result<Vec<(&'static str, Reference)>, LocatedError> {
        let table = self.node.table("check")?;
        let written = ["of", "a", "b"].into_iter().filter_map(|key| Some((key, table.get(key)?)));
        written.map(|(key, node)| Ok((key, Reference::read(key, node)?))).collect()
    }
}
