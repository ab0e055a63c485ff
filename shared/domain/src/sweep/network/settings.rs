//! The settings of one layer, as its table gives them.

use super::super::error::LocatedError;
use super::super::location::Location;
use super::super::nearest;
use super::super::toml_value::{Node, Table};
use crate::network::Layer;

/// A layer, as the sweep file sees it.
#[derive(Debug)]
pub(super) struct LayerDefinition {
    /// Its name.
    pub(super) name: &'static str,
    /// The setting that `{ NAME = … }` gives.
    pub(super) main: Option<&'static str>,
    /// All settings.
    pub(super) settings: &'static [&'static str],
    /// What to type.
    pub(super) example: &'static str,
    /// Reads it.
    pub(super) read: fn(&mut Settings<'_>) -> Result<Layer, LocatedError>,
}

/// The settings of a layer.
#[derive(Debug)]
pub(super) struct Settings<'a> {
    definition: &'static LayerDefinition,
    at: Location,
    /// Where the layer stands: `model.layers[4]`.
    path: String,
    /// How many layers lie around it.
    depth: usize,
    given: Vec<(&'a str, &'a Node)>,
}

impl<'a> Settings<'a> {
    /// The settings of a layer that is written as a word.
    pub(super) fn of_word(
        definition: &'static LayerDefinition,
        at: Location,
        path: &str,
        depth: usize,
    ) -> Self {
        Self { definition, at, path: path.to_owned(), depth, given: Vec::new() }
    }

    /// The settings of a layer that is written as a table, in which `key` says the layer.
    pub(super) fn of_table(
        definition: &'static LayerDefinition,
        (at, table): (Location, &'a Table),
        key: &str,
        (path, depth): (&str, usize),
    ) -> Result<Self, LocatedError> {
        let mut settings = Self { given: Vec::new(), ..Self::of_word(definition, at, path, depth) };
        for (name, node) in &table.0 {
            let name = match definition.main {
                Some(main) if name == definition.name && name == key => main,
                None if name == definition.name && name == key => {
                    let message = format!("`{name}` of `{path}` has no number of its own");
                    return Err(LocatedError::new(node.at, message).hint(definition.example));
                }
                Some(_) | None => name.as_str(),
            };
            if name == key {
                continue;
            }
            if !definition.settings.contains(&name) {
                let (shown, near) =
                    (nearest::shortened(name), nearest::key(name, definition.settings.iter().copied()));
                let message =
                    format!("unknown key `{shown}` of the layer {} in `{path}`{near}", definition.name);
                return Err(LocatedError::new(node.at, message).hint(settings.known()));
            }
            if settings.given.iter().any(|(known, _)| *known == name) {
                let message = format!("`{name}` of `{path}` is given twice");
                return Err(LocatedError::new(node.at, message).hint(definition.example));
            }
            settings.given.push((name, node));
        }
        Ok(settings)
    }

    fn known(&self) -> String {
        match self.definition.settings {
            [] => format!("{} has no settings", self.definition.name),
            settings => format!("{} knows {}", self.definition.name, settings.join(", ")),
        }
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        debug_assert!(
            self.definition.settings.contains(&key),
            "{key} is no setting of {}",
            self.definition.name
        );
        self.given.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)
    }

    /// A setting where it is given, checked.
    pub(super) fn take<T>(
        &self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<Option<T>, LocatedError> {
        let Some(node) = self.node(key) else { return Ok(None) };
        let checked = check(&format!("`{key}` of `{}`", self.path), node);
        checked.map(Some).map_err(|error| error.hint_if_none(|| format!("without `{key}` its default holds")))
    }

    /// A setting, checked; an error with an example if it isn't given.
    pub(super) fn need<T>(
        &self,
        key: &'static str,
        check: impl Fn(&str, &Node) -> Result<T, LocatedError>,
    ) -> Result<T, LocatedError> {
        let example = || self.definition.example.to_owned();
        let Some(node) = self.node(key) else {
            let message =
                format!("`{}` is the layer {}, which needs `{key}`", self.path, self.definition.name);
            return Err(LocatedError::new(self.at, message).hint(example()));
        };
        check(&format!("`{key}` of `{}`", self.path), node).map_err(|error| error.hint_if_none(example))
    }

    /// Refuses a setting that has no meaning here.
    pub(super) fn refuse(&self, key: &'static str, reason: &str) -> Result<(), LocatedError> {
        match self.node(key) {
            None => Ok(()),
            Some(node) => {
                let message = format!("`{key}` of `{}` {reason}", self.path);
                Err(LocatedError::new(node.at, message).hint(format!("take `{key}` out")))
            }
        }
    }

    /// Reads a setting that is a list of layers, which messages call `name`.
    pub(super) fn layers<T>(
        &self,
        key: &'static str,
        name: &str,
        read: impl Fn(&str, &Node, usize) -> Result<T, LocatedError>,
    ) -> Result<Option<T>, LocatedError> {
        let path = format!("{}.{name}", self.path);
        self.node(key).map(|node| read(&path, node, self.depth + 1)).transpose()
    }
}
