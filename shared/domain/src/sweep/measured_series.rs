//! The series and single numbers that an experiment's runs record, found by reading its points.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::problems::Problems;
use super::reference_resolver::ReferenceResolver;
use super::resolved_experiment::ResolvedExperiment;
use super::search_space::{self, Point, SearchSpace};
use super::toml_value::{Assignment, TomlValue};
use crate::data::{DatasetReference, Recipe};
use crate::experiment::Tile;

/// Spaces of more points than this are checked along their axes when the file is read; the rest when they are expanded.
const CHECKED_POINTS: u128 = 100_000;

/// How many of the points that `random` draws are then checked.
const CHECKED_DRAWS: u64 = 1_000;

/// After so many points that can't be read, others are left alone: mostly all of them have the same problem.
const MOST_FAILING: u32 = 1_000;

/// Everything that reading a space's points brought to light.
#[derive(Debug, Default)]
pub(super) struct MeasuredSeries {
    /// The data sets that its runs read.
    pub(super) datasets: BTreeSet<DatasetReference>,
    /// The keys of which its kind made use.
    pub(super) used: BTreeSet<Cow<'static, str>>,
    pub(super) series: BTreeSet<String>,
    pub(super) numbers: BTreeSet<String>,
    /// The layers of its networks.
    pub(super) layers: BTreeSet<String>,
    /// Whether a run doesn't keep its weights.
    pub(super) forgets_weights: bool,
}

/// Visits the points of a space that are checked when the file is read, and collects what is wrong with them.
pub(super) fn for_checked_points(
    space: &SearchSpace,
    mut visit: impl FnMut(&[&Assignment]) -> Result<(), Problems>,
) -> Result<(), Problems> {
    let (mut problems, mut failed) = (Problems::default(), 0);
    let mut goes_on = |chosen: &[&Assignment]| {
        if problems.keep(visit(chosen)).is_none() {
            failed += 1;
        }
        failed < MOST_FAILING
    };
    if space.points() <= CHECKED_POINTS {
        let axes = space.axes(u64::MAX);
        for chosen in search_space::choices(&axes) {
            if !goes_on(&chosen) {
                break;
            }
        }
        return problems.or(());
    }
    let axes = space.axes(CHECKED_DRAWS);
    let mut chosen: Vec<_> = axes.iter().map(|axis| &axis[0]).collect();
    for (index, axis) in axes.iter().enumerate() {
        for value in axis.iter() {
            chosen[index] = value;
            if !goes_on(&chosen) {
                break;
            }
        }
        chosen[index] = &axis[0];
    }
    problems.or(())
}

impl MeasuredSeries {
    /// Reads the points of a space.
    pub(super) fn of(space: &SearchSpace, targets: &ReferenceResolver<'_>) -> Result<Self, Problems> {
        let mut measured = Self::default();
        for_checked_points(space, |chosen| measured.add(space, space.point(chosen)?, targets))?;
        let set = space.values_of("data.name").filter_map(|node| match &node.value {
            // One that is made from parameters is named by them, at each point.
            TomlValue::Text(name) if Recipe::NAMES.contains(&name.as_str()) => None,
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
    ) -> Result<(), Problems> {
        let resolved = ResolvedExperiment::new(&point.parsed, targets, Tile { index: 0, of: 1 })?;
        resolved.finds_seeds(&space.seeds(), targets)?;
        self.series.extend(resolved.experiment.series().into_iter().map(str::to_owned));
        self.series.extend(point.parsed.declared.series.iter().cloned());
        self.numbers.extend(resolved.experiment.numbers().into_iter().map(str::to_owned));
        self.numbers.extend(point.parsed.declared.numbers.iter().cloned());
        self.layers.extend(resolved.experiment.layers());
        self.forgets_weights |= resolved.experiment.weights_every().is_none();
        self.datasets.extend(resolved.dataset.cloned());
        self.used.extend(point.used);
        Ok(())
    }
}
