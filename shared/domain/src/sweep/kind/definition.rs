//! The definition of a kind: its keys, and the function that reads them.

use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::location::Location;
use super::super::parsed_point::ParsedPoint;

/// A kind of experiment, as the sweep file sees it.
#[derive(Debug)]
pub(in super::super) struct Kind {
    /// The name, as the sweep file spells it.
    pub(in super::super) name: &'static str,
    /// Every key that `read` may take, in groups.
    pub(super) groups: &'static [&'static [&'static str]],
    /// Those of its keys that are references: tables with `experiment` and any parameters of that experiment.
    pub(in super::super) references: &'static [&'static str],
    /// Whether a point is split into several tasks.
    pub(in super::super) split: Option<TaskSplit>,
    /// Reads the parameters of a point.
    pub(in super::super) read: fn(&mut Fields<'_>) -> Result<ParsedPoint, LocatedError>,
}

/// How a point is split into tasks.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct TaskSplit {
    /// The key that says into how many; it can't vary.
    pub(in super::super) key: &'static str,
    /// Into how many where it isn't given.
    pub(in super::super) default: u32,
    /// Into how many at most.
    pub(in super::super) most: u32,
    /// The coordinate that tells the tasks of a point apart.
    pub(in super::super) coordinate: &'static str,
}

impl Kind {
    /// Every key of the kind, by dotted name.
    pub(in super::super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.groups.iter().copied().flatten().copied()
    }

    /// Whether `name` is a key of the kind.
    pub(in super::super) fn knows(&self, name: &str) -> bool {
        self.keys().any(|key| key == name) || self.reference_of(name).is_some()
    }

    /// The reference whose entry `name` is (`from` for `from.batch_size`).
    pub(in super::super) fn reference_of(&self, name: &str) -> Option<&'static str> {
        let (first, _) = name.split_once('.')?;
        self.references.iter().copied().find(|reference| *reference == first)
    }

    /// Whether `name` is a table of which the kind knows keys.
    pub(in super::super) fn has_table(&self, name: &str) -> bool {
        self.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The error of `name` if it is a table where a value should be, or a value where a table should be.
    pub(in super::super) fn mistaken_for_table(&self, name: &str, at: Location) -> Option<LocatedError> {
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
