//! `when`: parameters that depend on other parameters.

use super::axis::assignment;
use super::problem::{Place, Problem};
use super::tree::{Assignment, Node, Tree};

/// `{ if = { … }, set = { … } }`: where all of `if` holds, the parameters of `set` have these values.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// What must hold: each parameter equals its value, or one of them if a list is given.
    condition: Assignment,
    /// What is then set.
    pub(super) set: Assignment,
}

impl Rule {
    /// Reads `when`.
    pub(super) fn read_all(node: &Node) -> Result<Vec<Self>, Problem> {
        node.list("when", "tables { if = { … }, set = { … } }")?.iter().map(Self::read).collect()
    }

    fn read(node: &Node) -> Result<Self, Problem> {
        let table = node.table("when")?;
        table.only(&["if", "set"], " in `when`")?;
        let part = |key| {
            let part = table.get(key).ok_or_else(|| {
                Problem::new(node.at, format!("a rule of `when` needs `{key}`"))
                    .hint("when = [{ if = { optimizer = \"sgd\" }, set = { momentum = 0.9 } }]")
            })?;
            assignment(part.table(key)?)
        };
        Ok(Self { condition: part("if")?, set: part("set")? })
    }

    /// The parameters that the condition asks for, with their places.
    pub(super) fn asks(&self) -> impl Iterator<Item = (&str, Place)> {
        self.condition.iter().map(|(name, node)| (name.as_str(), node.at))
    }

    /// Whether the rule holds where parameters have the values that `value_of` knows.
    pub(super) fn holds<'a>(&self, value_of: impl Fn(&str) -> Option<&'a Node>) -> bool {
        self.condition.iter().all(|(name, wanted)| match (value_of(name), &wanted.value) {
            (None, _) => false,
            (Some(value), Tree::List(choices)) => {
                value.equals(wanted) || choices.iter().any(|choice| value.equals(choice))
            }
            (Some(value), _) => value.equals(wanted),
        })
    }
}
