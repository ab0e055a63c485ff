//! Whatever isn't in a sweep file as it was where it comes from.

use std::fmt;

/// Something that isn't in the sweep file as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// What became of it.
    pub(super) fate: Fate,
    /// Where it stood.
    pub(super) place: Place,
    /// What it is called there.
    pub(super) subject: String,
    /// The reason, or what stands in its place.
    pub(super) text: String,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It isn't there.
    LeftOut,
    /// Something else is there.
    Changed,
}

/// Where something stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A line of the file, from 1.
    Line(usize),
    /// The command line.
    CommandLine,
}

impl Note {
    /// Something that is left out.
    pub(super) fn left_out(place: Place, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { fate: Fate::LeftOut, place, subject: subject.into(), text: text.into() }
    }

    /// Something that has become something else.
    pub(super) fn changed(place: Place, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { fate: Fate::Changed, place, subject: subject.into(), text: text.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Place::Line(line) = self.place {
            write!(f, "line {line}, ")?;
        }
        write!(f, "`{}`: {}", self.subject, self.text)
    }
}

/// What can't be imported at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ImportError {
    /// Something isn't what the other program takes there, or can't be read by Basin.
    #[error("line {line}: {what}")]
    Line { line: usize, what: String },
    /// An override can't be read.
    #[error("`{text}`: {what}")]
    Override { text: String, what: String },
    /// There is nothing to sweep over.
    #[error("it has no parameters")]
    NoParameters,
}

impl ImportError {
    /// Something of a file.
    pub(super) fn at(line: usize, what: impl Into<String>) -> Self {
        Self::Line { line, what: what.into() }
    }
}
