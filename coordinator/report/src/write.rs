//! Makes a report from the store.

use std::path::Path;

use basin_domain::id::SweepId;
use basin_storage::Store;

use super::error::ReportError;
use super::folder::{OtherSweepPolicy, OutputFolder};
use super::gather;
use super::results::Status;
use super::summary::ReportSummary;

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
