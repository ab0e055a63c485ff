//! What people ask of sweeps and workers.

use std::collections::BTreeSet;

use basin_domain::id::{SweepId, WorkerId};
use basin_domain::scheduling::SchedulingChange;

use super::{Decision, nothing_to_do};
use crate::Ledger;
use crate::command::{Refusal, Reply};
use crate::event::Change;
use crate::ledger::state::{Sweep, SweepStatus, TaskStage};

pub(super) fn adjust(ledger: &Ledger, id: SweepId, by: SchedulingChange) -> Decision {
    let share = find(ledger, &id)?.share;
    let adjusted = share.changed(by);
    if adjusted == share {
        return nothing_to_do();
    }
    Ok((vec![Change::Adjusted { sweep: id, share: adjusted }], Reply::Done))
}

pub(super) fn pause(ledger: &Ledger, id: SweepId) -> Decision {
    match find(ledger, &id)?.status {
        SweepStatus::Running => Ok((vec![Change::Paused(id)], Reply::Done)),
        SweepStatus::Launching | SweepStatus::Paused | SweepStatus::Cancelled => nothing_to_do(),
    }
}

pub(super) fn resume(ledger: &Ledger, id: SweepId) -> Decision {
    match find(ledger, &id)?.status {
        SweepStatus::Paused => Ok((vec![Change::Resumed(id)], Reply::Done)),
        SweepStatus::Launching | SweepStatus::Running | SweepStatus::Cancelled => nothing_to_do(),
    }
}

pub(super) fn cancel(ledger: &Ledger, id: SweepId) -> Decision {
    // A sweep that is over can't be ended, and one that was cancelled has its end too.
    if find(ledger, &id)?.finished_at.is_some() {
        return nothing_to_do();
    }
    Ok((vec![Change::Cancelled(id)], Reply::Done))
}

pub(super) fn retry_failed(ledger: &Ledger, id: SweepId) -> Decision {
    let sweep = find(ledger, &id)?;
    let mut met = BTreeSet::new();
    let tasks: Vec<_> = sweep
        .entries
        .iter()
        .filter(|entry| met.insert(entry.task))
        .map(|entry| ledger.state.task(entry.task))
        .filter(|task| matches!(task.stage, TaskStage::Failed(_)))
        .map(|task| task.id)
        .collect();
    if tasks.is_empty() {
        return nothing_to_do();
    }
    Ok((vec![Change::Retried { sweep: id, tasks }], Reply::Done))
}

pub(super) fn drain(ledger: &Ledger, worker: WorkerId) -> Decision {
    if ledger.is_draining(&worker) {
        return nothing_to_do();
    }
    let is_known = ledger.heartbeats.contains_key(&worker)
        || ledger.index.held.contains_key(&worker)
        || ledger.state.workers.contains_key(&worker);
    if !is_known {
        return Err(Refusal::UnknownWorker(worker));
    }
    Ok((vec![Change::Drained(worker)], Reply::Done))
}

fn find<'a>(ledger: &'a Ledger, id: &SweepId) -> Result<&'a Sweep, Refusal> {
    let sweep = ledger.find_sweep(id).map(|sweep| ledger.state.sweep(sweep));
    sweep.filter(|sweep| sweep.is_launched()).ok_or_else(|| Refusal::UnknownSweep(id.clone()))
}
