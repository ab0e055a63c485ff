//! Why a folder can't take a report.

use std::io;
use std::path::{Path, PathBuf};

use basin_domain::id::SweepId;

/// Why a folder can't take a report.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There are files in it, and nothing says that they are Basin's.
    #[error("{} isn't empty, and isn't Basin's: it has `{file}`", path.display())]
    ForeignFiles {
        /// The folder.
        path: PathBuf,
        /// One of the files.
        file: String,
    },
    /// It is another sweep's.
    #[error("{} holds the results of another sweep, {sweep}", path.display())]
    OtherSweep {
        /// The folder.
        path: PathBuf,
        /// The sweep whose it is.
        sweep: SweepId,
    },
    /// Something is where a file is to be written, and Basin didn't write it.
    #[error("{} is in the way: Basin didn't write it", path.display())]
    FileConflict {
        /// The file.
        path: PathBuf,
    },
    /// The marker that says whose the folder is is damaged.
    #[error("{} doesn't say whose folder this is: {why}", path.display())]
    Marker {
        /// The marker.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// A file can't be read, written or removed.
    #[error("{} can't be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// For `map_err`: `path` can't be read or written.
pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |source| FolderError::File { path: path.to_owned(), source }
}
