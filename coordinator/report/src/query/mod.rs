//! Questions in SQL about a sweep's results.
//!
//! [`SweepTables`] is where to start reading: it has the tables of a sweep, says which columns they have, and answers. The tables are
//! those that a report writes ([`tables`](crate::tables)); for each question SQLite gets those that it names, in memory, with some more
//! functions (`functions`), and may do nothing but read (`read_only`). An [`Answer`] is rows of [`Cell`]s, which become CSV, JSON or
//! Parquet.

mod answer;
mod argument;
mod cell;
mod database;
mod error;
mod examples;
mod functions;
mod mathematics;
mod names;
mod place;
mod read_only;
mod schema;
mod sweep_tables;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use cell::Cell;
pub use error::QueryError;
pub use functions::FUNCTIONS;
pub use place::Place;
pub use schema::{ColumnSchema, ColumnType, TableSchema};
pub use sweep_tables::SweepTables;
