//! Lists of layers.

use super::super::error::LocatedError;
use super::super::nearest;
use super::super::toml_value::{Node, TomlValue};
use super::layer_table;
use super::settings::{LayerDefinition, Settings};
use crate::network::{Layer, LayerList};

/// What a list of layers looks like.
const EXAMPLE: &str = "[{ conv = 32, kernel = 3 }, \"batch-norm\", \"relu\", { max-pool = 2 }]";

/// Reads a list of layers; `path` says where it stands, `depth` how many lists lie around it.
pub(super) fn read(path: &str, node: &Node, depth: usize) -> Result<Vec<Layer>, LocatedError> {
    let path = path.trim_matches('`');
    let TomlValue::List(items) = &node.value else {
        let message = format!("`{path}` must be a list of layers, not {node}");
        return Err(LocatedError::new(node.at, message).hint(EXAMPLE));
    };
    if items.is_empty() {
        return Err(LocatedError::new(node.at, format!("`{path}` has no layers")).hint(EXAMPLE));
    }
    if items.len() > LayerList::MOST_LAYERS {
        let most = LayerList::MOST_LAYERS;
        let message = format!("`{path}` lists {} layers, and {most} are the most", items.len());
        return Err(LocatedError::new(node.at, message).hint("{ repeat = N, layers = [...] } repeats layers"));
    }
    if depth >= Layer::MOST_NESTED {
        let most = Layer::MOST_NESTED;
        let message = format!("`{path}` lies within {depth} lists of layers, and {} are the most", most - 1);
        return Err(LocatedError::new(node.at, message).hint("write the inner layers one after the other"));
    }
    let layers = items.iter().enumerate();
    layers.map(|(index, node)| layer(&format!("{path}[{index}]"), node, depth)).collect()
}

fn layer(path: &str, node: &Node, depth: usize) -> Result<Layer, LocatedError> {
    match &node.value {
        TomlValue::Text(name) => {
            let definition = named(path, name, node)?;
            (definition.read)(&mut Settings::of_word(definition, node.at, path, depth))
        }
        TomlValue::Table(table) => {
            let written_out = table.get("layer");
            let known = match written_out {
                Some(Node { value: TomlValue::Text(name), .. }) => layer_table::named(name),
                Some(_) | None => None,
            };
            // `scale` is a layer, and a setting of batch-norm.
            let is_setting = |key: &str| known.is_some_and(|layer| layer.settings.contains(&key));
            let names_layer = |key: &str| layer_table::named(key).is_some() && !is_setting(key);
            let mut short = table.0.iter().filter(|(key, _)| names_layer(key));
            let (key, definition) = match (written_out, short.next(), short.next()) {
                (Some(named_by), None, _) => {
                    ("layer", named(path, named_by.text(&format!("layer` of `{path}"))?, named_by)?)
                }
                (None, Some((key, node)), None) => (key.as_str(), named(path, key, node)?),
                (Some(_), Some((other, node)), _) => {
                    let message = format!("`{path}` is one layer, and both `layer` and `{other}` say which");
                    return Err(LocatedError::new(node.at, message).hint("a table for each layer"));
                }
                (None, Some((one, _)), Some((other, node))) => {
                    let message = format!("`{path}` is one layer, and has both `{one}` and `{other}`");
                    return Err(LocatedError::new(node.at, message)
                        .hint(format!("{{ {one} = … }}, {{ {other} = … }}")));
                }
                (None, None, _) => {
                    return Err(nameless(path, node, table.0.first().map(|(key, node)| (&**key, node))));
                }
            };
            let settings = Settings::of_table(definition, (node.at, table), key, (path, depth));
            (definition.read)(&mut settings?)
        }
        TomlValue::Boolean(_) | TomlValue::Integer(_) | TomlValue::Float(_) | TomlValue::List(_) => {
            let message = format!("`{path}` must be a layer, not {node}");
            Err(LocatedError::new(node.at, message).hint(EXAMPLE))
        }
    }
}

/// The layer of this name.
fn named(path: &str, name: &str, node: &Node) -> Result<&'static LayerDefinition, LocatedError> {
    layer_table::named(name).ok_or_else(|| unknown(path, name, node))
}

/// The error of a table that names no layer.
fn nameless(path: &str, node: &Node, first: Option<(&str, &Node)>) -> LocatedError {
    match first {
        Some((key, node)) if !layer_table::is_setting(key) => unknown(path, key, node),
        Some(_) | None => {
            LocatedError::new(node.at, format!("`{path}` doesn't say which layer it is")).hint(EXAMPLE)
        }
    }
}

fn unknown(path: &str, name: &str, node: &Node) -> LocatedError {
    let known: Vec<&str> = layer_table::names().collect();
    let (shown, near) = (nearest::shortened(name), nearest::value(name, known.iter().copied()));
    LocatedError::new(node.at, format!("unknown layer \"{shown}\" in `{path}`{near}"))
        .hint(format!("known are {}", known.join(", ")))
}
