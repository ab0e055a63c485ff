//! Axes of an experiment's space: lists of values that `grid`, `zip` and `list` write down.

use std::collections::{BTreeSet, HashMap};

use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use super::problems::Problems;
use super::toml_value::{Assignment, Node, Table, TomlValue};

/// A list of assignments, one of which holds at each point. Never empty.
#[derive(Debug, Clone)]
pub(super) struct ParameterAxis(Vec<Assignment>);

impl ParameterAxis {
    /// An axis of these assignments; `name` says in the error what has none.
    pub(super) fn new(name: &str, at: Location, mut values: Vec<Assignment>) -> Result<Self, LocatedError> {
        if values.is_empty() {
            let name = nearest::shortened(name);
            return Err(LocatedError::new(at, format!("`{name}` lists no values")));
        }
        unify_numbers(&mut values);
        Ok(Self(values))
    }

    /// The axis of one key of a grid: the values of one parameter, or tables of several.
    pub(super) fn of_key(key: &str, node: &Node) -> Result<Self, LocatedError> {
        let items = node.list(key, "values").map_err(|error| match node.value {
            TomlValue::Table(_) => error,
            _ => error.hint(format!("{key} = [{node}], or `{key} = {node}` outside")),
        })?;
        let assignments = items.iter().map(|item| assignment_of(key, item)).collect::<Result<_, _>>()?;
        Self::new(key, node.at, assignments)
    }

    /// Refuses a value that stands on the axis twice: it would be the same run twice.
    pub(super) fn lists_nothing_twice(&self, name: &str) -> Result<(), LocatedError> {
        self.repeated().first().map_or(Ok(()), |index| Err(self.twice(name, &self.0[*index])))
    }

    /// The axis without values that repeat earlier ones, which are noted.
    pub(super) fn without_repetitions(mut self, name: &str, problems: &mut Problems) -> Self {
        let repeated = self.repeated();
        for index in &repeated {
            problems.add(self.twice(name, &self.0[*index]));
        }
        let mut index = 0;
        self.0.retain(|_| {
            index += 1;
            repeated.binary_search(&(index - 1)).is_err()
        });
        self
    }

    /// The indices of the values that repeat earlier ones, ascending.
    fn repeated(&self) -> Vec<usize> {
        let mut alike: HashMap<String, Vec<&Assignment>> = HashMap::new();
        let mut repeated = Vec::new();
        for (index, value) in self.0.iter().enumerate().filter(|(_, value)| !value.is_empty()) {
            let known = alike.entry(key(value)).or_default();
            match known.iter().any(|first| same(first, value)) {
                true => repeated.push(index),
                false => known.push(value),
            }
        }
        repeated
    }

    fn twice(&self, name: &str, value: &Assignment) -> LocatedError {
        let at = value.values().map(|node| node.at).next_back().unwrap_or(Location::Line(1));
        LocatedError::new(at, format!("`{}` lists {} twice", nearest::shortened(name), shown(value)))
            .hint("take one of them out; `seeds = 2` repeats every run with another seed")
    }

    /// The axes of every key of a table, in the order of the file; `name` is the table's.
    pub(super) fn of_keys(name: &str, node: &Node) -> Result<Vec<(String, Self)>, LocatedError> {
        let leaves = node.table(name)?.leaves()?;
        leaves.into_iter().map(|(key, node)| Self::of_key(&key, node).map(|axis| (key, axis))).collect()
    }

    /// Reads `zip`: the first values of every key together, the second values together, and so on.
    pub(super) fn zip(node: &Node) -> Result<Self, LocatedError> {
        let keys = Self::of_keys("zip", node)?;
        let mut values = vec![Assignment::new(); keys.first().map_or(0, |(_, axis)| axis.len())];
        for (key, axis) in &keys {
            if axis.len() != values.len() {
                let (first, _) = &keys[0];
                let message = format!(
                    "`zip` takes lists of one length, and `{}` has {} values while `{}` has {}",
                    nearest::shortened(key),
                    axis.len(),
                    nearest::shortened(first),
                    values.len()
                );
                return Err(LocatedError::new(node.at, message));
            }
            for (value, more) in values.iter_mut().zip(&axis.0) {
                value.extend(more.clone());
            }
        }
        let axis = Self::new("zip", node.at, values)?;
        axis.lists_nothing_twice("zip")?;
        Ok(axis)
    }

