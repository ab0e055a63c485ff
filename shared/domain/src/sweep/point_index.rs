//! The points of an experiment, for those that refer to one of them by its values.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::error::LocatedError;
use super::parsed_point::ParsedPoint;
use super::problems::Problems;
use super::referenced_run::ReferencedRun;
use super::search_space::{self, SearchSpace};
use super::toml_value::Assignment;

/// Every point of a space, in order.
#[derive(Debug)]
pub(super) struct PointIndex {
    /// All parameters that are given at each point.
    pub(super) given: Vec<Assignment>,
    /// Each point, as its kind reads it.
    pub(super) parsed: Vec<ParsedPoint>,
    /// The run that is trained there, once it was asked for.
    pub(super) runs: Vec<OnceCell<ReferencedRun>>,
    /// For each set of parameters that was asked for: the points by their values of these.
    indexes: RefCell<BTreeMap<Vec<String>, Rc<Index>>>,
}

/// Points by the text of some of their values.
type Index = HashMap<String, Vec<usize>>;

impl PointIndex {
    /// The points of this space.
    ///
    /// # Errors
    /// The first problem of one that can't be read; all of them are found where the space's own points are checked.
    pub(super) fn of(space: &SearchSpace) -> Result<Self, LocatedError> {
        let axes = space.axes(u64::MAX);
        let (mut given, mut parsed) = (Vec::new(), Vec::new());
        for chosen in search_space::choices(&axes) {
            parsed.push(space.point(&chosen).map_err(Problems::into_first)?.parsed);
            given.push(space.given(&chosen));
        }
        let runs = parsed.iter().map(|_| OnceCell::new()).collect();
        Ok(Self { given, parsed, runs, indexes: RefCell::default() })
    }

    /// The points at which parameters have these values, in order. Found through an index: many references that ask for the
    /// same parameters cost as much as they find.
    pub(super) fn fitting(&self, values: &Assignment) -> Vec<usize> {
        let names: Vec<String> = values.keys().cloned().collect();
        let mut indexes = self.indexes.borrow_mut();
        let index = Rc::clone(indexes.entry(names).or_insert_with_key(|names| Rc::new(self.index(names))));
        let alike = key(values.keys(), values).and_then(|key| index.get(&key));
        let fits = |point: &&usize| {
            let given = &self.given[**point];
            values.iter().all(|(name, node)| given.get(name).is_some_and(|given| given.equals(node)))
        };
        alike.into_iter().flatten().filter(fits).copied().collect()
    }

    /// Whether this parameter has several values at these points.
    pub(super) fn differ(&self, points: &[usize], name: &str) -> bool {
        let value = |point: &usize| self.given[*point].get(name);
        points.windows(2).any(|pair| match (value(&pair[0]), value(&pair[1])) {
            (Some(one), Some(other)) => !one.equals(other),
            (one, other) => one.is_some() != other.is_some(),
        })
    }

    fn index(&self, names: &[String]) -> Index {
        let mut index = Index::new();
        for (point, given) in self.given.iter().enumerate() {
            if let Some(key) = key(names.iter(), given) {
                index.entry(key).or_default().push(point);
            }
        }
        index
    }
}

/// A text that is the same for equal values of these parameters; none where one isn't given.
fn key<'a>(mut names: impl Iterator<Item = &'a String>, given: &Assignment) -> Option<String> {
    let mut key = String::new();
    names.try_for_each(|name| given.get(name).map(|node| node.write_key(&mut key)))?;
    Some(key)
}
