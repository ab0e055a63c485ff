//! The keys of a kind that a program brings, by its declaration.

use super::super::error::LocatedError;
use super::super::fields::Fields;
use super::super::parsed_point::{DeclaredSeries, ParsedPoint};
use super::super::reference::Reference;
use super::super::toml_value::{Node, TomlValue};
use super::data;
use crate::custom_kind::{KindDeclaration, ParameterDeclaration};
use crate::data::{DatasetReference, Recipe};
use crate::experiment::{Experiment, Parameters, command};
use crate::metrics::Axis;
use crate::value::Value;

/// The key of the data set.
const DATA: &str = "data.name";

/// Every key, by dotted name.
pub(super) fn keys(kind: &KindDeclaration) -> Vec<&str> {
    let own = kind.parameters().keys().chain(kind.inputs()).map(String::as_str);
    own.chain(kind.reads_data().then_some(DATA)).collect()
}

/// Reads the parameters of a point.
pub(super) fn read(kind: &KindDeclaration, fields: &mut Fields<'_>) -> Result<ParsedPoint, LocatedError> {
    let mut parameters = Parameters::new();
    for (name, declared) in kind.parameters() {
        match value(name, declared, fields) {
            Ok(value) => command::insert(&mut parameters, name, value)
                .expect("no declared name is that of a table and of a value"),
            Err(error) => fields.note(error),
        }
    }
    let reference = |name: &String| -> Result<(String, Reference), LocatedError> {
        let example = format!("{name} = {{ experiment = \"images\", batch_size = 64 }}");
        Ok((name.clone(), fields.reference(name.clone(), &example)?))
    };
    let inputs: Vec<(String, Reference)> = kind.inputs().iter().map(reference).collect::<Result<_, _>>()?;
    let dataset = kind.reads_data().then(|| dataset(fields)).transpose()?;
    let mut recorded = DeclaredSeries::default();
    for (name, series) in kind.series() {
        match series.axis {
            Axis::Once => recorded.numbers.insert(name.clone()),
            _ => recorded.series.insert(name.clone()),
        };
    }
    let experiment = Experiment::Custom(kind.experiment(parameters));
    Ok(ParsedPoint::reading(experiment, dataset, inputs).recording(recorded))
}

/// The value of a parameter in its canonical form: that which is given, or the default.
fn value(
    name: &str,
    declared: &ParameterDeclaration,
    fields: &mut Fields<'_>,
) -> Result<Value, LocatedError> {
    let ParameterDeclaration { values, default } = declared;
    let Some(node) = fields.declared(name) else {
        let missing = || fields.missing(name).hint(format!("{name} = {}", values.example()));
        return default.clone().ok_or_else(missing);
    };
    let fitting = |node: &Node| {
        let value = node.to_value().filter(|_| !node.lists_tables())?;
        values.canonical(&value)
    };
    fitting(node).ok_or_else(|| {
        let error = LocatedError::new(node.at, format!("`{name}` must be {}, not {node}", values.words()));
        match (&node.value, default) {
            // Each item would do by itself: they are values to vary over.
            (TomlValue::List(items), _)
                if !items.is_empty() && items.iter().all(|it| fitting(it).is_some()) =>
            {
                error.hint(format!("grid = {{ {name} = {node} }} makes a run of each"))
            }
            (_, Some(default)) => error.hint(format!("without `{name}` its default {default} holds")),
            (_, None) => error.hint(format!("{name} = {}", values.example())),
        }
    })
}

/// The data set: one that was imported, or that Basin makes without parameters.
fn dataset(fields: &mut Fields<'_>) -> Result<DatasetReference, LocatedError> {
    let reference = fields.need(DATA, "data = { name = \"shapes\" }", data::reference)?;
    if Recipe::NAMES.contains(&reference.name.as_str()) {
        let message =
            format!("{} is made from parameters, which only kinds of Basin's own give", reference.name);
        let at = fields.node(DATA).map_or(fields.at(), |node| node.at);
        return Err(
            LocatedError::new(at, message).hint("a data set that was imported, or data.name = \"shapes\"")
        );
    }
    Ok(reference)
}
