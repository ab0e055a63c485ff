//! The line of a layer that can't be built.

use super::super::error::LocatedError;
use super::super::location::Location;
use super::super::toml_value::{Node, TomlValue};
use crate::network::{LayerPath, LayerStep, NetworkError};

/// The error of a network that can't be built, where its layer is written; `given` finds the value of a key, `at` is the
/// experiment's place.
pub(in super::super) fn unbuildable<'a>(
    error: &NetworkError,
    given: impl Fn(&str) -> Option<&'a Node>,
    at: Location,
) -> LocatedError {
    let hint = error.reason.way_out();
    if let Some(list) = given("model.layers") {
        let at = layer(list, &error.at).at;
        return LocatedError::new(at, format!("`model.{}` {}", error.at, error.reason)).hint(hint);
    }
    if let Some(family) = given("model.family") {
        let key = match &error.reason {
            crate::network::Unbuildable::FamilyParameter { parameter, .. } => format!("model.{parameter}"),
            _ => "model.family".to_owned(),
        };
        let at = given(&key).unwrap_or(family).at;
        let message = match error.at.steps() {
            [] => format!("the network {}", error.reason),
            _ => format!("the network is of the family {family}, whose `{}` {}", error.at, error.reason),
        };
        return LocatedError::new(at, message).hint(hint);
    }
    let key = match error.at.steps().first() {
        Some(LayerStep::Conv(_)) => "model.conv",
        _ => "model.dense",
    };
    let node = given(key).or_else(|| given("hidden"));
    LocatedError::new(
        node.map_or(at, |node| node.at),
        format!("the network's `{}` {}", error.at, error.reason),
    )
    .hint(hint)
}

/// The node of a layer, or the innermost one around it that is found.
fn layer<'a>(list: &'a Node, path: &LayerPath) -> &'a Node {
    let mut found = list;
    for step in path.steps() {
        let (key, index) = match *step {
            LayerStep::Layers(index) => (None, index),
            LayerStep::Residual(index) => (Some("residual"), index),
            LayerStep::Shortcut(index) => (Some("shortcut"), index),
            LayerStep::Repeat(index) => (Some("layers"), index),
            LayerStep::Conv(_) | LayerStep::Dense(_) | LayerStep::Output => return found,
        };
        let items = match (key, &found.value) {
            (None, TomlValue::List(items)) => Some(items),
            (Some(key), TomlValue::Table(table)) => match table.get(key).or_else(|| table.get("layers")) {
                Some(Node { value: TomlValue::List(items), .. }) => Some(items),
                Some(_) | None => None,
            },
            _ => None,
        };
        match items.and_then(|items| items.get(index)) {
            Some(node) => found = node,
            None => return found,
        }
    }
    found
}
