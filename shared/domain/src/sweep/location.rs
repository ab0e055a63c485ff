//! Locations: the line of a sweep file, or the `--set`, that an error is about.

use std::fmt;

/// Where a value or a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Location {
    /// A line of the file, from 1.
    Line(usize),
    /// A `--set`, by its number from 1.
    Override(usize),
}

impl Location {
    /// The name of the file and the number of the line, in the sweep file called `file`; `--set` and its number for an override.
    pub(super) const fn in_file(self, file: &str) -> (&str, usize) {
        match self {
            Self::Line(line) => (file, line),
            Self::Override(number) => ("--set", number),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Override(number) => write!(f, "--set number {number}"),
        }
    }
}
