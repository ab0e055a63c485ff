//! The faults of a data set.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data set can't be imported, made or opened.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The name is none that Basin knows.
    #[error("there is no data set `{name}`; known are {}", basin_domain::data::KNOWN.join(", "))]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// The data set is generated, so there is nothing to import.
    #[error("`{name}` is made by basin itself and needs no import")]
    BuiltIn {
        /// The data set.
        name: String,
    },
    /// The data set must be imported, since there is no recipe that makes it.
    #[error("`{name}` can't be generated; import it from its files")]
    NotBuiltIn {
        /// The data set.
        name: String,
    },
    /// None of the files that a data set may consist of was found.
    #[error("no {name} at {}: looked for {}", .at.display(), .looked_for.join(", "))]
    NotFound {
        /// The data set.
        name: &'static str,
        /// Where it was looked for.
        at: PathBuf,
        /// The names that were looked for.
        looked_for: Vec<String>,
    },
    /// A file or archive lacks a part that it must have.
    #[error("{} lacks {missing}", .path.display())]
    Incomplete {
        /// The folder or archive.
        path: PathBuf,
        /// The part that isn't there.
        missing: String,
    },
    /// A file that is shorter or longer than what it says it holds.
    #[error("{place} holds {found} bytes where {expected} are expected")]
    WrongSize {
        /// The file, and the part of it where that matters.
        place: String,
        /// The bytes that were expected.
        expected: u64,
        /// The bytes that are there.
        found: u64,
    },
    /// A file that doesn't start as its format does.
    #[error("{} is no {expected} file: it starts with {found:02x?}", .path.display())]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// The format that it should have.
        expected: &'static str,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// A label that names no class.
    #[error("{place}: label {label} is out of range: there are {classes} classes")]
    LabelOutOfRange {
        /// The file and example.
        place: String,
        /// The label.
        label: i64,
        /// The number of classes.
        classes: usize,
    },
    /// An encoded image that can't be decoded, or has another shape than its data set's images.
    #[error("{place}: {reason}")]
    BadImage {
        /// The file and row.
        place: String,
        /// The fault.
        reason: String,
    },
    /// A table that isn't laid out as expected.
    #[error("{}: {reason}", .path.display())]
    BadTable {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A decoded data set (`data.basin`) that is damaged or of another version.
    #[error("{} is no usable decoded data set: {reason}; import or fetch it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A Parquet file that can't be read.
    #[error("cannot read {} as Parquet", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that can't be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file that can't be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl DatasetError {
    /// For `map_err`: `path` can't be read.
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    /// For `map_err`: `path` can't be written.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
