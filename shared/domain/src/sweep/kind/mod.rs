//! How each kind of experiment reads its parameters, one file a kind, and the registry of kinds.

use super::check;
use super::fields::Fields;
use super::problem::{Place, Problem};
use super::tree::Node;
use crate::experiment::Experiment;
use crate::id::DatasetName;

mod classify;
mod data;
mod fit_function;
mod optimizer;
mod recording;

static KINDS: [&Kind; 2] = [&fit_function::KIND, &classify::KIND];

/// A kind of experiment, as the sweep file sees it.
#[derive(Debug)]
pub(super) struct Kind {
    /// The name, as the sweep file spells it.
    pub(super) name: &'static str,
    /// Every key that `read` may take, in groups.
    groups: &'static [&'static [&'static str]],
    /// Reads the parameters of a point.
    pub(super) read: fn(&mut Fields<'_>) -> Result<Reading, Problem>,
}

/// What a kind makes of a point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// The typed parameters.
    pub(super) experiment: Experiment,
    /// The data set that the run reads, if it reads one.
    pub(super) dataset: Option<DatasetName>,
}

impl Kind {
    /// Every key of the kind, by dotted name.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.groups.iter().copied().flatten().copied()
    }

    /// Whether `name` is a key of the kind.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.keys().any(|key| key == name)
    }

    /// Whether `name` is a table of which the kind knows keys.
    pub(super) fn has_table(&self, name: &str) -> bool {
        self.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// What is wrong with `name` if it is a table where a value should be, or a value where a table should be.
    pub(super) fn mistaken_for_table(&self, name: &str, at: Place) -> Option<Problem> {
        if self.has_table(name) {
            let keys: Vec<_> =
                self.keys().filter_map(|key| key.strip_prefix(name)?.strip_prefix('.')).collect();
            let message = format!("`{name}` is a table with the keys {}", keys.join(", "));
            return Some(Problem::new(at, message));
        }
        let (parent, _) = name.rsplit_once('.')?;
        self.knows(parent).then(|| Problem::new(at, format!("`{parent}` is not a table")))
    }
}

/// Every kind.
pub(super) fn all() -> &'static [&'static Kind] {
    &KINDS
}

/// The kind that the value of `kind` names.
pub(super) fn named(node: &Node) -> Result<&'static Kind, Problem> {
    check::one_of("kind of experiment", all().iter().map(|kind| (kind.name, *kind)))("`kind`", node)
}

/// The widths of layers: at most `most` whole numbers.
fn widths(most: usize) -> impl Fn(&str, &Node) -> Result<Vec<u32>, Problem> {
    check::list_of(most, check::integer(1..=65_536))
}
