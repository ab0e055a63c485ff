//! The tasks of a sweep as a table in memory, in SQLite: filters are expressions of SQL over columns that are called as in the sweep file.
//!
//! What people may ask is read by [`filter`] first, and run within limits ([`guard`]): it reads this one table, and ends after a while.
//! Rows are the tasks in the order of the sweep's file; [`write`] changes them as tasks go on, [`read`] finds some of them.

mod columns;
mod filter;
mod guard;
mod points;
mod read;
mod write;

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use basin_domain::task::Task;
use basin_domain::value::Value;
use rusqlite::Connection;

pub(crate) use self::columns::{Column, Role, as_written};
pub(crate) use self::filter::FilterError;
pub(crate) use self::points::Points;
pub(crate) use self::read::{Cell, Group, ROWS, Rows, Wanted};
pub(crate) use self::write::LiveRow;

/// What is known of a task before it runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PlannedTask {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) experiment: String,
    /// The seed and the values of what the sweep varies; none where only the coordinator's list is known.
    pub(crate) seed: Option<u64>,
    pub(crate) point: Vec<(String, Value)>,
}

impl From<&Task> for PlannedTask {
    fn from(task: &Task) -> Self {
        let point = task.point.iter().filter(|(name, _)| *name != "seed");
        Self {
            id: task.id.to_string(),
            name: task.name(),
            experiment: task.experiment.to_string(),
            seed: Some(task.spec.seed),
            point: point.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// The tasks of a sweep.
#[derive(Debug)]
pub(crate) struct Table {
    connection: Mutex<Connection>,
    columns: RwLock<Vec<Column>>,
    /// The longest that it is looked for rows.
    longest: Duration,
}

impl Table {
    /// The columns, in the order in which they are shown.
    pub(crate) fn columns(&self) -> Vec<Column> {
        self.columns.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
