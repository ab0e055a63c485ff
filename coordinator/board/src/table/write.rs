//! Making the table, and changing it as tasks go on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};

use basin_domain::value::Value;
use rusqlite::{params, params_from_iter, types};

use super::columns::{self, Column, PLACE, Role, free_name, quoted};
use super::{PlannedTask, Table, guard};

/// The most measures that have a column.
const MEASURES: usize = 200;
/// The most of a text that the table has, in bytes.
const LONGEST_TEXT: usize = 1 << 10;

/// What is known of how a result came about, and isn't any more when it is withdrawn.
const FORGOTTEN: [&str; 4] = ["worker", "attempt", "progress", "loss"];

/// How a task that somebody works on is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LiveRow {
    /// The row, from 0.
    pub(crate) place: usize,
    pub(crate) worker: String,
    pub(crate) attempt: u32,
    /// The share that is done, from 0 to 1.
    pub(crate) progress: Option<f64>,
    pub(crate) loss: Option<f64>,
}

impl Table {
    /// The table of these tasks, each in this state.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn new(tasks: &[PlannedTask], states: &[&str]) -> rusqlite::Result<Self> {
        let columns = columns::of(tasks);
        let mut connection = guard::open()?;
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let list = names.join(", ");
        connection.execute_batch(&format!("create table tasks ({PLACE} integer primary key, {list})"))?;
        let marks = vec!["?"; columns.len() + 1].join(", ");
        let transaction = connection.transaction()?;
        {
            let mut insert =
                transaction.prepare(&format!("insert into tasks ({PLACE}, {list}) values ({marks})"))?;
            for (place, task) in tasks.iter().enumerate() {
                let point: BTreeMap<&str, &Value> =
                    task.point.iter().map(|(name, value)| (name.as_str(), value)).collect();
                let state = states.get(place).copied().unwrap_or_default();
                let of = columns.iter().map(|column| value_of(column, task, &point, state));
                let row = [types::Value::Integer(row_number(place))].into_iter().chain(of);
                insert.execute(params_from_iter(row))?;
            }
        }
        transaction.commit()?;
        connection.execute_batch("create index of_id on tasks (id)")?;
        Ok(Self {
            connection: Mutex::new(connection),
            columns: RwLock::new(columns),
            longest: guard::LONGEST,
        })
    }

    /// Puts tasks in other states. Of one that was committed and isn't any more, since its result was withdrawn, nothing is known but that.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn set_states(&self, states: &[(usize, &str)]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let columns = self.columns();
        let is_of_result =
            |column: &&Column| column.role == Role::Measure || FORGOTTEN.contains(&column.name.as_str());
        let forgotten: Vec<String> =
            columns.iter().filter(is_of_result).map(|it| format!("{} = null", quoted(&it.name))).collect();
        let forget = format!(
            "update tasks set {} where place = ? and state in ('completed', 'diverged', 'stopped')",
            forgotten.join(", ")
        );
        let transaction = connection.transaction()?;
        {
            let mut forget = transaction.prepare_cached(&forget)?;
            let mut update = transaction.prepare_cached(
                "update tasks set state = ?2, progress = case when ?3 then 1.0 else progress end where place = ?1",
            )?;
            for (place, state) in states {
                let is_committed = is_committed(state);
                if !is_committed {
                    forget.execute([row_number(*place)])?;
                }
                update.execute(params![row_number(*place), state, is_committed])?;
            }
        }
        transaction.commit()
    }

    /// Says how tasks are doing that are worked on.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn set_live(&self, rows: &[LiveRow]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        {
            let mut update = transaction.prepare_cached(
                "update tasks set worker = ?2, attempt = ?3, progress = ?4, loss = ?5 where place = ?1",
            )?;
            for row in rows {
                let LiveRow { place, worker, attempt, progress, loss } = row;
                update.execute(params![row_number(*place), worker, attempt, progress, loss])?;
            }
        }
        transaction.commit()
    }

    /// Says what tasks have measured, by their ids. Measures that are new get a column.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn set_measures(&self, rows: &[(String, Vec<(String, f64)>)]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let mut columns = self.columns.write().unwrap_or_else(PoisonError::into_inner);
        let mut names: BTreeMap<String, String> = columns
            .iter()
            .filter(|column| column.role == Role::Measure)
            .map(|column| (column.of.clone(), quoted(&column.name)))
            .collect();
        for (measure, _) in rows.iter().flat_map(|(_, values)| values) {
            if names.contains_key(measure) || names.len() >= MEASURES {
                continue;
            }
            let name = free_name(&columns.iter(), measure, "measure");
            connection.execute_batch(&format!("alter table tasks add column {}", quoted(&name)))?;
            names.insert(measure.clone(), quoted(&name));
            columns.push(Column { name, of: measure.clone(), role: Role::Measure });
        }
        drop(columns);
        let transaction = connection.transaction()?;
        for (id, values) in rows {
            let known: Vec<(&String, f64)> =
                values.iter().filter_map(|(measure, value)| Some((names.get(measure)?, *value))).collect();
            if known.is_empty() {
                continue;
            }
            let set: Vec<String> = known.iter().map(|(name, _)| format!("{name} = ?")).collect();
            let sql = format!("update tasks set {} where id = ?", set.join(", "));
            let numbers = known.iter().map(|(_, value)| types::Value::Real(*value));
            let of = numbers.chain([types::Value::Text(id.clone())]);
            transaction.prepare_cached(&sql)?.execute(params_from_iter(of))?;
        }
        transaction.commit()
    }
}

/// Whether a task in this state has a result that counts.
fn is_committed(state: &str) -> bool {
    matches!(state, "completed" | "diverged" | "stopped")
}

/// The number of a row as SQLite has it.
fn row_number(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

fn value_of(
    column: &Column,
    task: &PlannedTask,
    point: &BTreeMap<&str, &Value>,
    state: &str,
) -> types::Value {
    let text = |text: &str| types::Value::Text(clipped(text));
    match (column.role, column.of.as_str()) {
        (Role::Parameter, name) => point.get(name).map_or(types::Value::Null, |value| stored(value)),
        (_, "id") => text(&task.id),
        (_, "name") => text(&task.name),
        (_, "experiment") => text(&task.experiment),
        (_, "seed") => match task.seed.and_then(|seed| i64::try_from(seed).ok()) {
            Some(seed) => types::Value::Integer(seed),
            None => task.seed.map_or(types::Value::Null, |seed| text(&seed.to_string())),
        },
        (_, "state") => text(state),
        (_, "progress") if is_committed(state) => types::Value::Real(1.0),
        _ => types::Value::Null,
    }
}

/// A text that has room in a row.
fn clipped(text: &str) -> String {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// A parameter's value as SQLite has it.
fn stored(value: &Value) -> types::Value {
    match value {
        Value::Boolean(truth) => types::Value::Integer(i64::from(*truth)),
        Value::Integer(number) => types::Value::Integer(*number),
        Value::Float(number) => types::Value::Real(*number),
        Value::Text(text) => types::Value::Text(clipped(text)),
        Value::List(_) => types::Value::Text(clipped(&value.to_string())),
    }
}
