//! Time passes, and processes end and start.

use std::time::Duration;

use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use super::request::{Decided, Decision, Request, done};
use crate::Ledger;
use crate::command::{Exited, ExpiredLease, Restarted, Tick};
use crate::event::Change;

/// A worker that holds nothing and wasn't heard for this long is forgotten, and the failures that counted against it.
pub(super) const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Request for Tick {
    type Reply = Vec<ExpiredLease>;

    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<Vec<ExpiredLease>> {
        let expired =
            |lease: &LeaseId| ExpiredLease { lease: lease.clone(), tasks: undecided(ledger, lease) };
        // Those that ended earlier and are undecided still are named again: the caller may have restarted since.
        let mut reply: Vec<_> = ledger.index.ended.iter().map(expired).collect();
        let mut changes = Vec::new();
        for (_, lease) in ledger.index.expiries.iter().take_while(|(expires, _)| *expires <= now) {
            changes.push(Change::Expired { lease: lease.clone() });
            reply.push(expired(lease));
        }
        changes.extend(silent_workers(ledger, now).map(|worker| Change::Forgotten(worker.clone())));
        Ok(Decided { changes, reply })
    }
}

impl Request for Exited {
    type Reply = ();

    /// A worker's leases end with its process; whether its tasks were committed the store must be asked.
    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let Self(worker) = self;
        let held = ledger.index.held.get(&worker).into_iter().flatten();
        let live = held.filter(|lease| ledger.state.leases[*lease].is_live());
        let mut changes: Vec<Change> = live.map(|lease| Change::Expired { lease: lease.clone() }).collect();
        let is_news = !changes.is_empty() || ledger.heartbeats.contains_key(&worker);
        if is_news && !ledger.has_exited(&worker) {
            changes.push(Change::Exited(worker));
        }
        done(changes)
    }
}

impl Request for Restarted {
    type Reply = ();

    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<()> {
        done(vec![Change::Restarted { expires: now + ledger.policy().lease_duration }])
    }
}

fn undecided(ledger: &Ledger, lease: &LeaseId) -> Vec<TaskId> {
    ledger.state.leases[lease].tasks.iter().map(|task| ledger.state.task(*task).id).collect()
}

fn silent_workers(ledger: &Ledger, now: Timestamp) -> impl Iterator<Item = &WorkerId> {
    let heard = ledger.heartbeats.iter().map(|(worker, heartbeat)| (worker, heartbeat.last_seen));
    let unheard = ledger.state.workers.iter().filter(|(worker, _)| !ledger.heartbeats.contains_key(*worker));
    heard
        .chain(unheard.map(|(worker, health)| (worker, health.since)))
        .filter(move |(worker, last)| now - *last >= FORGET_AFTER && !ledger.index.held.contains_key(*worker))
        .map(|(worker, _)| worker)
}
