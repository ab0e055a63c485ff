//! A TOML document as the rest of the sweep file's reading sees it: plain values that know where they stand.

use std::collections::BTreeMap;
use std::fmt;

use super::error::LocatedError;
use super::location::Location;
use super::nearest;
use crate::value::Value;

/// A value with its location.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where its key stands, or the value itself within a list.
    pub(super) at: Location,
    /// The value.
    pub(super) value: TomlValue,
}

/// A value of TOML, without dates.
#[derive(Debug, Clone)]
pub(super) enum TomlValue {
    /// true or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number; may be infinite or NaN.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A table's entries in the order of the file, every key once.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(pub(super) Vec<(String, Node)>);

/// Values by dotted parameter name.
pub(super) type Assignment = BTreeMap<String, Node>;

impl Node {
    /// Whether a table is within lists, where a program would be told its text.
    pub(super) fn lists_tables(&self) -> bool {
        match &self.value {
            TomlValue::List(items) => {
                items.iter().any(|item| matches!(item.value, TomlValue::Table(_)) || item.lists_tables())
            }
            TomlValue::Boolean(_)
            | TomlValue::Integer(_)
            | TomlValue::Float(_)
            | TomlValue::Text(_)
            | TomlValue::Table(_) => false,
        }
    }

    /// Whether both are the same value; 1 and 1.0 are.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (TomlValue::Boolean(a), TomlValue::Boolean(b)) => a == b,
            (TomlValue::Integer(a), TomlValue::Integer(b)) => a == b,
            (TomlValue::Float(a), TomlValue::Float(b)) => a == b,
            (TomlValue::Integer(a), TomlValue::Float(b)) | (TomlValue::Float(b), TomlValue::Integer(a)) => {
                *a as f64 == *b
            }
            (TomlValue::Text(a), TomlValue::Text(b)) => a == b,
            (TomlValue::List(a), TomlValue::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (TomlValue::Table(a), TomlValue::Table(b)) => {
                let same = |(key, node): &(String, Self)| b.get(key).is_some_and(|other| node.equals(other));
                a.0.len() == b.0.len() && a.0.iter().all(same)
            }
            _ => false,
        }
    }

    /// Appends a text that is the same for equal values; others may have it too.
    pub(super) fn write_key(&self, key: &mut String) {
        match &self.value {
            TomlValue::Boolean(value) => key.push_str(if *value { "true" } else { "false" }),
            TomlValue::Integer(value) => key.push_str(&(*value as f64).to_string()),
            // Minus zero equals zero.
            TomlValue::Float(value) => key.push_str(&(*value + 0.0).to_string()),
            TomlValue::Text(value) => key.push_str(value),
            TomlValue::List(items) => items.iter().for_each(|item| item.write_key(key)),
            TomlValue::Table(table) => {
                let mut entries: Vec<_> = table.0.iter().collect();
                entries.sort_by(|(one, _), (other, _)| one.cmp(other));
                for (name, node) in entries {
                    key.push_str(name);
                    key.push('=');
                    node.write_key(key);
                }
            }
        }
        key.push(';');
    }

    /// The value as a task's coordinate; tables have none, but those within lists (layers) are text there, as TOML spells them.
    pub(super) fn to_value(&self) -> Option<Value> {
        Some(match &self.value {
            TomlValue::Boolean(value) => Value::Boolean(*value),
            TomlValue::Integer(value) => Value::Integer(*value),
            TomlValue::Float(value) => Value::Float(*value),
            TomlValue::Text(value) => Value::Text(value.clone()),
            TomlValue::List(items) => {
                let value = |item: &Self| match item.value {
                    TomlValue::Table(_) => Some(Value::Text(item.inline())),
                    _ => item.to_value(),
                };
                Value::List(items.iter().map(value).collect::<Option<_>>()?)
            }
            TomlValue::Table(_) => return None,
        })
    }

