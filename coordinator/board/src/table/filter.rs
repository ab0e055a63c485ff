//! What people type to find tasks: one expression of SQL, and no more than that.

use super::columns::{Column, as_written};

/// The longest filter, in bytes.
const LONGEST: usize = 2_000;
/// Words that begin or continue a statement: no expression over one table needs them.
const STATEMENTS: [&str; 16] = [
    "select",
    "with",
    "values",
    "from",
    "union",
    "intersect",
    "except",
    "pragma",
    "attach",
    "insert",
    "update",
    "delete",
    "create",
    "drop",
    "over",
    "returning",
];

/// Why a filter finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    /// It isn't one expression.
    #[error("a filter is one expression, like `state = 'running' and seed < 3`: {why}")]
    NotOneExpression {
        /// What is in it that doesn't belong there.
        why: String,
    },
    /// It names a column that isn't there.
    #[error("there is no column `{name}`; the columns are: {}", columns.join(", "))]
    NoColumn {
        /// Its name, as it was typed.
        name: String,
        /// Those that there are, as they are typed.
        columns: Vec<String>,
    },
    /// It names a column whose name has to be in quotes.
    #[error("the column `{name}` has a name that is written in double quotes: {quoted}")]
    WithoutQuotes {
        /// Its name.
        name: String,
        /// Its name in quotes.
        quoted: String,
    },
    /// SQLite doesn't understand it.
    #[error("the filter can't be read: {0}")]
    Unreadable(String),
    /// It took too long.
    #[error("the filter takes too long to find its tasks")]
    TooSlow,
}

impl FilterError {
    /// That there is no column of this name among these.
    pub(super) fn no_column(name: &str, columns: &[Column]) -> Self {
        if let Some(column) = columns.iter().find(|column| column.name == name) {
            return Self::WithoutQuotes { name: name.to_owned(), quoted: as_written(&column.name) };
        }
        let columns = columns.iter().map(|column| as_written(&column.name)).collect();
        Self::NoColumn { name: name.to_owned(), columns }
    }

    /// What SQLite said of a statement with a filter in it.
    pub(super) fn of(error: &rusqlite::Error, columns: &[Column]) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) {
            return Self::TooSlow;
        }
        let said = match error {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            rusqlite::Error::SqliteFailure(_, Some(said)) => said.clone(),
            other => other.to_string(),
        };
        match said.strip_prefix("no such column: ") {
            // Newer versions say what else it could have been.
            Some(rest) => {
                Self::no_column(rest.split(" - ").next().unwrap_or(rest).trim_matches('"'), columns)
            }
            None => Self::Unreadable(said),
        }
    }
}

/// Whether a text may be an expression: it ends where it seems to, and nothing else begins in it.
///
/// # Errors
/// What doesn't belong into one.
pub(super) fn check(text: &str) -> Result<(), FilterError> {
    let wrong = |why: &str| Err(FilterError::NotOneExpression { why: why.to_owned() });
    if text.len() > LONGEST {
        return wrong("this is too long");
    }
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        match first {
            '\'' | '"' => match after.find(first) {
                Some(end) => {
                    rest = &after[end + 1..];
                    continue;
                }
                None => return wrong("a quotation mark isn't closed"),
            },
            '(' => depth += 1,
            ')' if depth == 0 => return wrong("a parenthesis is closed that wasn't opened"),
            ')' => depth -= 1,
            ';' => return wrong("`;` ends a statement"),
            '-' if after.starts_with('-') => return wrong("`--` begins a comment"),
            '/' if after.starts_with('*') => return wrong("`/*` begins a comment"),
            '`' | '[' | ']' => return wrong("names are quoted with double quotes"),
            '?' | '@' | '$' | ':' | '#' => return wrong("it takes no parameters"),
            _ if first.is_control() && !first.is_whitespace() => return wrong("it has invisible characters"),
            _ if first.is_alphanumeric() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let word = &rest[..end];
                if STATEMENTS.iter().any(|statement| word.eq_ignore_ascii_case(statement)) {
                    return wrong(&format!("`{word}` belongs to a statement"));
                }
                rest = &rest[end..];
                continue;
            }
            _ => {}
        }
        rest = after;
    }
    if depth > 0 { wrong("a parenthesis isn't closed") } else { Ok(()) }
}
