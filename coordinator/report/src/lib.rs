//! The report: tables, figures and a page, made from the store alone.
//!
//! [`write()`] gathers a sweep's results from the store ([`gather`]) and hands them to [`Results::write`], which is where to
//! start reading: tables ([`tables`]), figures ([`figures`], drawn by [`basin_charts`]), claims ([`claims`]) and the page ([`page`]) are pure
//! functions of them. Result tables and figures hold no time, host or attempt, so that the same results give the same
//! bytes; a report of a sweep that isn't done says what is missing.

mod claims;
mod duplicates;
mod exclusions;
mod figures;
mod files;
mod folder;
mod gather;
mod page;
mod projection;
mod runs;
#[cfg(test)]
mod samples;
mod statistics;
mod summary;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use basin_domain::claim::Claim;
use basin_domain::failure::Failure;
use basin_domain::figure::Figure;
use basin_domain::id::{SweepId, TaskId};
use basin_domain::sweep::SweepError;
use basin_storage::{StorageError, Store, SweepRecord};

pub use basin_charts::png::RenderError;
pub use claims::Verdict;
pub use folder::{FileSet, FolderError, OtherSweepPolicy, OutputFolder};
pub use gather::is_of_this_object;
pub use projection::{Distances, DistancesByCheck, ExcludedRun, Projection, ProjectionsByFigure, WeightPath};
pub use runs::{Counts, Run, RunState};
pub use summary::{ClaimSummary, FigureSummary, ReportSummary};

/// Why a report can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store can't be read, or doesn't have the sweep.
    #[error("the sweep's results can't be read")]
    Storage(#[from] StorageError),
    /// The stored sweep file can't be read any more: it is of another version of basin.
    #[error("the stored sweep file can't be read by this version of basin")]
    Sweep(#[from] SweepError),
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

/// What a coordinator knows beside the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The sweep's state in a word (`running`, `paused`).
    pub phase: String,
    /// The last failure of each task that has failed for good.
    pub failures: HashMap<TaskId, Failure>,
}

/// All that a report is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The sweep.
    pub sweep: SweepRecord,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// Its claims.
    pub claims: Vec<Claim>,
    /// Its tasks in plan order, with what is known of them.
    pub runs: Vec<Run>,
    /// The sweep's state in a word, if a coordinator said it.
    pub phase: Option<String>,
    /// Recorded weights, projected: what the figures of trajectories show.
    pub projections: ProjectionsByFigure,
    /// What the claims' checks of recorded weights need.
    pub distances: DistancesByCheck,
}

/// Makes the report of `sweep` in the folder `out`, from the store alone.
///
/// # Errors
/// If the store doesn't have the sweep or can't be reached, or `out` can't be written.
pub async fn write(store: &Store, sweep: &SweepId, out: &Path) -> Result<ReportSummary, ReportError> {
    write_with(store, sweep, out, None).await
}

/// Makes the report of `sweep` in the folder `out`, with what a coordinator knows beside the store: failures are named.
///
/// # Errors
/// As [`write()`].
pub async fn write_with(
    store: &Store,
    sweep: &SweepId,
    out: &Path,
    status: Option<&Status>,
) -> Result<ReportSummary, ReportError> {
    // Whose folder it is is known before anything is read.
    let folder = OutputFolder::claim(out, sweep, OtherSweepPolicy::Refuse)?;
    write_into(store, sweep, folder, status).await
}

/// Makes the report of `sweep` in its folder, with what a coordinator knows beside the store.
///
/// # Errors
/// As [`write()`].
pub async fn write_into(
    store: &Store,
    sweep: &SweepId,
    mut folder: OutputFolder,
    status: Option<&Status>,
) -> Result<ReportSummary, ReportError> {
    let results = gather::gather(store, sweep, status).await?;
    // Drawing takes seconds: not on a thread that others wait for.
    tokio::task::spawn_blocking(move || results.write_into(&mut folder)).await.unwrap_or_else(|panic| {
        std::panic::resume_unwind(panic.into_panic());
    })
}