    /// The value on one line, as TOML spells it.
    pub(super) fn inline(&self) -> String {
        match &self.value {
            TomlValue::Boolean(_) | TomlValue::Integer(_) | TomlValue::Float(_) => self.to_string(),
            TomlValue::Text(text) => format!("{text:?}"),
            TomlValue::List(items) => {
                let items: Vec<String> = items.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            TomlValue::Table(table) => {
                let entry = |(key, node): &(String, Self)| format!("{key} = {}", node.inline());
                let entries: Vec<String> = table.0.iter().map(entry).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    /// The table; `name` says in the error what should have been one.
    pub(super) fn table(&self, name: &str) -> Result<&Table, LocatedError> {
        match &self.value {
            TomlValue::Table(table) => Ok(table),
            _ => Err(LocatedError::new(self.at, format!("`{name}` must be a table, not {self}"))),
        }
    }

    /// The list; `name` and `of` say in the error what should have been one of what.
    pub(super) fn list(&self, name: &str, of: &str) -> Result<&[Node], LocatedError> {
        match &self.value {
            TomlValue::List(items) => Ok(items),
            _ => Err(LocatedError::new(self.at, format!("`{name}` must be a list of {of}, not {self}"))),
        }
    }

    /// The text; `name` says in the error what should have been text.
    pub(super) fn text(&self, name: &str) -> Result<&str, LocatedError> {
        match &self.value {
            TomlValue::Text(text) => Ok(text),
            _ => Err(LocatedError::new(self.at, format!("`{name}` must be text, not {self}"))),
        }
    }
}

impl Table {
    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// Refuses every key but these; `within` says where (``in `random` ``), or is empty.
    pub(super) fn only(&self, keys: &[&str], within: &str) -> Result<(), LocatedError> {
        self.unknown(keys, within).next().map_or(Ok(()), Err)
    }

    /// The errors of all keys but these, as [`Table::only`] has the first.
    pub(super) fn unknown(&self, keys: &[&str], within: &str) -> impl Iterator<Item = LocatedError> {
        let others = self.0.iter().filter(move |(key, _)| !keys.contains(&key.as_str()));
        others.map(move |(key, node)| {
            let (shown, near) = (nearest::shortened(key), nearest::key(key, keys.iter().copied()));
            LocatedError::new(node.at, format!("unknown key `{shown}`{within}{near}"))
                .hint(format!("the keys here are {}", keys.join(", ")))
        })
    }

    /// The values under their dotted names, in the order of the file: nested tables and dotted keys mean the same. A
    /// table without entries stays as it is.
    pub(super) fn leaves(&self) -> Result<Vec<(String, &Node)>, LocatedError> {
        let mut leaves = Vec::new();
        self.collect_leaves("", &mut leaves);
        let mut seen = BTreeMap::new();
        for (name, node) in &leaves {
            if let Some(first) = seen.insert(name.as_str(), node.at) {
                return Err(LocatedError::given_twice(name, node.at, first));
            }
        }
        Ok(leaves)
    }

    fn collect_leaves<'a>(&'a self, prefix: &str, leaves: &mut Vec<(String, &'a Node)>) {
        for (key, node) in &self.0 {
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match &node.value {
                TomlValue::Table(table) if !table.0.is_empty() => table.collect_leaves(&name, leaves),
                _ => leaves.push((name, node)),
            }
        }
    }
}

impl fmt::Display for Node {
    /// The value for a message: short, as TOML spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            TomlValue::Boolean(value) => value.fmt(f),
            TomlValue::Integer(value) => value.fmt(f),
            TomlValue::Float(value) => write!(f, "{value:?}"),
            TomlValue::Text(value) => write!(f, "\"{}\"", nearest::shortened(value)),
            TomlValue::Table(_) => f.write_str("a table"),
            TomlValue::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().take(8).enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str(if items.len() > 8 { ", …]" } else { "]" })
            }
        }
    }
}
