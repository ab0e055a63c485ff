//! `when`: parameters that depend on other parameters.

use std::collections::BTreeSet;

use super::axis::assignment;
use super::error::LocatedError;
use super::location::Location;
use super::toml_value::{Assignment, Node, TomlValue};

/// `{ if = { … }, set = { … } }`: where all of `if` holds, the parameters of `set` have these values.
#[derive(Debug, Clone)]
pub(super) struct WhenRule {
    /// The condition: each parameter equals its value, or one of them if a list is given.
    condition: Assignment,
    /// The values that are then set.
    pub(super) set: Assignment,
    /// Those of the parameters that a stronger layer varies: they are set where its axes don't give them.
    yielding: BTreeSet<String>,
}

impl WhenRule {
    /// Reads `when`.
    pub(super) fn read_all(node: &Node) -> Result<Vec<Self>, LocatedError> {
        node.list("when", "tables { if = { … }, set = { … } }")?.iter().map(Self::read).collect()
    }

    fn read(node: &Node) -> Result<Self, LocatedError> {
        let table = node.table("when")?;
        table.only(&["if", "set"], " in `when`")?;
        let part = |key| {
            let part = table.get(key).ok_or_else(|| {
                LocatedError::new(node.at, format!("a rule of `when` needs `{key}`"))
                    .hint("when = [{ if = { optimizer = \"sgd\" }, set = { momentum = 0.9 } }]")
            })?;
            assignment(part.table(key)?)
        };
        Ok(Self { condition: part("if")?, set: part("set")?, yielding: BTreeSet::new() })
    }

    /// Sets this parameter no more: a stronger layer fixes it.
    pub(super) fn forget(&mut self, name: &str) {
        self.set.remove(name);
    }

    /// Sets this parameter only where no axis gives it: a stronger layer varies it.
    pub(super) fn yield_to_axes(&mut self, name: &str) {
        if self.set.contains_key(name) {
            self.yielding.insert(name.to_owned());
        }
    }

    /// The values that are set at a point, where axes give the parameters for which `is_chosen` holds.
    pub(super) fn sets(&self, is_chosen: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &Node)> {
        let stays = move |name: &str| self.yielding.contains(name) && is_chosen(name);
        let set = self.set.iter().map(|(name, node)| (name.as_str(), node));
        set.filter(move |(name, _)| !stays(name))
    }

    /// The parameters that the condition asks for, with their places.
    pub(super) fn asks(&self) -> impl Iterator<Item = (&str, Location)> {
        self.condition.iter().map(|(name, node)| (name.as_str(), node.at))
    }

    /// Whether the rule holds where parameters have the values that `value_of` knows.
    pub(super) fn holds<'a>(&self, value_of: impl Fn(&str) -> Option<&'a Node>) -> bool {
        self.condition.iter().all(|(name, wanted)| match (value_of(name), &wanted.value) {
            (None, _) => false,
            (Some(value), TomlValue::List(choices)) => {
                value.equals(wanted) || choices.iter().any(|choice| value.equals(choice))
            }
            (Some(value), _) => value.equals(wanted),
        })
    }
}
