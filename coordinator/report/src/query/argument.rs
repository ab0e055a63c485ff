//! Arguments of functions.

use rusqlite::Error;
use rusqlite::functions::Context;
use rusqlite::types::ValueRef;

/// The number that a function of this name is given at this place; none of a null.
///
/// # Errors
/// If it is a text or bytes: SQLite's own functions take those for 0.
pub(super) fn number(function: &str, row: &Context<'_>, place: usize) -> rusqlite::Result<Option<f64>> {
    match row.get_raw(place) {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number as f64)),
        ValueRef::Real(number) => Ok(Some(number)),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            Err(refused(format!("`{function}` takes numbers, not the text `{text}`")))
        }
        ValueRef::Blob(_) => Err(refused(format!("`{function}` takes numbers, not bytes"))),
    }
}

/// The failure of a function, in words.
pub(super) fn refused(why: String) -> Error {
    Error::UserFunctionError(why.into())
}
