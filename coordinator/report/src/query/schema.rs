//! The tables and columns that there are.

use basin_storage::table::{Column, Table};

use super::names::distinct;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Texts.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
    /// 1 for yes, 0 for no.
    Boolean,
    /// Lists of whole numbers, as JSON.
    Integers,
    /// Lists of numbers, as JSON.
    Reals,
    /// Lists of texts, as JSON.
    Texts,
}

impl ColumnType {
    fn of(column: &Column) -> Self {
        match column {
            Column::Text(_) => Self::Text,
            Column::Integer(_) | Column::Unsigned(_) => Self::Integer,
            Column::Float(_) => Self::Real,
            Column::Boolean(_) => Self::Boolean,
            Column::Integers(_) => Self::Integers,
            Column::Floats(_) => Self::Reals,
            Column::Texts(_) => Self::Texts,
        }
    }

    /// The type in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean, as 0 or 1",
            Self::Integers => "list of integers, as JSON",
            Self::Reals => "list of reals, as JSON",
            Self::Texts => "list of texts, as JSON",
        }
    }

    /// The type as a column is declared with it.
    pub(super) const fn declared(self) -> &'static str {
        match self {
            Self::Text | Self::Integers | Self::Reals | Self::Texts => "text",
            Self::Integer | Self::Boolean => "integer",
            Self::Real => "real",
        }
    }

    /// Whether its values are numbers.
    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Real)
    }

    /// Whether its values are lists.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::Integers | Self::Reals | Self::Texts)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSchema {
    /// Its name: that of the report's file, or, where that differs from another's in capitals alone, one with a number behind it.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub row: &'static str,
    /// How many rows it has.
    pub rows: usize,
    /// Its columns, in their order.
    pub columns: Vec<ColumnSchema>,
}

impl TableSchema {
    pub(super) fn of(name: &'static str, row: &'static str, table: &Table) -> Self {
        let names = distinct(table.columns().iter().map(|(name, _)| name.as_str()));
        let columns = names.into_iter().zip(table.columns());
        let columns =
            columns.map(|(name, (_, column))| ColumnSchema { name, column_type: ColumnType::of(column) });
        Self { name, row, rows: table.rows(), columns: columns.collect() }
    }

    /// The column of this name, in whatever capitals.
    pub fn column(&self, name: &str) -> Option<&ColumnSchema> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}
