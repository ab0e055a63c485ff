//! The series and single numbers that an experiment's runs record, found by reading its points.

use std::collections::BTreeSet;

use super::error::LocatedError;
use super::reference_resolver::ReferenceResolver;
use super::resolved_experiment::ResolvedExperiment;
use super::search_space::{self, Point, SearchSpace};
use super::toml_value::TomlValue;
use crate::data::DatasetReference;
use crate::experiment::Tile;

/// Spaces of more points than this are checked along their axes when the file is read; the rest when they are expanded.
const CHECKED_POINTS: u128 = 100_000;

/// How many of the points that `random` draws are then checked.
const CHECKED_DRAWS: u64 = 1_000;

/// Everything that reading a space's points brought to light.
#[derive(Debug, Default)]
pub(super) struct MeasuredSeries {
    /// The data sets that its runs read.
    pub(super) datasets: BTreeSet<DatasetReference>,
    /// The keys of which its kind made use.
    pub(super) used: BTreeSet<&'static str>,
    pub(super) series: BTreeSet<&'static str>,
    pub(super) numbers: BTreeSet<&'static str>,
    /// The layers of its networks.
    pub(super) layers: BTreeSet<String>,
    /// Whether a run doesn't keep its weights.
    pub(super) forgets_weights: bool,
}

impl MeasuredSeries {
    /// Reads the points of a space.
    pub(super) fn of(space: &SearchSpace, targets: &ReferenceResolver<'_>) -> Result<Self, LocatedError> {
        let mut measured = Self::default();
        if space.points() <= CHECKED_POINTS {
            let axes = space.axes(u64::MAX);
            for chosen in search_space::choices(&axes) {
                measured.add(space, space.point(&chosen)?, targets)?;
            }
        } else {
            let axes = space.axes(CHECKED_DRAWS);
            let mut chosen: Vec<_> = axes.iter().map(|axis| &axis[0]).collect();
            for (index, axis) in axes.iter().enumerate() {
                for value in axis.iter() {
                    chosen[index] = value;
                    measured.add(space, space.point(&chosen)?, targets)?;
                }
                chosen[index] = &axis[0];
            }
        }
        let set = space.values_of("data.name").filter_map(|node| match &node.value {
            TomlValue::Text(name) => name.parse::<DatasetReference>().ok(),
            _ => None,
        });
        measured.datasets.extend(set);
        Ok(measured)
    }

    fn add(
        &mut self,
        space: &SearchSpace,
        point: Point,
        targets: &ReferenceResolver<'_>,
    ) -> Result<(), LocatedError> {
        let resolved = ResolvedExperiment::new(&point.parsed, targets, Tile { index: 0, of: 1 })?;
        resolved.finds_seeds(&space.seeds(), targets)?;
        self.series.extend(resolved.experiment.series());
        self.numbers.extend(resolved.experiment.numbers());
        self.layers.extend(resolved.experiment.layers());
        self.forgets_weights |= resolved.experiment.weights_every().is_none();
        self.datasets.extend(resolved.dataset.cloned());
        self.used.extend(point.used);
        Ok(())
    }
}
