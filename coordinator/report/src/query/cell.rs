//! A value of an answer.

use std::fmt;

use rusqlite::types::ValueRef;
use serde::{Serialize, Serializer};

use crate::tables::csv;

/// A value of an answer, of one of SQLite's types.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing: a gap, or NaN, which SQLite doesn't have.
    Null,
    /// A whole number.
    Integer(i64),
    /// Another number; it may be infinite.
    Real(f64),
    /// A text, or bytes in hexadecimal.
    Text(String),
}

impl Cell {
    /// The value that SQLite has computed.
    pub(super) fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            Self::Null | Self::Text(_) => None,
        }
    }
}

/// As in CSV: nothing for a gap, numbers in the shortest text that reads back as the same number.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Real(number) => f.write_str(&csv::number(*number)),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// As in JSON, which has no infinite numbers: those are the texts `inf` and `-inf`.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Real(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Real(_) => serializer.collect_str(self),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_text_and_a_json() {
        let cells = [
            (Cell::Null, "", "null"),
            (Cell::Integer(-3), "-3", "-3"),
            (Cell::Real(0.1 + 0.2), "0.30000000000000004", "0.30000000000000004"),
            (Cell::Real(f64::NEG_INFINITY), "-inf", "\"-inf\""),
            (Cell::of(ValueRef::Text(b"a\"b")), "a\"b", r#""a\"b""#),
            (Cell::of(ValueRef::Blob(&[0, 0xab])), "00ab", "\"00ab\""),
        ];
        for (cell, text, json) in cells {
            assert_eq!(
                (cell.to_string().as_str(), serde_json::to_string(&cell).unwrap().as_str()),
                (text, json)
            );
        }
    }
}
