//! Why a report, or a part of it, can't be made.

use std::io;
use std::path::PathBuf;

use basin_charts::png::RenderError;
use basin_domain::sweep::SweepErrors;
use basin_storage::StorageError;

use super::folder::FolderError;

/// Why a report can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store can't be read, or doesn't have the sweep.
    #[error("the sweep's results can't be read")]
    Storage(#[from] StorageError),
    /// The stored sweep file can't be read any more: it is of another version of basin.
    #[error("the stored sweep file can't be read by this version of basin")]
    Sweep(#[from] SweepErrors),
    /// The folder for the report can't take it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file of the report can't be written.
    #[error("{} can't be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A figure can't be made a picture.
    #[error("figure {figure} can't be drawn")]
    Render {
        /// The figure.
        figure: String,
        /// Why.
        #[source]
        source: RenderError,
    },
}

/// Whether an error is about one object rather than about the store.
pub fn is_of_this_object(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Corrupt { .. } | StorageError::NotFound { .. } | StorageError::MissingArtifact { .. }
    )
}
