//! Why a question has no answer.

use super::place::Place;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It is empty, or a comment.
    #[error("there is no question")]
    Empty,
    /// It is several statements.
    #[error("these are several statements, and a question is one")]
    SeveralStatements,
    /// It would do more than read.
    #[error("a question only reads, and this one would {action}")]
    NotReadOnly {
        /// What it would do, in words that go on after `it would`.
        action: String,
    },
    /// It has a parameter (`?`, `:name`), which nobody gives a value.
    #[error("a question has no parameters, and this one has {parameters}")]
    Parameters {
        /// How many it has.
        parameters: usize,
    },
    /// It reads a table that there isn't.
    #[error("there is no table `{name}`")]
    UnknownTable {
        /// The table.
        name: String,
    },
    /// It reads a column that there isn't, at least not in the tables that it names.
    #[error("there is no column `{name}`{place}")]
    UnknownColumn {
        /// The column, with the table's name before it if that was written.
        name: String,
        /// Whether it was written within double quotes, as texts are in other languages.
        is_quoted: bool,
        /// Where.
        place: Place,
    },
    /// Several of its tables have this column.
    #[error("several tables have a column `{name}`{place}")]
    AmbiguousColumn {
        /// The column.
        name: String,
        /// Where.
        place: Place,
    },
    /// It calls a function that there isn't.
    #[error("there is no function `{name}`{place}")]
    UnknownFunction {
        /// The function.
        name: String,
        /// Where.
        place: Place,
    },
    /// It isn't SQL, or makes no sense to SQLite.
    #[error("{message}{place}")]
    Wrong {
        /// What SQLite says.
        message: String,
        /// Where.
        place: Place,
    },
    /// The database doesn't take the tables, or fails by itself.
    #[error("the tables can't be put to SQLite")]
    Database(#[from] rusqlite::Error),
}

impl QueryError {
    /// What SQLite says about the question `sql`, understood by the words that it has for each kind of error.
    pub(super) fn of(error: rusqlite::Error, sql: &str) -> Self {
        let (message, place) = match error {
            rusqlite::Error::Empty => return Self::Empty,
            rusqlite::Error::MultipleStatement => return Self::SeveralStatements,
            rusqlite::Error::SqlInputError { msg, sql, offset, .. } => {
                (msg, usize::try_from(offset).map(|offset| Place::at(&sql, offset)).unwrap_or_default())
            }
            rusqlite::Error::SqliteFailure(_, Some(message)) if message == "incomplete input" => {
                let sql = sql.trim_end();
                (message, Place::at(sql, sql.len()))
            }
            rusqlite::Error::SqliteFailure(_, Some(message)) => (message, Place::default()),
            other => return Self::Database(other),
        };
        let about = |words: &str| message.strip_prefix(words).map(str::to_owned);
        if let Some(name) = about("no such table: ") {
            return Self::UnknownTable { name };
        }
        if let Some(name) = about("no such column: ") {
            let unquoted = name.strip_suffix(" - should this be a string literal in single-quotes?");
            let unquoted = unquoted.map(|name| name.trim_matches('"').to_owned());
            return Self::UnknownColumn {
                is_quoted: unquoted.is_some(),
                name: unquoted.unwrap_or(name),
                place,
            };
        }
        if let Some(name) = about("ambiguous column name: ") {
            return Self::AmbiguousColumn { name, place };
        }
        if let Some(name) = about("no such function: ") {
            return Self::UnknownFunction { name, place };
        }
        Self::Wrong { message, place }
    }
}
