//! `basin pause`, `resume`, `cancel`, `retry`, `drain`.

mod outcome;

use basin_domain::escape::line;
use basin_proto::codes::Coded;
use basin_proto::v1;
pub(super) use basin_proto::v1::Steering;

use self::outcome::SteeringOutcome;
use super::arguments::{Drain, SweepArguments};
use super::command_error::CommandResult;
use super::failures::call_failed;
use super::output::Output;
use super::sweep_text::{describe, summary_value};
use basin_coordinator::client::{CallError, Client};

/// A sweep that was steered.
pub(super) struct SteeredSweep {
    outcome: SteeringOutcome,
    now: v1::SweepSummary,
}

impl SteeredSweep {
    /// What came of it, in a line.
    pub(super) fn line(&self) -> String {
        let SteeringOutcome { sentence, next, .. } = &self.outcome;
        let next = next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
        line(&format!("{sentence}{next}")).into_owned()
    }
}

/// Steers a sweep.
pub(super) async fn steered(
    client: &Client,
    sweep: &str,
    steering: Steering,
) -> Result<SteeredSweep, CallError> {
    let found = client.sweep(sweep).await?;
    let hopeless = found.failed.iter().filter(|task| is_hopeless(task)).count() as u64;
    let before = found.sweep.unwrap_or_default();
    // By its id: a sweep of this name may be launched meanwhile.
    let now = client.steer(&before.sweep_id, steering).await?;
    Ok(SteeredSweep { outcome: SteeringOutcome::of(steering, &before, &now, hopeless), now })
}

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

/// Whether another try at a failed task would end as the first did.
fn is_hopeless(task: &v1::FailedTask) -> bool {
    let kind = v1::FailureKind::read(task.kind_code, &task.kind);
    matches!(kind, Some(v1::FailureKind::InvalidParameters | v1::FailureKind::Damaged))
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
