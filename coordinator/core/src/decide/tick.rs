//! Time passes.

use std::time::Duration;

use basin_domain::id::{LeaseId, TaskId, WorkerId};
use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::Reply;
use crate::event::Change;

/// A worker that holds nothing and wasn't heard for this long is forgotten, and what was held against it.
pub(super) const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn tick(ledger: &Ledger, now: Timestamp) -> (Vec<Change>, Reply) {
    let mut changes = Vec::new();
    let mut expired: Vec<(LeaseId, Vec<TaskId>)> = Vec::new();
    // What ended earlier and is undecided still is told again: the caller may have restarted since.
    expired.extend(ledger.index.ended.iter().map(|lease| (lease.clone(), undecided(ledger, lease))));
    for (_, lease) in ledger.index.expiries.iter().take_while(|(expires, _)| *expires <= now) {
        changes.push(Change::Expired { lease: lease.clone() });
        expired.push((lease.clone(), undecided(ledger, lease)));
    }
    changes.extend(silent_workers(ledger, now).map(|worker| Change::Forgotten(worker.clone())));
    (changes, Reply::Ticked { expired })
}

/// What is known of a worker whose process has ended ends with it; whether its tasks were committed the store must be asked.
pub(super) fn exited(ledger: &Ledger, worker: WorkerId) -> (Vec<Change>, Reply) {
    let held = ledger.index.held.get(&worker).into_iter().flatten();
    let live = held.filter(|lease| ledger.state.leases[*lease].is_live());
    let mut changes: Vec<Change> = live.map(|lease| Change::Expired { lease: lease.clone() }).collect();
    let is_news = !changes.is_empty() || ledger.heartbeats.contains_key(&worker);
    if is_news && !ledger.has_exited(&worker) {
        changes.push(Change::Exited(worker));
    }
    (changes, Reply::Done)
}

pub(super) fn restarted(ledger: &Ledger, now: Timestamp) -> (Vec<Change>, Reply) {
    (vec![Change::Restarted { expires: now + ledger.policy().lease_duration }], Reply::Done)
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
