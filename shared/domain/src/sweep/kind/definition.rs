//! The definition of a kind: its keys, and the function that reads them.

use std::sync::Arc;

use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::location::Location;
use super::super::parsed_point::ParsedPoint;
use super::{command, custom};
use crate::custom_kind::KindDeclaration;

/// A kind of Basin's own, as the sweep file sees it.
#[derive(Debug)]
pub(in super::super) struct BuiltInKind {
    /// The name, as the sweep file spells it.
    pub(in super::super) name: &'static str,
    /// Every key that `read` may take, in groups.
    pub(super) groups: &'static [&'static [&'static str]],
    /// Those of its keys that are references: tables with `experiment` and any parameters of that experiment.
    pub(in super::super) references: &'static [&'static str],
    /// Tables whose entries may have any name.
    pub(in super::super) tables: &'static [&'static str],
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

impl BuiltInKind {
    /// Every key of the kind, by dotted name.
    pub(in super::super) fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.groups.iter().copied().flatten().chain(self.tables).copied()
    }
}

/// A kind of experiment, as the sweep file sees it.
#[derive(Debug, Clone)]
pub(in super::super) enum Kind {
    /// One of Basin's own.
    BuiltIn(&'static BuiltInKind),
    /// One that a program brings.
    Custom(Arc<KindDeclaration>),
}

impl Kind {
    /// The name, as the sweep file spells it.
    pub(in super::super) fn name(&self) -> &str {
        match self {
            Self::BuiltIn(kind) => kind.name,
            Self::Custom(kind) => kind.name().as_str(),
        }
    }

    /// Whether a program brings it.
    pub(in super::super) const fn is_custom(&self) -> bool {
        matches!(self, Self::Custom(_))
    }

    /// How a point is split into several tasks, if it is.
    pub(in super::super) const fn split(&self) -> Option<TaskSplit> {
        match self {
            Self::BuiltIn(kind) => kind.split,
            Self::Custom(_) => None,
        }
    }

    /// Whether runs for which this key is given may read the results of others.
    pub(in super::super) fn reads_others_by(&self, name: &str) -> bool {
        let table = name.split_once('.').map_or(name, |(table, _)| table);
        match self {
            Self::BuiltIn(kind) => {
                kind.references.contains(&table) || table == command::INPUTS && kind.tables.contains(&table)
            }
            Self::Custom(kind) => kind.inputs().iter().any(|input| input == table),
        }
    }

    /// Reads the parameters of a point.
    pub(in super::super) fn read(&self, fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
        match self {
            Self::BuiltIn(kind) => (kind.read)(fields),
            Self::Custom(kind) => custom::read(kind, fields),
        }
    }

    /// Every key of the kind, by dotted name.
    pub(in super::super) fn keys(&self) -> Vec<&str> {
        match self {
            Self::BuiltIn(kind) => kind.keys().collect(),
            Self::Custom(kind) => custom::keys(kind),
        }
    }

    /// Those of its keys that are tables with entries of any name, or references.
    fn tables(&self) -> Vec<&str> {
        match self {
            Self::BuiltIn(kind) => kind.references.iter().chain(kind.tables).copied().collect(),
            Self::Custom(kind) => kind.inputs().iter().map(String::as_str).collect(),
        }
    }

    /// The kind's keys, as a hint lists them: where there are too many to read, tables of keys stand for theirs.
    pub(in super::super) fn outline(&self) -> String {
        const READABLE: usize = 60;
        let keys = self.keys();
        if keys.len() <= READABLE {
            return keys.join(", ");
        }
        let mut names: Vec<String> = Vec::new();
        for key in keys {
            let name = match key.split_once('.') {
                Some((table, _)) => format!("{table}.…"),
                None => key.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }

    /// Whether `name` is a key of the kind.
    pub(in super::super) fn knows(&self, name: &str) -> bool {
        let is_key = match self {
            Self::BuiltIn(kind) => kind.groups.iter().copied().flatten().any(|key| *key == name),
            Self::Custom(kind) => custom::keys(kind).contains(&name),
        };
        is_key || self.owner_of(name).is_some()
    }

    /// The reference, or the table of any names, whose entry `name` is (`from` for `from.batch_size`).
    pub(in super::super) fn owner_of(&self, name: &str) -> Option<&str> {
        let (first, _) = name.split_once('.')?;
        self.tables().into_iter().find(|owner| *owner == first)
    }

    /// Whether `name` is a table of which the kind knows keys.
    pub(in super::super) fn has_table(&self, name: &str) -> bool {
        let is_within = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.has_any_table(name) || self.keys().into_iter().any(is_within)
    }

    /// Whether `name` is a table whose entries may have any name.
    fn has_any_table(&self, name: &str) -> bool {
        match self {
            Self::BuiltIn(kind) => kind.tables.contains(&name),
            Self::Custom(_) => false,
        }
    }

    /// The error of `name` if it is a table where a value should be, or a value where a table should be.
    pub(in super::super) fn mistaken_for_table(&self, name: &str, at: Location) -> Option<LocatedError> {
        if self.has_any_table(name) {
            return Some(LocatedError::new(at, format!("`{name}` is a table")));
        }
        if self.has_table(name) {
            let keys = self.keys().into_iter();
            let keys: Vec<_> = keys.filter_map(|key| key.strip_prefix(name)?.strip_prefix('.')).collect();
            let message = format!("`{name}` is a table with the keys {}", keys.join(", "));
            return Some(LocatedError::new(at, message));
        }
        let (parent, _) = name.rsplit_once('.')?;
        self.knows(parent).then(|| LocatedError::new(at, format!("`{parent}` is not a table")))
    }
}
