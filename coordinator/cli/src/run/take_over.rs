//! The state of an earlier run in the same folder, made this run's.

use basin_coordinator::service::Coordinator;
use basin_core::command::{Pause, Resume, RetryFailed};
use basin_core::view::SweepState;
use basin_domain::id::SweepId;

use crate::command_error::{CommandError, OrFail};
use crate::local_journal::end_leases;

/// Makes the state of an earlier run, killed or stopped, this run's: its leases are given back free of charge, since
/// its executors died with it, other sweeps wait, and failed tasks of this one start over.
pub(super) async fn take_over(coordinator: &Coordinator, sweep: &SweepId) -> Result<(), CommandError> {
    let what = "cannot take over the state of an earlier run";
    end_leases(coordinator, what).await?;
    let others = coordinator.ledger.view(|ledger| {
        let states = ledger.sweeps().map(|it| (it.id.clone(), it.state, it.counts.failed));
        states.collect::<Vec<_>>()
    });
    for (id, state, failed) in others.await.or_basin(what)? {
        let is_ours = id == *sweep;
        if is_ours && failed > 0 {
            coordinator.ledger.decide(RetryFailed(id.clone())).await.or_basin(what)?;
        }
        match state {
            SweepState::Running if !is_ours => coordinator.ledger.decide(Pause(id)).await.or_basin(what)?,
            SweepState::Paused if is_ours => coordinator.ledger.decide(Resume(id)).await.or_basin(what)?,
            SweepState::Running | SweepState::Paused | SweepState::Cancelled | SweepState::Done => {}
        }
    }
    Ok(())
}
