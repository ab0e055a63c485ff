//! `basin pause`, `resume`, `cancel`, `retry`, `drain`.

use basin_board::words::steering::{SteeredSweep, steered};
use basin_coordinator::client::Client;
use basin_domain::escape::line;
pub(super) use basin_proto::v1::Steering;

use super::arguments::{Drain, SweepArguments};
use super::command_error::CommandResult;
use super::failures::call_failed;
use super::output::Output;
use super::sweep_text::{describe, summary_value};

/// Steers a sweep and says how it stands now.
pub(super) async fn steer(arguments: SweepArguments, steering: Steering, output: Output) -> CommandResult {
    let client = Client::new(&arguments.remote.dial()?).map_err(call_failed)?;
    let steered = steered(&client, &arguments.sweep, steering).await.map_err(call_failed)?;
    let SteeredSweep { outcome, now } = steered;
    let mut value = summary_value(&now);
    value["changed"] = outcome.changed.into();
    value["outcome"] = outcome.sentence.as_str().into();
    value["next"] = outcome.next.as_deref().into();
    output.result(&value, &format!("{}\n{}", line(&outcome.sentence), describe(&now)))?;
    if let Some(next) = &outcome.next {
        output.say(next);
    }
    Ok(())
}

/// Lets a worker leave.
pub(super) async fn drain(arguments: Drain, output: Output) -> CommandResult {
    let client = Client::new(&arguments.remote.dial()?).map_err(call_failed)?;
    let drained = client.drain(&arguments.worker).await.map_err(call_failed)?;
    let value = serde_json::json!({ "worker": drained, "draining": true });
    output.result(&value, &draining(&drained))
}

/// That a worker leaves, in a line.
pub(super) fn draining(worker: &str) -> String {
    format!("{} is draining", line(worker))
}
