//! `command`: a program that a worker's operator allows, run as a task.
//!
//! Nothing is known of what the program does, so nothing is promised of its bytes: two runs of one task may differ. A task is
//! known by all that the sweep file says of it: the command's name, its version, its parameters and the seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::CommandName;
use crate::value::Value;

/// The parameters of `command`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The command's name, under which a worker's operator allows a program. Never a path.
    pub command: CommandName,
    /// A word by which a person says that the program became another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The program's parameters, by name.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

/// Parameters by name.
pub type Parameters = BTreeMap<String, Parameter>;

/// A parameter of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Parameter {
    /// A value; numbers are finite.
    Value(Value),
    /// A table of more parameters.
    Table(Parameters),
}

/// A parameter's name is both that of a value and that of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameConflict;

impl Command {
    /// The kind's name.
    pub const KIND: &'static str = "command";
    /// The kind's version.
    pub const VERSION: u32 = 1;

    /// The parameters as the JSON that the program reads.
    pub fn parameters_json(&self) -> String {
        serde_json::to_string(&self.parameters).expect("parameters have text keys and finite numbers only")
    }
}

/// Adds a value under a dotted name, whose parts before the last are tables.
///
/// # Errors
/// If there is a value where a table should be, or the other way round.
pub fn insert(parameters: &mut Parameters, name: &str, value: Value) -> Result<(), NameConflict> {
    let Some((table, rest)) = name.split_once('.') else {
        if parameters.contains_key(name) {
            return Err(NameConflict);
        }
        parameters.insert(name.to_owned(), Parameter::Value(value));
        return Ok(());
    };
    let entry = parameters.entry(table.to_owned());
    match entry.or_insert_with(|| Parameter::Table(Parameters::new())) {
        Parameter::Table(inner) => insert(inner, rest, value),
        Parameter::Value(_) => Err(NameConflict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_are_tables_and_types_stay_as_they_are_written() {
        let mut parameters = Parameters::new();
        insert(&mut parameters, "model.width", Value::Integer(64)).unwrap();
        insert(&mut parameters, "model.dropout", Value::Float(1.0)).unwrap();
        insert(&mut parameters, "fast", Value::Boolean(true)).unwrap();
        assert_eq!(insert(&mut parameters, "fast.er", Value::Integer(1)), Err(NameConflict));
        assert_eq!(insert(&mut parameters, "model", Value::Integer(1)), Err(NameConflict));
        let command = Command { command: "train".parse().unwrap(), version: None, parameters };
        let json = r#"{"fast":true,"model":{"dropout":1.0,"width":64}}"#;
        assert_eq!(command.parameters_json(), json);
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(text, format!("{{\"command\":\"train\",\"parameters\":{json}}}"));
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
    }
}