    /// Reads `list`: points written out as tables.
    pub(super) fn list(node: &Node) -> Result<Self, LocatedError> {
        let items = node.list("list", "tables")?;
        let point = |item: &Node| assignment(item.table("list")?);
        let axis = Self::new("list", node.at, items.iter().map(point).collect::<Result<_, _>>()?)?;
        axis.lists_nothing_twice("list")?;
        Ok(axis)
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The values.
    pub(super) fn values(&self) -> &[Assignment] {
        &self.0
    }

    /// The parameters that are assigned anywhere on the axis, each with a location of it.
    pub(super) fn names(&self) -> Vec<(&str, Location)> {
        let mut seen = BTreeSet::new();
        let names = self.0.iter().flatten().filter(|(name, _)| seen.insert(name.as_str()));
        names.map(|(name, node)| (name.as_str(), node.at)).collect()
    }

    /// Whether every value of the axis assigns this parameter.
    pub(super) fn always_assigns(&self, name: &str) -> bool {
        self.0.iter().all(|value| value.contains_key(name))
    }

    /// The axis without this parameter; none if nothing is left.
    pub(super) fn without(mut self, name: &str) -> Option<Self> {
        let had = self.0.iter_mut().filter_map(|value| value.remove(name)).count() > 0;
        if had && self.0.iter().all(Assignment::is_empty) { None } else { Some(self) }
    }
}

/// Whether both assign the same values to the same parameters.
pub(super) fn same(one: &Assignment, other: &Assignment) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|((a, x), (b, y))| a == b && x.equals(y))
}

/// A text that is the same for assignments that are the same; others may have it too.
pub(super) fn key(assignment: &Assignment) -> String {
    let mut key = String::new();
    for (name, node) in assignment {
        key.push_str(name);
        key.push('=');
        node.write_key(&mut key);
    }
    key
}

/// An assignment for a message: the value alone where there is one.
fn shown(assignment: &Assignment) -> String {
    match assignment.iter().next() {
        Some((_, node)) if assignment.len() == 1 => node.to_string(),
        _ => {
            let entries: Vec<_> = assignment.iter().map(|(name, node)| format!("{name} = {node}")).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// The assignment of one value of `key`: itself, or the entries of a table.
fn assignment_of(key: &str, node: &Node) -> Result<Assignment, LocatedError> {
    match &node.value {
        TomlValue::Table(table) if !table.0.is_empty() => {
            let leaves = table.leaves()?;
            Ok(leaves.into_iter().map(|(name, node)| (format!("{key}.{name}"), node.clone())).collect())
        }
        _ => Ok([(key.to_owned(), node.clone())].into()),
    }
}

/// A table's values by dotted name.
pub(super) fn assignment(table: &Table) -> Result<Assignment, LocatedError> {
    Ok(table.leaves()?.into_iter().map(|(name, node)| (name, node.clone())).collect())
}

/// Writes the whole numbers of a parameter as numbers where others of its values have a fraction, so that the values
/// compare, sort and print alike: `[0, 0.5, 1]` is `[0.0, 0.5, 1.0]`.
fn unify_numbers(values: &mut [Assignment]) {
    let fractional: BTreeSet<String> = values
        .iter()
        .flatten()
        .filter(|(_, node)| matches!(node.value, TomlValue::Float(_)))
        .map(|(name, _)| name.clone())
        .collect();
    if fractional.is_empty() {
        return;
    }
    for (_, node) in values.iter_mut().flatten().filter(|(name, _)| fractional.contains(*name)) {
        if let TomlValue::Integer(number) = node.value {
            node.value = TomlValue::Float(number as f64);
        }
    }
}
