//! Errors of a sweep file, each with its location and, where one is known, a hint.

use super::location::Location;
use super::nearest;

/// Something in a sweep file that can't be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct SweepError {
    /// The file.
    pub file: String,
    /// The line, from 1; for `--set`, the file is `--set` and the line its number.
    pub line: usize,
    /// The error, with the nearest valid name where one is near.
    pub message: String,
    /// The text to type instead, if it can be said.
    pub hint: Option<String>,
}

/// An error before the file's name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocatedError {
    location: Location,
    message: String,
    hint: Option<String>,
}

impl LocatedError {
    /// An error at this location.
    pub(super) fn new(location: Location, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), hint: None }
    }

    /// `name`, in short, is given here though it was given before, at `first`.
    pub(super) fn given_twice(name: &str, location: Location, first: Location) -> Self {
        let name = nearest::shortened(name);
        Self::new(location, format!("`{name}` is given twice: here and on {first}"))
            .hint("take one of the two out")
    }

    /// Adds a hint: the text to type instead.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same error at another location.
    pub(super) fn at(self, location: Location) -> Self {
        Self { location, ..self }
    }

    /// Adds a hint where there is none yet.
    pub(super) fn hint_if_none(self, hint: impl FnOnce() -> String) -> Self {
        Self { hint: self.hint.or_else(|| Some(hint())), ..self }
    }

    /// The same error, as one of the file called `file`.
    pub(super) fn in_file(self, file: &str) -> SweepError {
        let (file, line) = match self.location {
            Location::Line(line) => (file, line),
            Location::Override(number) => ("--set", number),
        };
        SweepError { file: file.to_owned(), line, message: self.message, hint: self.hint }
    }
}
