//! What is wrong in a sweep file, and where.

use super::{SweepError, nearest};

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// A line of the file, from 1.
    Line(usize),
    /// A `--set`, by its number from 1.
    Override(usize),
}

/// An error before the file's name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocatedError {
    location: Location,
    message: String,
    hint: Option<String>,
}

impl LocatedError {
    /// What is wrong, at this place.
    pub(super) fn new(location: Location, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), hint: None }
    }

    /// `name`, in short, is given here though it was given before, at `first`.
    pub(super) fn given_twice(name: &str, location: Location, first: Location) -> Self {
        let name = nearest::shortened(name);
        Self::new(location, format!("`{name}` is given twice: here and on {first}"))
            .hint("take one of the two out")
    }

    /// Adds what to type instead.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds what to type instead, where nothing is said of it yet.
    pub(super) fn hint_if_none(self, hint: impl FnOnce() -> String) -> Self {
        Self { hint: self.hint.or_else(|| Some(hint())), ..self }
    }

    /// The error of the file called `file`.
    pub(super) fn in_file(self, file: &str) -> SweepError {
        let (file, line) = match self.location {
            Location::Line(line) => (file, line),
            Location::Override(number) => ("--set", number),
        };
        SweepError { file: file.to_owned(), line, message: self.message, hint: self.hint }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Override(number) => write!(f, "--set number {number}"),
        }
    }
}
