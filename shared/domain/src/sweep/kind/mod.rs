//! How each kind of experiment reads its parameters, one file a kind, and the registry of kinds.

use super::check;
use super::error::{LocatedError, Location};
use super::fields::Fields;
use super::reference::{Reference, ReferencedRun};
use super::toml_value::Node;
use crate::data::DatasetReference;
use crate::experiment::{Experiment, Tile, TrainedModel};

mod classify;
mod critical_point;
mod data;
mod fit_function;
mod interpolate;
mod optimizer;
mod probes;
mod recording;
mod surface;

static KINDS: [&Kind; 5] =
    [&fit_function::KIND, &classify::KIND, &critical_point::KIND, &interpolate::KIND, &surface::KIND];

/// A kind of experiment, as the sweep file sees it.
#[derive(Debug)]
pub(super) struct Kind {
    /// The name, as the sweep file spells it.
    pub(super) name: &'static str,
    /// Every key that `read` may take, in groups.
    groups: &'static [&'static [&'static str]],
    /// Those of its keys that are references: tables with `experiment` and any parameters of that experiment.
    pub(super) references: &'static [&'static str],
    /// Whether a point is split into several tasks.
    pub(super) split: Option<TaskSplit>,
    /// Reads the parameters of a point.
    pub(super) read: fn(&mut Fields<'_>) -> Result<ParsedPoint, LocatedError>,
}

/// How a point is split into tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskSplit {
    /// The key that says into how many; it can't vary.
    pub(super) key: &'static str,
    /// Into how many where it isn't given.
    pub(super) default: u32,
    /// Into how many at most.
    pub(super) most: u32,
    /// The coordinate that tells the tasks of a point apart.
    pub(super) coordinate: &'static str,
}

/// What a kind makes of a point.
#[derive(Debug, Clone)]
pub(super) struct ParsedPoint {
    /// The typed parameters, as far as the point alone gives them.
    pub(super) experiment: UnresolvedExperiment,
    /// The data set that the run reads, if it reads one; that of its inputs if it is derived from them.
    pub(super) dataset: Option<DatasetReference>,
}

/// The typed parameters of a point.
#[derive(Debug, Clone)]
pub(super) enum UnresolvedExperiment {
    /// All of them.
    Complete(Experiment),
    /// What depends on the parameters of other experiments' runs is still missing.
    Derived {
        /// The runs whose results are read, by the name of the input.
        inputs: Vec<(&'static str, Reference)>,
        /// What is made of them.
        derivation: Derivation,
    },
}

/// An experiment on other runs' results, before those are found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Derivation {
    /// `interpolate`.
    Interpolation(interpolate::Interpolation),
    /// `surface`.
    Grid(surface::Grid),
}

impl Derivation {
    /// The experiment, its inputs found; in words what is wrong with them.
    pub(super) fn resolve(&self, inputs: &[&ReferencedRun], tile: Tile) -> Result<Experiment, String> {
        match self {
            Self::Interpolation(interpolation) => interpolation.resolve(inputs),
            Self::Grid(grid) => grid.resolve(inputs, tile),
        }
    }
}

/// The network that a run trains.
fn trained_model(target: &ReferencedRun) -> Result<TrainedModel, String> {
    let kind = target.experiment.kind();
    TrainedModel::of(&target.experiment)
        .ok_or_else(|| format!("a run of kind {kind} keeps no network that could be read"))
}

impl ParsedPoint {
    fn complete(experiment: Experiment, dataset: Option<DatasetReference>) -> Self {
        Self { experiment: UnresolvedExperiment::Complete(experiment), dataset }
    }

    fn derived(inputs: Vec<(&'static str, Reference)>, derivation: Derivation) -> Self {
        Self { experiment: UnresolvedExperiment::Derived { inputs, derivation }, dataset: None }
    }
}

impl Kind {
    /// Every key of the kind, by dotted name.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.groups.iter().copied().flatten().copied()
    }

    /// Whether `name` is a key of the kind.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.keys().any(|key| key == name) || self.reference_of(name).is_some()
    }

    /// The reference whose entry `name` is (`from` for `from.batch_size`).
    pub(super) fn reference_of(&self, name: &str) -> Option<&'static str> {
        let (first, _) = name.split_once('.')?;
        self.references.iter().copied().find(|reference| *reference == first)
    }

    /// Whether `name` is a table of which the kind knows keys.
    pub(super) fn has_table(&self, name: &str) -> bool {
        self.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// What is wrong with `name` if it is a table where a value should be, or a value where a table should be.
    pub(super) fn mistaken_for_table(&self, name: &str, at: Location) -> Option<LocatedError> {
        if self.has_table(name) {
            let keys: Vec<_> =
                self.keys().filter_map(|key| key.strip_prefix(name)?.strip_prefix('.')).collect();
            let message = format!("`{name}` is a table with the keys {}", keys.join(", "));
            return Some(LocatedError::new(at, message));
        }
        let (parent, _) = name.rsplit_once('.')?;
        self.knows(parent).then(|| LocatedError::new(at, format!("`{parent}` is not a table")))
    }
}

/// Every kind.
pub(super) fn all() -> &'static [&'static Kind] {
    &KINDS
}

/// The kind that the value of `kind` names.
pub(super) fn named(node: &Node) -> Result<&'static Kind, LocatedError> {
    check::one_of("kind of experiment", all().iter().map(|kind| (kind.name, *kind)))("`kind`", node)
}

/// The widths of layers: at most `most` whole numbers.
fn widths(most: usize) -> impl Fn(&str, &Node) -> Result<Vec<u32>, LocatedError> {
    check::list_of(most, check::integer(1..=65_536))
}
