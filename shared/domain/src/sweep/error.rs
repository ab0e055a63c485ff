//! Errors of a sweep file, each with its location and, where one is known, a hint.

use std::fmt;

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

/// Everything that was found in a sweep file that can't be run: at least one error, in the order of the lines, those of `--set`
/// last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepErrors {
    first: SweepError,
    more: Vec<SweepError>,
}

impl SweepErrors {
    /// One error, and those after it.
    pub(super) const fn new(first: SweepError, more: Vec<SweepError>) -> Self {
        Self { first, more }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SweepError> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The hint of the only one; the text of several has their hints.
    pub fn hint(&self) -> Option<&str> {
        self.first.hint.as_deref().filter(|_| self.more.is_empty())
    }

    /// The text of the first of them in about so many bytes, with the count of the others.
    pub fn text_within(&self, bytes: usize) -> String {
        if self.more.is_empty() {
            return self.first.to_string();
        }
        let mut text = format!("{} problems", self.more.len() + 1);
        for (told, error) in self.iter().enumerate() {
            if told > 0 && text.len() > bytes {
                text.push_str(&format!("\nand {} more", self.more.len() + 1 - told));
                break;
            }
            text.push_str(&format!("\n{error}"));
            if let Some(hint) = &error.hint {
                text.push_str(&format!("\n  hint: {}", hint.replace('\n', "\n    ")));
            }
        }
        text
    }
}

impl From<SweepError> for SweepErrors {
    fn from(first: SweepError) -> Self {
        Self { first, more: Vec::new() }
    }
}

impl fmt::Display for SweepErrors {
    /// The only one as it is; several a line each, with their hints beneath.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_within(usize::MAX))
    }
}

impl std::error::Error for SweepErrors {}

/// An error before the file's name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocatedError {
    location: Location,
    message: String,
    hint: Option<String>,
    standing: Standing,
}

/// Beside which other problems an error is told: beside those of its own standing, and no lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Beside all.
    ByItself,
    /// Of values that don't fit together: told once each of them is right.
    OfValues,
    /// It follows from another problem of the file, and goes with that.
    Consequence,
}

impl LocatedError {
    /// An error at this location.
    pub(super) fn new(location: Location, message: impl Into<String>) -> Self {
        Self { location, message: message.into(), hint: None, standing: Standing::ByItself }
    }

    /// The same, where it follows from another problem that is noted: it isn't told beside that.
    pub(super) fn consequential(self) -> Self {
        Self { standing: Standing::Consequence, ..self }
    }

    /// The same, of values that don't fit together: it isn't told beside one that is wrong by itself.
    pub(super) fn of_values(self) -> Self {
        Self { standing: Standing::OfValues, ..self }
    }

    /// Beside which others it is told.
    pub(super) const fn standing(&self) -> Standing {
        self.standing
    }

    /// The same error at another location.
    pub(super) fn at(self, location: Location) -> Self {
        Self { location, ..self }
    }

    /// Where it is.
    pub(super) const fn location(&self) -> Location {
        self.location
    }

    /// Whether both say the same of the same place, whatever they hint at.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        (self.location, &self.message) == (other.location, &other.message)
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

    /// Adds a hint where there is none yet.
    pub(super) fn hint_if_none(self, hint: impl FnOnce() -> String) -> Self {
        Self { hint: self.hint.or_else(|| Some(hint())), ..self }
    }

    /// The same error, as one of the file called `file`.
    pub(super) fn in_file(self, file: &str) -> SweepError {
        let (file, line) = self.location.in_file(file);
        SweepError { file: file.to_owned(), line, message: self.message, hint: self.hint }
    }
}
