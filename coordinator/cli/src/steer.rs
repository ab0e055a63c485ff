//! `basin pause`, `resume`, `cancel`, `retry`, `drain`.

use basin_domain::escape::line;
pub(super) use basin_proto::v1::Steering;

use super::arguments::{Drain, SweepArguments};
use super::command_error::CommandResult;
use super::failures::call_failed;
use super::output::Output;
use super::sweep_text::{describe, summary_value};
use basin_coordinator::client::Client;

/// Steers a sweep and says how it stands now.
pub(super) async fn steer(arguments: SweepArguments, steering: Steering, output: Output) -> CommandResult {
    let client = Client::new(&arguments.remote.dial()?).map_err(call_failed)?;
    let summary = client.steer(&arguments.sweep, steering).await.map_err(call_failed)?;
    output.result(&summary_value(&summary), &describe(&summary))
}

/// Lets a worker leave.
pub(super) async fn drain(arguments: Drain, output: Output) -> CommandResult {
    let client = Client::new(&arguments.remote.dial()?).map_err(call_failed)?;
    let drained = client.drain(&arguments.worker).await.map_err(call_failed)?;
    let value = serde_json::json!({ "worker": drained, "draining": true });
    output.result(&value, &format!("{} is draining", line(&drained)))
}
