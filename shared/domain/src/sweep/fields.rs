//! The parameters of one point, as a kind of experiment reads them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::error::LocatedError;
use super::experiment_header::ExperimentHeader;
use super::layer::Origin;
use super::location::Location;
use super::reference::Reference;
use super::toml_value::{Assignment, Node, TomlValue};

/// The values of a table's own keys, beside those that choose the run to which it refers.
pub(super) type OwnValues<'a> = BTreeMap<&'static str, &'a Node>;

/// The values that are given at a point, by dotted name.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    header: &'a ExperimentHeader,
    given: BTreeMap<&'a str, (&'a Node, Origin)>,
    /// The parameters that vary.
    varied: &'a BTreeSet<String>,
    used: Vec<Cow<'static, str>>,
}

impl<'a> Fields<'a> {
    /// The fields of a point of the experiment `header`, which varies these parameters.
    pub(super) fn new(
        header: &'a ExperimentHeader,
        given: BTreeMap<&'a str, (&'a Node, Origin)>,
        varied: &'a BTreeSet<String>,
    ) -> Self {
        Self { header, given, varied, used: Vec::new() }
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
        self.used.push(key.into());
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
        value.ok_or_else(|| self.missing(key).hint(example))
    }

    /// The reference `key`, of whatever entries are given; an error with this example if none is.
    pub(super) fn reference(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        example: &str,
    ) -> Result<Reference, LocatedError> {
        let key = key.into();
        if let Some((node, _)) = self.given.get(&*key) {
            if let TomlValue::Table(_) = node.value {
                return Reference::new(&key, node.at, Assignment::new());
            }
            return Err(
                LocatedError::new(node.at, format!("`{key}` must be a table, not {node}")).hint(example)
            );
        }
        let entry = |name: &str| Some(name.strip_prefix(&*key)?.strip_prefix('.')?.to_owned());
        let mut entries = Assignment::new();
        let mut at = None;
        for (name, (node, _)) in &self.given {
            if let Some(entry) = entry(name) {
                at.get_or_insert(node.at);
                entries.insert(entry, (*node).clone());
            }
        }
        let Some(at) = at else {
            return Err(self.missing(&key).hint(example));
        };
        let reference = Reference::new(&key, at, entries);
        self.used.push(key);
        reference
    }

    /// The reference `key` if it is given, whose table has keys of its `own` beside those that choose the run; these with their values.
    pub(super) fn reference_with(
        &mut self,
        key: &'static str,
        own: &'static [&'static str],
        example: &str,
    ) -> Result<Option<(Reference, OwnValues<'a>)>, LocatedError> {
        if !self.given.contains_key(key) && self.table(key).is_empty() {
            return Ok(None);
        }
        let mut reference = self.reference(key, example)?.beside(own);
        let mut found = BTreeMap::new();
        for own in own {
            reference.values.remove(*own);
            if let Some((_, node)) = self.table(key).into_iter().find(|(name, _)| name == own) {
                found.insert(*own, node);
            }
        }
        Ok(Some((reference, found)))
    }

    /// A reference to the point of this experiment that differs in the value of `key` alone.
    pub(super) fn same_point_but(&self, key: &str, value: TomlValue, at: Location) -> Reference {
        let varied = self.given.iter().filter(|(name, _)| self.varied.contains(**name));
        let mut values: Assignment =
            varied.map(|(name, (node, _))| ((*name).to_owned(), (*node).clone())).collect();
        values.insert(key.to_owned(), Node { at, value });
        Reference::to_point(at, self.header.id.to_string(), values)
    }

    /// The entries of the table `key`, by the names within it.
    pub(super) fn table(&mut self, key: &'static str) -> Vec<(&'a str, &'a Node)> {
        let entry = |name: &'a str| name.strip_prefix(key)?.strip_prefix('.');
        let entries: Vec<_> =
            self.given.iter().filter_map(|(name, (node, _))| Some((entry(name)?, *node))).collect();
        if !entries.is_empty() {
            self.used.push(key.into());
        }
        entries
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

    /// Which of these keys, of which only one has a meaning, is given: that of the strongest layer, since a default or a `--set` for all
    /// experiments may stand beside another.
    pub(super) fn one_of(&self, keys: &[&'static str]) -> Result<Option<&'static str>, LocatedError> {
        let strength = |origin: Origin| match origin {
            Origin::Default => 0,
            Origin::Own => 1,
            Origin::Everywhere => 2,
        };
        let given = keys.iter().filter_map(|key| Some((*key, self.given.get(key)?)));
        let mut given: Vec<_> =
            given.map(|(key, (node, origin))| (strength(*origin), key, node.at)).collect();
        given.sort_by_key(|(strength, ..)| std::cmp::Reverse(*strength));
        match given[..] {
            [(first, key, _), (second, other, at), ..] if first == second => {
                let message =
                    format!("`{other}` is given beside `{key}`, and only one of them has a meaning");
                Err(LocatedError::new(at, message).hint(format!("leave out `{key}` or `{other}`")))
            }
            [(_, key, _), ..] => Ok(Some(key)),
            [] => Ok(None),
        }
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

    /// For whom the value of `key` was given, if it was.
    pub(super) fn origin(&self, key: &str) -> Option<Origin> {
        self.given.get(key).map(|(_, origin)| *origin)
    }

    /// The value of `key`, as it is written.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.given.get(key).map(|(node, _)| *node)
    }

    /// Where the experiment stands.
    pub(super) fn at(&self) -> Location {
        self.header.at
    }

    /// The value of a key that a declaration names, as it is written.
    pub(super) fn declared(&mut self, key: &str) -> Option<&'a Node> {
        let (node, _) = *self.given.get(key)?;
        self.used.push(key.to_owned().into());
        Some(node)
    }

    /// The error of a key that isn't given and must be.
    pub(super) fn missing(&self, key: &str) -> LocatedError {
        let message = format!("experiment \"{}\" ({}) needs `{key}`", self.header.id, self.header.kind);
        LocatedError::new(self.header.at, message)
    }

    /// The keys that were taken.
    pub(super) fn used(self) -> Vec<Cow<'static, str>> {
        self.used
    }
}
