//! `basin adjust`: which sweeps come first, and how many slots of workers each may take.

use basin_domain::scheduling::SchedulingChange;

use super::arguments::{Adjust, Quota};
use super::command_error::CommandResult;
use super::failures::call_failed;
use super::output::Output;
use super::sweep_text::{describe, summary_value};
use basin_coordinator::client::Client;

impl From<Quota> for SchedulingChange {
    fn from(Quota { priority, max_slots }: Quota) -> Self {
        Self { priority, max_slots }
    }
}

/// Changes a sweep's quota and says how it stands now.
pub(super) async fn adjust(arguments: Adjust, output: Output) -> CommandResult {
    let client = Client::new(&arguments.sweep.remote.dial()?).map_err(call_failed)?;
    let adjusted = client.adjust(&arguments.sweep.sweep, arguments.quota.into()).await;
    let summary = adjusted.map_err(call_failed)?;
    output.result(&summary_value(&summary), &describe(&summary))
}
