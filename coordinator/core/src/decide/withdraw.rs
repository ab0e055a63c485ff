//! Commits are withdrawn: something of them is damaged, and their tasks run again.

use std::collections::BTreeSet;

use basin_domain::time::Timestamp;

use super::find;
use super::request::{Decision, Request, done};
use crate::Ledger;
use crate::command::{Refusal, Withdraw};
use crate::event::{Change, FinalReason};
use crate::ledger::state::TaskStage;

impl Request for Withdraw {
    type Reply = ();

    /// The store has withdrawn these commits before this is asked, so that nobody finds them there any more.
    ///
    /// Each is remembered whether or not the ledger has it as the task's: who has read it in the store a moment ago may bring
    /// it yet, and it isn't taken. Asked twice, it is done once.
    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let Self { sweep, commits } = self;
        let asked = match &sweep {
            Some(id) => Some(ledger.find_sweep(id).ok_or_else(|| Refusal::UnknownSweep(id.clone()))?),
            None => None,
        };
        let mut changes = Vec::new();
        let mut met = BTreeSet::new();
        for commit in commits {
            let task = find::task(ledger, commit.task)?;
            let is_known = ledger.state.task(task).withdrawn.contains(&commit.lease);
            if !is_known && met.insert((task, commit.lease.clone())) {
                changes.push(Change::Withdrawn(commit));
            }
        }
        let entries = asked.into_iter().flat_map(|sweep| &ledger.state.sweep(sweep).entries);
        let failed: BTreeSet<_> = entries
            .map(|entry| entry.task)
            .filter(|task| ledger.state.task(*task).stage == TaskStage::Failed(FinalReason::Damaged))
            .collect();
        if let Some(sweep) = sweep.filter(|_| !failed.is_empty()) {
            let tasks = failed.into_iter().map(|task| ledger.state.task(task).id).collect();
            changes.push(Change::Retried { sweep, tasks });
        }
        done(changes)
    }
}
