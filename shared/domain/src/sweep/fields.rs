//! The parameters of one point, as a kind of experiment reads them.

use std::collections::BTreeMap;

use super::document::Head;
use super::fragment::Origin;
use super::problem::Problem;
use super::reference::Reference;
use super::tree::{Assignment, Node, Tree};

/// The values that are given at a point, by dotted name.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    head: &'a Head,
    given: BTreeMap<&'a str, (&'a Node, Origin)>,
    used: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of a point of the experiment `head`.
    pub(super) fn new(head: &'a Head, given: BTreeMap<&'a str, (&'a Node, Origin)>) -> Self {
        Self { head, given, used: Vec::new() }
    }

    /// The value of `key` where it is given, checked; an error says that it may be left out.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let hint = || format!("without `{key}` its default holds");
        self.checked(key, check).map_err(|problem| problem.hint_if_none(hint))
    }

    fn checked<T>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let Some((node, _)) = self.given.get(key) else {
            return Ok(None);
        };
        self.used.push(key);
        let subject = format!("`{key}`");
        let checked = check(&subject, node).map_err(|problem| match &node.value {
            // Each item would do by itself: they are values to vary over.
            Tree::List(items)
                if !items.is_empty() && items.iter().all(|item| check(&subject, item).is_ok()) =>
            {
                problem.hint(format!("grid = {{ {key} = {node} }} makes a run of each"))
            }
            _ => problem,
        });
        checked.map(Some)
    }

    /// The value of `key`, checked; an error with this example if it isn't given, or isn't right.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let value =
            self.checked(key, check).map_err(|problem| problem.hint_if_none(|| example.to_owned()))?;
        value.ok_or_else(|| {
            let message = format!("experiment \"{}\" ({}) needs `{key}`", self.head.id, self.head.kind.name);
            Problem::new(self.head.at, message).hint(example)
        })
    }

    /// The reference `key`, of whatever entries are given; an error with this example if none is.
    pub(super) fn reference(
        &mut self,
        key: &'static str,
        example: &'static str,
    ) -> Result<Reference, Problem> {
        if let Some((node, _)) = self.given.get(key) {
            if let Tree::Table(_) = node.value {
                return Reference::new(key, node.at, Assignment::new());
            }
            return Err(Problem::new(node.at, format!("`{key}` must be a table, not {node}")).hint(example));
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
            let message = format!("experiment \"{}\" ({}) needs `{key}`", self.head.id, self.head.kind.name);
            return Err(Problem::new(self.head.at, message).hint(example));
        };
        self.used.push(key);
        Reference::new(key, at, entries)
    }

    /// A problem with the value of `key`, or the entries of that table, or with the experiment where nothing is given.
    pub(super) fn problem(&self, key: &str, message: &str) -> Problem {
        let entry = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let given = self
            .given
            .get(key)
            .or_else(|| self.given.iter().find(|(name, _)| entry(name)).map(|(_, given)| given));
        let at = given.map_or(self.head.at, |(node, _)| node.at);
        Problem::new(at, format!("`{key}` {message}"))
    }

    /// Refuses `key`, which has no meaning at this point because of `reason`; a default may be there all the same.
    pub(super) fn refuse(&self, key: &'static str, reason: impl FnOnce() -> String) -> Result<(), Problem> {
        match self.given.get(key) {
            Some((node, Origin::Own)) => Err(Problem::new(node.at, format!("`{key}` {}", reason()))),
            Some((_, Origin::Default | Origin::Everywhere)) | None => Ok(()),
        }
    }

    /// The keys that were taken.
    pub(super) fn used(self) -> Vec<&'static str> {
        self.used
    }
}
