//! `basin slurm down`: the jobs of a name end.

use super::super::arguments::Down;
use super::super::command_error::CommandResult;
use super::super::failures::slurm_failed;
use super::super::output::Output;
use super::engine::{JobId, JobState, SlurmCli};

/// Lets workers leave, or ends them at once; takes back what is pending.
pub(super) async fn down(arguments: Down, output: Output) -> CommandResult {
    let engine = SlurmCli;
    let jobs = engine.jobs(&arguments.name).await.map_err(slurm_failed)?;
    let of = |state: JobState| -> Vec<JobId> {
        jobs.iter().filter(|job| job.state == state).map(|job| job.id).collect()
    };
    let (pending, running) = (of(JobState::Pending), of(JobState::Running));
    engine.cancel_pending(&pending).await.map_err(slurm_failed)?;
    let told =
        if arguments.now { engine.end(&running).await } else { engine.signal_to_leave(&running).await };
    told.map_err(slurm_failed)?;
    let numbers = |jobs: &[JobId]| jobs.iter().map(|id| id.0).collect::<Vec<_>>();
    let value = serde_json::json!({ "cancelled": numbers(&pending), "leaving": numbers(&running) });
    let how = if arguments.now { "ended" } else { "told to leave" };
    output.result(
        &value,
        &format!("{} pending jobs taken back, {} running ones {how}", pending.len(), running.len()),
    )
}
