//! Finding tasks in the table.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::columns::{Column, PLACE, quoted};
use super::filter::{self, FilterError};
use super::{Table, guard};

/// The rows of a page.
pub(crate) const ROWS: u64 = 100;
/// The most groups of a page.
const GROUPS: u64 = 500;

/// What somebody wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted<'a> {
    /// The tasks for which this is true; all without.
    pub(crate) filter: Option<&'a str>,
    /// The column by which they are sorted; in the order of the sweep's file without.
    pub(crate) sort: Option<&'a str>,
    /// Whether the largest come first.
    pub(crate) down: bool,
    /// How many are left out before the first.
    pub(crate) from: u64,
}

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Nothing,
    Integer(i64),
    Number(f64),
    Text(String),
}

impl Cell {
    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Nothing | Self::Text(_) => None,
        }
    }

    /// The text, if it is one; else nothing.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Nothing | Self::Integer(_) | Self::Number(_) => "",
        }
    }
}

/// Some rows, and how many there are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    /// Of each column a cell.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// How many tasks the filter finds.
    pub(crate) matching: u64,
    /// How many tasks there are.
    pub(crate) all: u64,
}

/// The tasks that have one value in a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) value: Cell,
    pub(crate) tasks: u64,
    pub(crate) running: u64,
    pub(crate) committed: u64,
    pub(crate) failed: u64,
    /// The mean of the last losses that are known.
    pub(crate) mean_loss: Option<f64>,
}

impl Table {
    /// The rows that somebody wants to see.
    ///
    /// # Errors
    /// If the filter isn't one, or a column isn't there.
    pub(crate) fn rows(&self, wanted: &Wanted<'_>) -> Result<Rows, FilterError> {
        let columns = self.columns();
        let condition = condition(wanted.filter)?;
        let order = match wanted.sort {
            None => format!("{PLACE}{}", if wanted.down { " desc" } else { "" }),
            Some(name) => {
                let direction = if wanted.down { " desc" } else { "" };
                format!("{}{direction} nulls last, {PLACE}", quoted(existing(name, &columns)?))
            }
        };
        let list = columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "select {list} from tasks where {condition} order by {order} limit {ROWS} offset {}",
            wanted.from.min(1 << 40)
        );
        let found = guard::within_limits(&mut self.connection(), self.longest, |connection| {
            let matching = count(connection, &condition)?;
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| cells(row, columns.len()))?;
            Ok((matching, rows.collect::<rusqlite::Result<Vec<_>>>()?, count(connection, "true")?))
        });
        let (matching, rows, all) = found.map_err(|error| FilterError::of(&error, &columns))?;
        Ok(Rows { columns, rows, matching, all })
    }

    /// The tasks that the filter finds, by their values in a column.
    ///
    /// # Errors
    /// If the filter isn't one, or the column isn't there.
    pub(crate) fn groups(&self, filter: Option<&str>, by: &str) -> Result<Vec<Group>, FilterError> {
        let columns = self.columns();
        let (condition, by) = (condition(filter)?, quoted(existing(by, &columns)?));
        let sql = format!(
            "select {by}, count(*), sum(state in ('running', 'expiring')), \
             sum(state in ('completed', 'diverged', 'stopped')), sum(state = 'failed'), avg(loss) \
             from tasks where {condition} group by {by} order by {by} limit {GROUPS}"
        );
        let found = guard::within_limits(&mut self.connection(), self.longest, |connection| {
            let mut statement = connection.prepare(&sql)?;
            let groups = statement.query_map([], |row| {
                let number = |place: usize| row.get::<_, i64>(place).map(i64::unsigned_abs);
                Ok(Group {
                    value: cell(row.get_ref(0)?),
                    tasks: number(1)?,
                    running: number(2)?,
                    committed: number(3)?,
                    failed: number(4)?,
                    mean_loss: row.get(5)?,
                })
            })?;
            groups.collect()
        });
        found.map_err(|error| FilterError::of(&error, &columns))
    }
}

/// The condition that a filter stands for.
pub(super) fn condition(filter: Option<&str>) -> Result<String, FilterError> {
    match filter {
        None => Ok("true".to_owned()),
        Some(text) => {
            filter::check(text)?;
            Ok(format!("({text})"))
        }
    }
}

/// The name of a column that is there.
fn existing<'c>(name: &str, columns: &'c [Column]) -> Result<&'c str, FilterError> {
    let found = columns.iter().find(|column| column.name == name);
    found.map(|column| column.name.as_str()).ok_or_else(|| FilterError::no_column(name, columns))
}

fn count(connection: &Connection, condition: &str) -> rusqlite::Result<u64> {
    let sql = format!("select count(*) from tasks where {condition}");
    connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// The values of a row.
pub(super) fn cells(row: &Row<'_>, columns: usize) -> rusqlite::Result<Vec<Cell>> {
    (0..columns).map(|place| row.get_ref(place).map(cell)).collect()
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Cell::Nothing,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Number(number),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
    }
}
