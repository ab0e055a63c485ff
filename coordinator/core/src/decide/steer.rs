//! People change the course of sweeps and workers.

use std::collections::BTreeSet;

use basin_domain::time::Timestamp;

use super::find;
use super::request::{Decision, Request, done, nothing_to_do};
use crate::Ledger;
use crate::command::{Adjust, Cancel, Drain, Pause, Refusal, Resume, RetryFailed};
use crate::event::Change;
use crate::ledger::state::{SweepStatus, TaskStage};

impl Request for Adjust {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let Self { sweep, adjustment } = self;
        let share = find::sweep(ledger, &sweep)?.share;
        let adjusted = share.changed(adjustment);
        if adjusted == share {
            return nothing_to_do();
        }
        done(vec![Change::Adjusted { sweep, share: adjusted }])
    }
}

impl Request for Pause {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        match find::sweep(ledger, &self.0)?.status {
            SweepStatus::Running => done(vec![Change::Paused(self.0)]),
            SweepStatus::Launching | SweepStatus::Paused | SweepStatus::Cancelled => nothing_to_do(),
        }
    }
}

impl Request for Resume {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        match find::sweep(ledger, &self.0)?.status {
            SweepStatus::Paused => done(vec![Change::Resumed(self.0)]),
            SweepStatus::Launching | SweepStatus::Running | SweepStatus::Cancelled => nothing_to_do(),
        }
    }
}

impl Request for Cancel {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        // A sweep that is over can't be ended, and one that was cancelled has its end too.
        match find::sweep(ledger, &self.0)?.finished_at {
            Some(_) => nothing_to_do(),
            None => done(vec![Change::Cancelled(self.0)]),
        }
    }
}

impl Request for RetryFailed {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let mut met = BTreeSet::new();
        let tasks: Vec<_> = find::sweep(ledger, &self.0)?
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
        done(vec![Change::Retried { sweep: self.0, tasks }])
    }
}

impl Request for Drain {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let Self(worker) = self;
        if ledger.is_draining(&worker) {
            return nothing_to_do();
        }
        let is_known = ledger.heartbeats.contains_key(&worker)
            || ledger.index.held.contains_key(&worker)
            || ledger.state.workers.contains_key(&worker);
        if !is_known {
            return Err(Refusal::UnknownWorker(worker));
        }
        done(vec![Change::Drained(worker)])
    }
}
