//! The parameters of one point, as a kind of experiment reads them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::error::LocatedError;
use super::experiment_header::ExperimentHeader;
use super::layer::Origin;
use super::location::Location;
use super::problems::Problems;
use super::reference::Reference;
use super::syntax;
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
    /// What is wrong with single values: reading goes on without them, or with an example in their place.
    wrong: Problems,
    /// Values without a meaning beside the others, if those are right.
    meaningless: Problems,
    excuses_missing: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a point of the experiment `header`, which varies these parameters.
    pub(super) fn new(
        header: &'a ExperimentHeader,
        given: BTreeMap<&'a str, (&'a Node, Origin)>,
        varied: &'a BTreeSet<String>,
    ) -> Self {
        Self {
            header,
            given,
            varied,
            used: Vec::new(),
            wrong: Problems::default(),
            meaningless: Problems::default(),
            excuses_missing: false,
        }
    }

    /// The same, of whose missing keys nothing is told if others have problems.
    pub(super) const fn excusing_missing(mut self, excuses_missing: bool) -> Self {
        self.excuses_missing = excuses_missing;
        self
    }

    /// What was read of the point, with the keys that were taken; or all that is wrong with it. What doesn't fit together is told
    /// once each value is right by itself.
    pub(super) fn end<T>(
        self,
        read: Result<T, LocatedError>,
    ) -> Result<(T, Vec<Cow<'static, str>>), Problems> {
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        let mut problems = self.meaningless;
        match problems.keep(read) {
            Some(read) => problems.or((read, self.used)),
            None => Err(problems),
        }
    }

    /// The value of `key` where it is given, checked. One that isn't right is noted, with the way out of leaving it out, and reads as if
    /// it weren't given, so that this fails no more: kinds read what may be and what must be given alike.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<Option<T>, LocatedError> {
        let hint = || format!("without `{key}` its default holds");
        let taken = self.checked(key, check).map_err(|error| error.hint_if_none(hint));
        Ok(self.wrong.keep(taken).flatten())
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

    /// The value of `key`, checked; an error with this example if it isn't given, or isn't right. The example then stands in its place,
    /// so that what else is wrong is found too.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<T, LocatedError> {
        let error = match self.checked(key, &check) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => self.missing(key).hint(example),
            Err(error) => error.hint_if_none(|| example.to_owned()),
        };
        match example_of(key, example).and_then(|node| check(key, &node).ok()) {
            Some(value) => {
                self.wrong.add(error);
                Ok(value)
            }
            None => Err(error),
        }
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
            let error = LocatedError::new(node.at, format!("`{key}` must be a table, not {node}"));
            // That it is no table is told where keys are looked at.
            return Err(error.hint(example).consequential());
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
    pub(super) fn refuse(&mut self, key: &'static str, reason: impl FnOnce() -> String) {
        let error = self.meaningless_at(key, reason);
        self.meaningless.add(error);
    }

    /// The same, with a hint.
    pub(super) fn refuse_with_hint(&mut self, key: &'static str, reason: &str, hint: &str) {
        let error = self.meaningless_at(key, || reason.to_owned());
        self.meaningless.add(error.map(|error| error.hint(hint)));
    }

    /// The problem with `key`, where the experiment gives it itself. How values fit together is told once each is right: this point's may be,
    /// and another's not.
    fn meaningless_at(&self, key: &'static str, reason: impl FnOnce() -> String) -> Option<LocatedError> {
        match self.given.get(key) {
            Some((node, Origin::Own)) => {
                Some(LocatedError::new(node.at, format!("`{key}` {}", reason())).of_values())
            }
            Some((_, Origin::Default | Origin::Everywhere)) | None => None,
        }
    }

    /// Notes what is wrong with a single value that a kind reads by itself, and without which it goes on.
    pub(super) fn note(&mut self, error: LocatedError) {
        self.wrong.add(error);
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
        let error = LocatedError::new(self.header.at, message);
        if self.excuses_missing { error.consequential() } else { error }
    }
}

/// The value of `key` in a line of an example.
fn example_of(key: &str, example: &str) -> Option<Node> {
    let table = syntax::document(example).ok()?;
    let leaves = table.leaves().ok()?;
    leaves.into_iter().find(|(name, _)| name == key).map(|(_, node)| node.clone())
}
