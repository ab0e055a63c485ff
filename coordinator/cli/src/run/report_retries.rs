//! The report of a run: what was trained for hours isn't left without one because the store is away for a minute.

use std::time::Duration;

use basin_domain::id::SweepId;
use basin_report::{OutputFolder, ReportError, ReportSummary, Status, write_into};
use basin_storage::Store;
use tokio_util::sync::CancellationToken;

use crate::command_error::CommandError;
use crate::failures::report_failed;
use crate::output::Output;
use crate::report;

/// The pause before a report is tried again whose store was away.
const REPORT_PAUSE: Duration = Duration::from_secs(5);

/// Makes the report, again and again while the store is away.
pub(super) async fn report_with_retries(
    store: &Store,
    sweep: &SweepId,
    folder: OutputFolder,
    status: &Status,
    shutdown: &CancellationToken,
    output: Output,
) -> Result<ReportSummary, CommandError> {
    let out = folder.path().to_owned();
    let mut claimed = Some(folder);
    loop {
        // After a try that failed it is this sweep's folder already.
        let folder = match claimed.take() {
            Some(folder) => folder,
            None => report::claim_folder(&out, sweep, false)?,
        };
        let error = match write_into(store, sweep, folder, Some(status)).await {
            Ok(summary) => return Ok(summary),
            Err(error) => error,
        };
        let outage = match &error {
            ReportError::Storage(error) => error.outage(),
            ReportError::Sweep(_)
            | ReportError::Folder(_)
            | ReportError::File { .. }
            | ReportError::Render { .. } => None,
        };
        let Some(outage) = outage else { return Err(report_failed(error, sweep, &out)) };
        output.say(&format!("the report waits: {} ({})", outage.kind.description(), outage.message));
        tokio::select! {
            () = tokio::time::sleep(REPORT_PAUSE) => {}
            () = shutdown.cancelled() => {
                return Err(CommandError::input(anyhow::anyhow!("{sweep} was stopped before its report; all else is done"))
                    .hint(format!("`basin report {sweep}` makes it")));
            }
        }
    }
}
