//! The parameters of one point, as a kind of experiment reads them.

use std::collections::BTreeMap;

use super::error::LocatedError;
use super::experiment_header::ExperimentHeader;
use super::layer::Origin;
use super::reference::Reference;
use super::toml_value::{Assignment, Node, TomlValue};

/// The values that are given at a point, by dotted name.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    header: &'a ExperimentHeader,
    given: BTreeMap<&'a str, (&'a Node, Origin)>,
    used: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of a point of the experiment `header`.
    pub(super) fn new(header: &'a ExperimentHeader, given: BTreeMap<&'a str, (&'a Node, Origin)>) -> Self {
        Self { header, given, used: Vec::new() }
    }

    /// The value of `key` where it is given, checked; an error says that it may be left out.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<Option<T>, LocatedError> {
        let hint = || format!("without `{key}` its default holds");
        self.checked(key, check).map_err(|error| error.hint_if_none(hint))
    }

    fn checked<T>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<Option<T>, LocatedError> {
        let Some((node, _)) = self.given.get(key) else {
            return Ok(None);
        };
        self.used.push(key);
        let subject = format!("`{key}`");
        let checked = check(&subject, node).map_err(|error| match &node.value {
            // Each item would do by itself: they are values to vary over.
            TomlValue::List(items)
                if !items.is_empty() && items.iter().all(|item| check(&subject, item).is_ok()) =>
            {
                error.hint(format!("grid = {{ {key} = {node} }} makes a run of each"))
            }
            _ => error,
        });
        checked.map(Some)
    }

    /// The value of `key`, checked; an error with this example if it isn't given, or isn't right.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<T, LocatedError> {
        let value = self.checked(key, check).map_err(|error| error.hint_if_none(|| example.to_owned()))?;
        value.ok_or_else(|| {
            let message = format!("experiment \"{}\" ({}) needs `{key}`", self.header.id, self.header.kind);
            LocatedError::new(self.header.at, message).hint(example)
        })
    }

    /// The reference `key`, of whatever entries are given; an error with this example if none is.
    pub(super) fn reference(
        &mut self,
        key: &'static str,
        example: &'static str,
    ) -> Result<Reference, LocatedError> {
        if let Some((node, _)) = self.given.get(key) {
            if let TomlValue::Table(_) = node.value {
                return Reference::new(key, node.at, Assignment::new());
            }
            return Err(
                LocatedError::new(node.at, format!("`{key}` must be a table, not {node}")).hint(example)
            );
        }
        let entry = |name: &str| Some(name.strip_prefix(key)?.strip_prefix('.')?.to_owned());
        let mut entries = Assignment::new();
        let mut at = None;
        for (name, (node, _)) in &self.given {
            if let Some(entry) = entry(name) {
                at.get_or_insert(node.at);
                entries.insert(entry, (*node).clone());
            }
        }
        let Some(at) = at else {
            let message = format!("experiment \"{}\" ({}) needs `{key}`", self.header.id, self.header.kind);
            return Err(LocatedError::new(self.header.at, message).hint(example));
        };
        self.used.push(key);
        Reference::new(key, at, entries)
    }

    /// A problem with the value of `key`, or the entries of that table, or with the experiment where nothing is given.
    pub(super) fn error(&self, key: &str, message: &str) -> LocatedError {
        let entry = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let given = self
            .given
            .get(key)
            .or_else(|| self.given.iter().find(|(name, _)| entry(name)).map(|(_, given)| given));
        let at = given.map_or(self.header.at, |(node, _)| node.at);
        LocatedError::new(at, format!("`{key}` {message}"))
    }

    /// Refuses `key`, which has no meaning at this point because of `reason`; a default may be there all the same.
    pub(super) fn refuse(
        &self,
        key: &'static str,
        reason: impl FnOnce() -> String,
    ) -> Result<(), LocatedError> {
        match self.given.get(key) {
            Some((node, Origin::Own)) => Err(LocatedError::new(node.at, format!("`{key}` {}", reason()))),
            Some((_, Origin::Default | Origin::Everywhere)) | None => Ok(()),
        }
    }

    /// The keys that were taken.
    pub(super) fn used(self) -> Vec<&'static str> {
        self.used
    }
}
