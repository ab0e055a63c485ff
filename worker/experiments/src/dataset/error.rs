//! The faults of a data set.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data set can't be imported, made or opened.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The names of the classes don't fit into a decoded file.
    #[error("the names of its {classes} classes take more than 64 KiB together")]
    TooManyNames {
        /// The number of classes.
        classes: usize,
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
        name: String,
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
    /// Python's pickles.
    #[error(
        "{} holds Python's pickles, which can run any program when they are read; take the binary version \
         (cifar-10-binary.tar.gz, cifar-100-binary.tar.gz) or the Parquet files instead",
        .path.display()
    )]
    Pickle {
        /// The folder.
        path: PathBuf,
    },
    /// A table of which it isn't said what is to be learnt.
    #[error("{}: what is to be learnt isn't named; its columns are {}", .path.display(), .columns.join(", "))]
    UnnamedTarget {
        /// The file.
        path: PathBuf,
        /// Its columns.
        columns: Vec<String>,
    },
    /// A column of a table that should hold numbers.
    #[error("{}: the column `{column}` has what is no number (`{found}`)", .path.display())]
    NoNumber {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The first of it that is none.
        found: String,
    },
    /// A row of a table without a value in some column.
    #[error("{}: the column `{column}` has no value in row {row}", .path.display())]
    MissingValue {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 0 on.
        row: usize,
    },
    /// A column of a table that holds neither numbers nor words.
    #[error("{}: the column `{column}` is of {found}, neither numbers nor words", .path.display())]
    UnusableColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type of its entries, as Arrow calls it.
        found: String,
    },
    /// A file that has no column of images, or of classes, by the names that are looked for.
    #[error("{}: it has no column of {content}; there are {}", .path.display(), .columns.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The content that was looked for.
        content: ColumnContent,
        /// Its columns.
        columns: Vec<String>,
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

/// What a column of a file of images holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnContent {
    /// Images.
    Images,
    /// Their classes.
    Classes,
}

impl std::fmt::Display for ColumnContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Images => "images",
            Self::Classes => "classes",
        })
    }
}
