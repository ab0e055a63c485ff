//! A sweep that is over leaves the ledger.

use std::collections::BTreeSet;

use basin_domain::time::Timestamp;

use super::request::{Decided, Decision, Request};
use crate::Ledger;
use crate::command::{Forget, ForgetReply, Refusal};
use crate::event::Change;
use crate::ledger::state::{SweepIndex, TaskIndex};

impl Request for Forget {
    type Reply = ForgetReply;

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<ForgetReply> {
        let Self(id) = self;
        let Some(index) = ledger.find_sweep(&id) else {
            return match ledger.was_forgotten(&id) {
                true => Ok(Decided { changes: Vec::new(), reply: ForgetReply { tasks: 0 } }),
                false => Err(Refusal::UnknownSweep(id)),
            };
        };
        let sweep = ledger.state.sweep(index);
        // One whose launch was broken off has begun nothing.
        if sweep.is_launched() && sweep.finished_at.is_none() {
            return Err(Refusal::NotOver(id));
        }
        let tasks = being_stopped(ledger, index);
        if tasks > 0 {
            return Err(Refusal::StillStopping { sweep: id, tasks });
        }
        let reply = ForgetReply { tasks: sweep.entries.len() as u64 };
        Ok(Decided { changes: vec![Change::SweepForgotten(id)], reply })
    }
}

/// How many tasks are under a lease that was granted on the sweep's turn, or that no other sweep lists.
fn being_stopped(ledger: &Ledger, sweep: SweepIndex) -> u64 {
    let on_its_turn = ledger.state.leases.values().filter(|lease| lease.sweep == Some(sweep));
    let on_its_turn = on_its_turn.flat_map(|lease| &lease.tasks).copied();
    let is_only_its =
        |task: &TaskIndex| ledger.index.links(*task).memberships.iter().all(|of| of.sweep == sweep);
    let leased = ledger.index.tallies[sweep.get()].leased.iter().map(|(_, task)| *task);
    on_its_turn.chain(leased.filter(is_only_its)).collect::<BTreeSet<_>>().len() as u64
}
