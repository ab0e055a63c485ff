//! The ids: each a type of its own, each built through a check.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, InvalidDigest};

/// The text can't be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {what}: 1 to {max} letters, digits, `-`, `_` and `.` are expected, the first a letter or a digit"
)]
pub struct InvalidId {
    /// The id that was expected (`sweep id`).
    pub what: &'static str,
    /// The text that was given, shortened.
    pub text: String,
    /// The greatest length.
    pub max: usize,
}

fn check(what: &'static str, max: usize, text: &str) -> Result<(), InvalidId> {
    let fits = (1..=max).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !text.contains("..");
    if fits { Ok(()) } else { Err(InvalidId { what, text: text.chars().take(80).collect(), max }) }
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and makes it an id.
            ///
            /// # Errors
            /// If `text` is empty, too long, or has characters that don't belong into a key of the store.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check($what, $max, &text)?;
                Ok(Self(text))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

name_id!(
    /// A launched sweep: the sweep file's name and ten digits of what it expands to, `homework-3f2a9c01d4`.
    SweepId, "sweep id", 80
);
name_id!(
    /// The name of a sweep as its file gives it.
    SweepName, "sweep name", 60
);
name_id!(
    /// An experiment's id within its sweep file.
    ExperimentId, "experiment id", 60
);
name_id!(
    /// A figure's id within its sweep file: the name of its files, and its anchor in the report.
    FigureId, "figure id", 60
);
name_id!(
    /// A worker process: chosen by the worker at its start, unique to that start.
    WorkerId, "worker id", 80
);
name_id!(
    /// A lease: made by the coordinator, never used twice.
    LeaseId, "lease id", 60
);
name_id!(
    /// The name of a data set.
    DatasetName, "data set name", 60
);

name_id!(
    /// The name of a command, by which a sweep asks for it and a worker's operator allows it.
    CommandName, "command's name", 60
);

name_id!(
    /// The name of a kind of experiment that a program brings.
    KindName, "kind's name", 40
);

/// A task's id: the digest of everything its result depends on (see [`crate::task::TaskSpec::id`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskId(pub Digest);

impl TaskId {
    /// The first ten hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TaskId {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse().map(Self)
    }
}

/// The number of an attempt at a task, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt(pub u32);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_leave_their_folder() {
        for text in ["", "..", "a/b", "../x", "a..b", "-a", ".hidden", "a b", "ä", &"x".repeat(81)] {
            assert!(SweepId::new(text).is_err(), "{text}");
        }
        for text in ["a", "homework-3f2a9c01d4", "batch-size_2.1"] {
            assert!(SweepId::new(text).is_ok(), "{text}");
        }
    }
}
