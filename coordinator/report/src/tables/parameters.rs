//! The parameters that runs ran with, as typed columns: what the sweep varies, and what is the same for all.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::value::Value;
use basin_storage::table::Column;

use crate::figures::names;
use crate::runs::Run;

/// A varied parameter: its value at a run's point, or what it is fixed at in the run's experiment.
pub(super) fn varied(runs: &[Run], name: &str) -> Column {
    typed(runs.iter().map(|run| names::value_of(run, name)).collect())
}

/// The names of the parameters that some of these runs vary.
pub(crate) fn varied_names(runs: &[Run]) -> BTreeSet<&str> {
    runs.iter().flat_map(|run| run.task.point.keys()).map(String::as_str).collect()
}

/// All parameters of a run by their dotted names: those that some runs vary, then those that none does.
pub(crate) fn of_run(run: &Run, varied: &BTreeSet<&str>) -> Vec<(String, Value)> {
    let of_varied = varied.iter().filter(|name| **name != "seed");
    let of_varied = of_varied.filter_map(|name| Some(((*name).to_owned(), names::value_of(run, name)?)));
    of_varied.chain(fixed_of(run, varied)).collect()
}

/// The parameters of a run that no run varies.
fn fixed_of(run: &Run, varied: &BTreeSet<&str>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    flatten("", &names::parameters_of(&run.task.spec.experiment), &mut found);
    // Settings of the optimiser are varied under their own names.
    let is_varied = |name: &str| {
        let short = name.strip_prefix("optimizer.").unwrap_or(name);
        varied.contains(name) || varied.contains(short)
    };
    found.retain(|(name, _)| !is_varied(name));
    found
}

/// The parameters that no run varies, by their dotted names.
pub(super) fn fixed(runs: &[Run]) -> Vec<(String, Column)> {
    let varied = varied_names(runs);
    let mut columns: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
    for (row, run) in runs.iter().enumerate() {
        for (name, value) in fixed_of(run, &varied) {
            let column = columns.entry(name).or_insert_with(|| vec![None; runs.len()]);
            column[row] = Some(value);
        }
    }
    columns.into_iter().map(|(name, values)| (name, typed(values))).collect()
}

/// The leaves of a table, each with the names on the way to it. A list of tables is one leaf, as JSON.
fn flatten(prefix: &str, value: &serde_json::Value, found: &mut Vec<(String, Value)>) {
    match value {
        serde_json::Value::Object(entries) => {
            for (name, value) in entries {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, found);
            }
        }
        serde_json::Value::Null => {}
        leaf => {
            let value =
                serde_json::from_value(leaf.clone()).unwrap_or_else(|_| Value::Text(leaf.to_string()));
            found.push((prefix.to_owned(), value));
        }
    }
}

/// The values in the narrowest type that holds them all: a text if there is none.
fn typed(values: Vec<Option<Value>>) -> Column {
    let all = |is: &dyn Fn(&Value) -> bool| values.iter().flatten().all(is);
    let all_in_lists = |is: &dyn Fn(&Value) -> bool| {
        all(&|value| matches!(value, Value::List(items) if items.iter().all(is)))
    };
    let is_integer = |value: &Value| matches!(value, Value::Integer(_));
    let is_number = |value: &Value| value.as_f64().is_some();
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    if all(&is_integer) {
        Column::Integer(each(values, integer))
    } else if all(&is_number) {
        Column::Float(each(values, Value::as_f64))
    } else if all(&|value| matches!(value, Value::Boolean(_))) {
        Column::Boolean(each(values, |value| match value {
            Value::Boolean(truth) => Some(*truth),
            Value::Integer(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => None,
        }))
    } else if all_in_lists(&is_integer) {
        Column::Integers(each(values, |value| items(value, integer)))
    } else if all_in_lists(&is_number) {
        Column::Floats(each(values, |value| items(value, Value::as_f64)))
    } else if all_in_lists(&is_text) {
        Column::Texts(each(values, |value| items(value, text)))
    } else {
        Column::Text(each(values, |value| Some(text(value).unwrap_or_else(|| value.to_string()))))
    }
}

fn each<T>(values: Vec<Option<Value>>, of: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
    values.into_iter().map(|value| of(&value?)).collect()
}

fn items<T>(value: &Value, of: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::List(items) => items.iter().map(of).collect(),
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Boolean(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[i64]) -> Option<Value> {
        Some(Value::List(items.iter().copied().map(Value::Integer).collect()))
    }

    #[test]
    fn values_have_the_narrowest_type_that_holds_them_all() {
        let float = |number: f64| Some(Value::Float(number));
        assert_eq!(typed(vec![Some(Value::Integer(3)), None]), Column::Integer(vec![Some(3), None]));
        assert_eq!(
            typed(vec![Some(Value::Integer(3)), float(0.5)]),
            Column::Float(vec![Some(3.0), Some(0.5)])
        );
        assert_eq!(typed(vec![Some(Value::Boolean(true))]), Column::Boolean(vec![Some(true)]));
        assert_eq!(
            typed(vec![list(&[8, 16]), list(&[])]),
            Column::Integers(vec![Some(vec![8, 16]), Some(vec![])])
        );
        let mixed = Some(Value::List(vec![Value::Integer(1), Value::Float(0.5)]));
        assert_eq!(
            typed(vec![mixed, list(&[2])]),
            Column::Floats(vec![Some(vec![1.0, 0.5]), Some(vec![2.0])])
        );
        let words = Some(Value::List(vec![Value::Text("a".to_owned())]));
        assert_eq!(typed(vec![words.clone()]), Column::Texts(vec![Some(vec!["a".to_owned()])]));
        assert_eq!(
            typed(vec![list(&[2]), words]),
            Column::Text(vec![Some("[2]".to_owned()), Some("[a]".to_owned())])
        );
    }

    #[test]
    fn the_leaves_of_tables_have_dotted_names() {
        let mut found = Vec::new();
        let json = serde_json::json!({ "a": { "b": 1, "c": null }, "layers": [{ "width": 3 }], "d": [1, 2] });
        flatten("", &json, &mut found);
        let named: Vec<(&str, String)> =
            found.iter().map(|(name, value)| (name.as_str(), format!("{value:?}"))).collect();
        assert_eq!(named[0], ("a.b", "Integer(1)".to_owned()));
        assert_eq!(named[1], ("d", "List([Integer(1), Integer(2)])".to_owned()));
        assert_eq!(named[2].0, "layers");
        assert!(named[2].1.contains("width"), "{named:?}");
        assert_eq!(named.len(), 3);
    }
}
