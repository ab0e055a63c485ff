//! The tables in SQLite, in memory, for one question.

use basin_storage::table::{Column, Table};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params};

use super::answer::Answer;
use super::cell::Cell;
use super::error::QueryError;
use super::functions;
use super::names::{distinct, quoted};
use super::read_only::{Forbidden, authorizer};
use super::schema::{ColumnSchema, TableSchema};
use crate::runs::Run;

/// A database in memory.
pub(super) struct Database(Connection);

impl Database {
    /// A database with these tables, empty.
    ///
    /// # Errors
    /// If SQLite doesn't take them: there are more columns than it can have.
    pub(super) fn with_tables(schemas: &[TableSchema]) -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        // Without this, a name in double quotes that is no column would be a text.
        for quirk in [DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL] {
            connection.set_db_config(quirk, false)?;
        }
        functions::add(&connection)?;
        for schema in schemas {
            let column =
                |column: &ColumnSchema| format!("{} {}", quoted(&column.name), column.column_type.declared());
            let columns: Vec<String> = schema.columns.iter().map(column).collect();
            connection.execute_batch(&format!("create table {} ({})", schema.name, columns.join(", ")))?;
        }
        Ok(Self(connection))
    }

    /// Puts the rows of `table` into the table of this name, which has as many columns.
    ///
    /// # Errors
    /// If SQLite fails.
    pub(super) fn fill(&self, name: &str, table: &Table) -> rusqlite::Result<()> {
        let transaction = self.0.unchecked_transaction()?;
        let places = vec!["?"; table.columns().len()].join(", ");
        let mut insert = transaction.prepare(&format!("insert into {name} values ({places})"))?;
        for row in 0..table.rows() {
            for (place, (_, column)) in (1_usize..).zip(table.columns()) {
                insert.raw_bind_parameter(place, value(column, row))?;
            }
            insert.raw_execute()?;
        }
        drop(insert);
        transaction.commit()
    }

    /// Puts every point of every series into the table of series, with an index by which a question finds the points of a task's
    /// series.
    ///
    /// # Errors
    /// If SQLite fails.
    pub(super) fn fill_series(&self, name: &str, runs: &[Run]) -> rusqlite::Result<()> {
        let transaction = self.0.unchecked_transaction()?;
        let mut insert = transaction.prepare(&format!("insert into {name} values (?, ?, ?, ?, ?)"))?;
        for run in runs {
            let Some(metrics) = run.metrics() else { continue };
            let task = run.task.id.to_string();
            for (series, of) in &metrics.series {
                for (x, value) in &of.points {
                    insert.execute(params![task, series, of.axis.as_str(), x, value])?;
                }
            }
        }
        drop(insert);
        transaction.execute_batch(&format!("create index points_of_a_series on {name} (task, series, x)"))?;
        transaction.commit()
    }

    /// Answers a question.
    ///
    /// # Errors
    /// If it isn't SQL, would do more than read, or fails on the way.
    pub(super) fn ask(&mut self, sql: &str) -> Result<Answer, QueryError> {
        let forbidden = Forbidden::default();
        self.0.authorizer(Some(authorizer(forbidden.clone())))?;
        read(&self.0, sql).map_err(|error| match forbidden.action() {
            Some(action) => QueryError::NotReadOnly { action },
            None => error,
        })
    }
}

fn read(connection: &Connection, sql: &str) -> Result<Answer, QueryError> {
    let wrong = |error: rusqlite::Error| QueryError::of(error, sql);
    let mut statement = connection.prepare(sql).map_err(wrong)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(QueryError::NotReadOnly { action: "do something else".to_owned() });
    }
    match statement.parameter_count() {
        0 => {}
        parameters => return Err(QueryError::Parameters { parameters }),
    }
    let columns = distinct(statement.column_names());
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(wrong)? {
        let cells = (0..columns.len()).map(|place| row.get_ref(place).map(Cell::of));
        rows.push(cells.collect::<rusqlite::Result<Vec<Cell>>>().map_err(wrong)?);
    }
    Ok(Answer::new(columns, rows))
}

/// A value as SQLite keeps it. NaN becomes null there.
fn value(column: &Column, row: usize) -> ToSqlOutput<'_> {
    let integer = |value: Option<i64>| value.map_or(Value::Null, Value::Integer);
    let list = |json: Option<serde_json::Result<String>>| match json {
        Some(json) => Value::Text(json.expect("a list of numbers or texts is JSON")),
        None => Value::Null,
    };
    ToSqlOutput::Owned(match column {
        Column::Text(values) => match &values[row] {
            Some(text) => return ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            None => Value::Null,
        },
        Column::Integer(values) => integer(values[row]),
        Column::Unsigned(values) => match values[row] {
            // Above what SQLite counts to, numbers are rounded.
            Some(value) => i64::try_from(value).map_or(Value::Real(value as f64), Value::Integer),
            None => Value::Null,
        },
        Column::Float(values) => values[row].map_or(Value::Null, Value::Real),
        Column::Boolean(values) => integer(values[row].map(i64::from)),
        Column::Integers(values) => list(values[row].as_ref().map(serde_json::to_string)),
        Column::Floats(values) => list(values[row].as_ref().map(serde_json::to_string)),
        Column::Texts(values) => list(values[row].as_ref().map(serde_json::to_string)),
    })
}
