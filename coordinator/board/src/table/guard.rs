//! The limits within which a statement runs that has something in it that somebody typed.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

/// The longest that a statement may take.
pub(super) const LONGEST: Duration = Duration::from_millis(200);
/// After so many steps of SQLite's machine it is looked whether that is over.
const STEPS: i32 = 1_000;
/// The largest text that a function may make, and the largest row, in bytes: some functions take a time that grows with its square.
const LARGEST: i32 = 64 << 10;

/// An empty database in memory.
pub(super) fn open() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    // A name in double quotes that no column has is an error, and no text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST)?;
    Ok(connection)
}

/// Runs what reads the table of tasks and nothing else, and ends it after this time.
pub(super) fn within_limits<T>(
    connection: &mut Connection,
    longest: Duration,
    run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let until = Instant::now() + longest;
    connection.authorizer(Some(reads_tasks))?;
    connection.progress_handler(STEPS, Some(move || Instant::now() > until))?;
    let done = run(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    done
}

fn reads_tasks(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Function { .. } => Authorization::Allow,
        AuthAction::Read { table_name: "tasks", .. } => Authorization::Allow,
        _ => Authorization::Deny,
    }
}
