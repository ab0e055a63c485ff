//! The table of a figure, read key by key.

use std::collections::BTreeSet;

use super::super::check;
use super::super::error::LocatedError;
use super::super::nearest;
use super::super::quantities::{ExperimentQuantities, Quantity};
use super::super::toml_value::{Node, Table, TomlValue};
use super::super::unread::UnreadExperiments;

/// The experiments that a figure draws.
pub(super) type Drawn<'a> = [&'a ExperimentQuantities<'a>];

/// The names that tell runs apart beside their parameters.
const ALWAYS_VARIED: [&str; 2] = ["experiment", "seed"];

/// A figure's table, and the experiments that it may draw from.
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    pub(super) table: &'a Table,
    pub(super) experiments: &'a [ExperimentQuantities<'a>],
    pub(super) unread: &'a UnreadExperiments,
}

impl<'a> Reader<'a> {
    /// The value of `key`, or an error with this example.
    pub(super) fn need(&self, key: &str, example: &str) -> Result<&'a Node, LocatedError> {
        let message = format!("this figure has no `{key}`");
        self.table.get(key).ok_or_else(|| LocatedError::new(self.node.at, message).hint(example))
    }

    /// Refuses experiments of other kinds.
    pub(super) fn all_are(&self, kind: &str, drawn: &Drawn<'a>) -> Result<(), LocatedError> {
        let Some(other) = drawn.iter().find(|experiment| experiment.kind != kind) else { return Ok(()) };
        let message = format!("experiment \"{}\" is of kind {}, not {kind}", other.id, other.kind);
        Err(LocatedError::new(self.node.at, message)
            .hint(format!("experiment = \"…\" names one of kind {kind}")))
    }

    /// The words of `key`, or an error with this example.
    pub(super) fn listed(&self, key: &str, example: &str) -> Result<Vec<(&'a str, &'a Node)>, LocatedError> {
        words(key, self.need(key, example)?)
    }

    /// `y` as panels: each item of the list is a panel, of one measure or a list of them.
    pub(super) fn panels(
        &self,
        drawn: &Drawn<'a>,
        quantity: Quantity,
    ) -> Result<Vec<Vec<String>>, LocatedError> {
        let example = "y = [[\"train_loss\", \"test_loss\"], \"sensitivity\"]";
        let node = self.need("y", example)?;
        let items = match &node.value {
            TomlValue::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            return Err(LocatedError::new(node.at, "`y` lists nothing").hint(example));
        }
        let mut seen = BTreeSet::new();
        let mut panels = Vec::new();
        for item in items {
            let measures = words("y", item)?;
            for (name, node) in &measures {
                all_record(drawn, name, node, quantity)?;
                if !seen.insert(*name) {
                    return Err(LocatedError::new(node.at, format!("`y` lists {node} twice")));
                }
            }
            panels.push(owned(&measures));
        }
        Ok(panels)
    }

    /// `log_y`: true for all of `y`, or some of them.
    pub(super) fn log_y(&self, y: &[String]) -> Result<Vec<String>, LocatedError> {
        match self.table.get("log_y").map(|node| (node, &node.value)) {
            None | Some((_, TomlValue::Boolean(false))) => Ok(Vec::new()),
            Some((_, TomlValue::Boolean(true))) => Ok(y.to_vec()),
            Some((node, _)) => {
                let named = words("log_y", node)?;
                if let Some((series, node)) = named.iter().find(|(series, _)| !y.iter().any(|y| y == series))
                {
                    let near = nearest::value(series, y.iter().map(String::as_str));
                    let message = format!("`log_y` names {node}, which `y` doesn't{near}");
                    return Err(LocatedError::new(node.at, message));
                }
                Ok(owned(&named))
            }
        }
    }

    /// `group`: the parameters whose values make the groups.
    pub(super) fn group(&self, drawn: &Drawn<'a>) -> Result<Vec<String>, LocatedError> {
        let mut group = Vec::new();
        let Some(node) = self.table.get("group") else { return Ok(group) };
        for (name, node) in words("group", node)? {
            group.extend(varied(name, node, drawn)?);
        }
        Ok(group)
    }

    /// A key that is true or false; false where it isn't given.
    pub(super) fn flag(&self, key: &str) -> Result<bool, LocatedError> {
        let given = self.table.get(key).map(|node| check::boolean(&format!("`{key}`"), node));
        Ok(given.transpose()?.unwrap_or(false))
    }
}

/// The varied parameters that `name` means: itself, or the entries of a table.
pub(super) fn varied(
    name: &str,
    node: &Node,
    drawn: &[&ExperimentQuantities<'_>],
) -> Result<Vec<String>, LocatedError> {
    let known: BTreeSet<&str> =
        drawn.iter().flat_map(|experiment| experiment.varied).map(String::as_str).collect();
    if ALWAYS_VARIED.contains(&name) || known.contains(name) {
        return Ok(vec![name.to_owned()]);
    }
    let within = |known: &&str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let entries: Vec<String> = known.iter().copied().filter(within).map(str::to_owned).collect();
    if !entries.is_empty() {
        return Ok(entries);
    }
    let all: Vec<_> = known.into_iter().chain(ALWAYS_VARIED).collect();
    let (shown, near) = (nearest::shortened(name), nearest::key(name, all.iter().copied()));
    Err(LocatedError::new(node.at, format!("no experiment of this figure varies `{shown}`{near}"))
        .hint(format!("they vary {}", all.join(", "))))
}

/// One word or a list of words, every one once, each with its location.
pub(super) fn words<'a>(key: &str, node: &'a Node) -> Result<Vec<(&'a str, &'a Node)>, LocatedError> {
    let items = match &node.value {
        TomlValue::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        return Err(LocatedError::new(node.at, format!("`{key}` lists nothing")));
    }
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(item.text(key)?) {
            return Err(LocatedError::new(item.at, format!("`{key}` lists {item} twice")));
        }
    }
    items.iter().map(|item| Ok((item.text(key)?, item))).collect()
}

/// Refuses a name that isn't recorded, as this sort of quantity, by every experiment of a figure.
pub(super) fn all_record(
    drawn: &Drawn<'_>,
    name: &str,
    node: &Node,
    quantity: Quantity,
) -> Result<(), LocatedError> {
    drawn.iter().try_for_each(|experiment| experiment.records(name, node, quantity))
}

/// The words without their locations.
pub(super) fn owned(words: &[(&str, &Node)]) -> Vec<String> {
    words.iter().map(|(word, _)| (*word).to_owned()).collect()
}
