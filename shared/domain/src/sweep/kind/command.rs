//! The keys of `command`.

use std::collections::BTreeMap;

use super::super::check;
use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::location::Location;
use super::super::parsed_point::{DeclaredSeries, ParsedPoint};
use super::super::reference::Reference;
use super::super::toml_value::{Assignment, Node, TomlValue};
use super::definition::BuiltInKind;
use crate::experiment::{Command, Experiment, Parameters, command};
use crate::id::CommandName;
use crate::metrics::{Axis, is_series_name};
use crate::value::Value;

/// The kind.
pub(super) static KIND: BuiltInKind = BuiltInKind {
    name: Command::KIND,
    groups: &[&["command", "version"]],
    references: &[],
    tables: &["parameters", "records", INPUTS],
    split: None,
    read,
};

/// The table of the runs that a program reads, by any names.
pub(super) const INPUTS: &str = "inputs";

/// The longest part of a parameter's name, and the longest version.
const LONGEST_NAME: usize = 64;

fn read(fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let name = fields
        .need("command", "command = \"train\"", |_, node| check::id("command", node, CommandName::new))?;
    let version = fields.take("version", version)?;
    let mut parameters = Parameters::new();
    for (name, node) in fields.table("parameters") {
        if let Err(error) = add_parameter(&mut parameters, name, node) {
            fields.note(error);
        }
    }
    let mut declared = DeclaredSeries::default();
    for (name, node) in fields.table("records") {
        match recorded(name, node) {
            Ok(Axis::Once) => {
                declared.numbers.insert(name.to_owned());
            }
            Ok(_) => {
                declared.series.insert(name.to_owned());
            }
            Err(error) => fields.note(error),
        }
    }
    let inputs = inputs(fields)?;
    let experiment = Experiment::Command(Command { command: name, version, parameters });
    Ok(ParsedPoint::reading(experiment, None, inputs).recording(declared))
}

fn add_parameter(parameters: &mut Parameters, name: &str, node: &Node) -> Result<(), LocatedError> {
    if name.split('.').any(|part| part.is_empty() || part.len() > LONGEST_NAME) {
        let message =
            format!("the parts of a parameter's name have 1 to {LONGEST_NAME} bytes: `parameters.{name}`");
        return Err(LocatedError::new(node.at, message));
    }
    let value = value(&format!("`parameters.{name}`"), node)?;
    command::insert(parameters, name, value).map_err(|command::NameConflict| {
        let message = format!("`parameters.{name}` is a value here, and a table elsewhere");
        LocatedError::new(node.at, message)
    })
}

/// The axis of a series that the program records.
fn recorded(name: &str, node: &Node) -> Result<Axis, LocatedError> {
    if !is_series_name(name) {
        let message = format!("`records.{name}` is no name of a series");
        return Err(LocatedError::new(node.at, message)
            .hint("a series' name has letters, digits and `_`, the first of them a letter"));
    }
    let axes = Axis::ALL.map(|axis| (axis.as_str(), axis));
    check::one_of("axis", axes)(&format!("`records.{name}`"), node)
}

/// The runs that the program reads, by their names, which become those of folders.
fn inputs(fields: &mut Fields<'_>) -> Result<Vec<(String, Reference)>, LocatedError> {
    let mut inputs: BTreeMap<&str, (Location, Assignment)> = BTreeMap::new();
    for (entry, node) in fields.table(INPUTS) {
        let Some((name, key)) = entry.split_once('.') else {
            let message = format!("`{INPUTS}.{entry}` must be a table, not {node}");
            return Err(LocatedError::new(node.at, message)
                .hint(format!("{INPUTS} = {{ {entry} = {{ experiment = \"images\", batch_size = 64 }} }}")));
        };
        if !is_series_name(name) {
            let message = format!("`{INPUTS}.{name}` is no name of an input");
            return Err(LocatedError::new(node.at, message)
                .hint("an input's name has letters, digits and `_`, the first of them a letter"));
        }
        let (_, values) = inputs.entry(name).or_insert_with(|| (node.at, Assignment::new()));
        values.insert(key.to_owned(), node.clone());
    }
    let reference = |(name, (at, values)): (&str, (Location, Assignment))| -> Result<_, LocatedError> {
        Ok((name.to_owned(), Reference::new(&format!("{INPUTS}.{name}"), at, values)?))
    };
    inputs.into_iter().map(reference).collect()
}

fn version(subject: &str, node: &Node) -> Result<String, LocatedError> {
    match &node.value {
        TomlValue::Text(text) if (1..=LONGEST_NAME).contains(&text.len()) => Ok(text.clone()),
        _ => {
            let message = format!("{subject} must be text of 1 to {LONGEST_NAME} bytes, not {node}");
            Err(LocatedError::new(node.at, message).hint("version = \"2\""))
        }
    }
}

/// A value that JSON can say.
fn value(subject: &str, node: &Node) -> Result<Value, LocatedError> {
    let wrong = |what: &str| LocatedError::new(node.at, format!("{subject} must be {what}, not {node}"));
    match node.to_value().filter(|_| !node.lists_tables()) {
        Some(value) if is_finite(&value) => Ok(value),
        Some(_) => Err(wrong("finite: JSON has no other numbers")),
        None => Err(wrong("a value, a list of values, or a table of them")),
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::List(items) => items.iter().all(is_finite),
        Value::Boolean(_) | Value::Integer(_) | Value::Text(_) => true,
    }
}
