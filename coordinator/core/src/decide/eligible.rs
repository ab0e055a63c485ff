//! The experiments of a sweep that a worker may be given tasks of.

use crate::Ledger;
use crate::command::WorkerDescription;
use crate::ledger::state::SweepIndex;

/// The experiments of a sweep that have tasks in the queue and whose needs a worker meets.
pub(super) enum Eligible {
    All,
    /// By the experiments' numbers.
    Some(Vec<bool>),
}

impl Eligible {
    /// None if there is none.
    pub(super) fn of(ledger: &Ledger, sweep: SweepIndex, worker: &WorkerDescription) -> Option<Self> {
        if ledger.state.sweep(sweep).needs.is_empty() {
            return Some(Self::All);
        }
        let met: Vec<bool> = ledger.eligible_experiments(sweep, worker).collect();
        met.contains(&true).then_some(Self::Some(met))
    }

    pub(super) fn has(&self, experiment: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(met) => met[experiment as usize],
        }
    }
}
