//! The tasks and sweeps that requests name.

use basin_domain::id::{SweepId, TaskId};

use crate::Ledger;
use crate::command::Refusal;
use crate::ledger::state::{Sweep, TaskIndex};

/// The task of this id.
pub(super) fn task(ledger: &Ledger, id: TaskId) -> Result<TaskIndex, Refusal> {
    ledger.find_task(&id).ok_or(Refusal::UnknownTask(id))
}

/// The launched sweep of this id.
pub(super) fn sweep<'a>(ledger: &'a Ledger, id: &SweepId) -> Result<&'a Sweep, Refusal> {
    let sweep = ledger.find_sweep(id).map(|sweep| ledger.state.sweep(sweep));
    sweep.filter(|sweep| sweep.is_launched()).ok_or_else(|| Refusal::UnknownSweep(id.clone()))
}
