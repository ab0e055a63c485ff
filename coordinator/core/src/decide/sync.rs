//! A worker says what it is and holds, and hears what it should do.

use std::collections::BTreeSet;

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::time::Timestamp;

use super::fair_queue::FairQueue;
use super::request::{Decided, Decision, Request};
use crate::Ledger;
use crate::command::{Grant, LeasedTask, Progress, Refusal, RevocationReason, Sync, Synced};
use crate::event::{Change, Granted, HeartbeatReceived};
use crate::ledger::state::{Lease, SweepStatus};

/// The most leases that a worker may say it holds.
const MOST_HELD: usize = 4096;
/// The most workers that are known at a time.
const MOST_WORKERS: usize = 16_384;

impl Request for Sync {
    type Reply = Synced;

    fn decide(self, ledger: &Ledger, now: Timestamp) -> Decision<Synced> {
        check_size(ledger, &self)?;
        let expires = now + ledger.policy().lease_duration;
        let mut synced = Synced { answer: next_answer(ledger, now, &self), ..Synced::default() };
        let mut progress = Vec::new();
        let mut said = BTreeSet::new();
        for holds in self.holds.iter().filter(|holds| said.insert(&holds.lease)) {
            let lease = ledger.state.leases.get(&holds.lease).filter(|lease| lease.worker == self.worker);
            let Some(lease) = lease.filter(|lease| lease.is_live()) else {
                synced.stop.push((holds.lease.clone(), RevocationReason::Lost));
                continue;
            };
            progress.extend(progress_under(ledger, lease, &holds.progress));
            synced.renewed.push((holds.lease.clone(), expires));
            if !lease.tasks.iter().any(|task| ledger.index.is_wanted(&ledger.state, *task)) {
                synced.stop.push((holds.lease.clone(), RevocationReason::Cancelled));
            }
        }
        let mut changes = answer_unheld(ledger, &self, &said, expires, &mut synced.grants);
        let renewed = synced.renewed.iter().map(|(lease, _)| lease);
        let renewed = renewed.chain(synced.grants.iter().map(|again| &again.lease)).cloned().collect();
        // One that was seen to end and speaks all the same gets nothing more: it may be what was on its way.
        synced.drain = self.draining || ledger.is_draining(&self.worker) || ledger.has_exited(&self.worker);
        if !synced.drain && may_get_more(ledger, now, &self) {
            changes.extend(grant_new(ledger, now, &self, expires, &mut synced));
        }
        synced.idle = synced.grants.is_empty() && said.is_empty() && !has_more_to_come(ledger);
        let heard = HeartbeatReceived {
            worker: self.worker.clone(),
            description: is_described_anew(ledger, &self).then(|| self.description.clone()),
            draining: self.draining,
            answer: synced.answer,
            renewed,
            expires,
            progress,
            waiting: self.waiting.clone(),
        };
        changes.insert(0, Change::HeartbeatReceived(heard));
        Ok(Decided { changes, reply: synced })
    }
}

/// The end, or another grant, of the worker's leases that it doesn't say it holds.
fn answer_unheld(
    ledger: &Ledger,
    sync: &Sync,
    said: &BTreeSet<&LeaseId>,
    expires: Timestamp,
    grants: &mut Vec<Grant>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let held = ledger.index.held.get(&sync.worker).into_iter().flatten();
    for (id, lease) in held.map(|id| (id, &ledger.state.leases[id])) {
        if !lease.is_live() || said.contains(id) {
            continue;
        }
        if lease.answer <= sync.seen {
            // It had the lease and has it no more.
            changes.push(Change::Expired { lease: id.clone() });
        } else if sync.draining {
            // It never learned of the lease and wants no more: nothing was begun.
            changes.extend(lease.tasks.iter().map(|task| Change::Released {
                lease: id.clone(),
                task: ledger.state.task(*task).id,
                reason: ReleaseReason::Drain,
            }));
        } else {
            grants.push(grant_again(ledger, id, lease, expires));
        }
    }
    changes
}

fn check_size(ledger: &Ledger, sync: &Sync) -> Result<(), Refusal> {
    let too_many = |what, asked: usize, limit: usize| {
        Err(Refusal::TooMany { what, asked: asked as u64, limit: limit as u64 })
    };
    if sync.holds.len() > MOST_HELD {
        return too_many("leases of one worker", sync.holds.len(), MOST_HELD);
    }
    let workers = ledger.heartbeats.len();
    if workers >= MOST_WORKERS && !ledger.heartbeats.contains_key(&sync.worker) {
        return too_many("workers", workers + 1, MOST_WORKERS);
    }
    Ok(())
}

/// A number above every one that the worker has seen, and above those of answers that it hasn't. Since earlier answers may
/// be forgotten in a restart, the time carries it on.
fn next_answer(ledger: &Ledger, now: Timestamp, sync: &Sync) -> u64 {
    let last = ledger.heartbeats.get(&sync.worker).map_or(0, |heartbeat| heartbeat.answer);
    let granted = ledger.index.held.get(&sync.worker).into_iter().flatten();
    let granted = granted.map(|lease| ledger.state.leases[lease].answer).max().unwrap_or(0);
    last.max(granted).max(sync.seen).saturating_add(1).max(now.0)
}

fn is_described_anew(ledger: &Ledger, sync: &Sync) -> bool {
    ledger.heartbeats.get(&sync.worker).is_none_or(|heartbeat| heartbeat.description != sync.description)
}

/// The progress of tasks that the lease covers and that aren't settled.
fn progress_under<'a>(
    ledger: &'a Ledger,
    lease: &'a Lease,
    said: &'a [(TaskId, Progress)],
) -> impl Iterator<Item = (TaskId, Progress)> + 'a {
    said.iter()
        .filter(|(id, _)| ledger.find_task(id).is_some_and(|task| lease.tasks.contains(&task)))
        .copied()
}

/// The same lease again, for a worker that never got the answer that granted it.
fn grant_again(ledger: &Ledger, id: &LeaseId, lease: &Lease, expires: Timestamp) -> Grant {
    let tasks = lease.tasks.iter().map(|&task| {
        let record = ledger.state.task(task);
        LeasedTask { id: record.id, attempt: record.attempt(), spec: ledger.spec(task) }
    });
    Grant { lease: id.clone(), expires, tasks: tasks.collect() }
}

/// Whether a worker that stays may be given more.
fn may_get_more(ledger: &Ledger, now: Timestamp, sync: &Sync) -> bool {
    // The only worker there is gets work, whatever it did: it may have been the store.
    let is_passed_over =
        ledger.is_avoided(&sync.worker, now) && ledger.has_another_able_worker(&sync.worker, now);
    // More results it would only have to hold too.
    !is_passed_over && sync.waiting.is_none()
}

/// The slots that granting again has left: what the worker says, and no more than it has beside the leases that go on. A worker
/// that says nothing of its slots is believed.
fn free_slots(sync: &Sync, synced: &Synced) -> usize {
    let free = (sync.free_slots as usize).saturating_sub(synced.grants.len());
    if sync.description.slots == 0 {
        return free;
    }
    let taken = synced.renewed.len() + synced.grants.len();
    free.min((sync.description.slots as usize).saturating_sub(taken))
}

/// New leases for the free slots that granting again has left.
fn grant_new(
    ledger: &Ledger,
    now: Timestamp,
    sync: &Sync,
    expires: Timestamp,
    synced: &mut Synced,
) -> Vec<Change> {
    let free = free_slots(sync, synced);
    if free == 0 {
        return Vec::new();
    }
    let mut used = BTreeSet::new();
    let fresh = sync.fresh.iter().filter(|id| !ledger.state.leases.contains_key(*id) && used.insert(*id));
    let mut queue = FairQueue::of(ledger, now, sync);
    let mut changes = Vec::new();
    for id in fresh.take(free) {
        let Some((sweep, pack)) = queue.next() else { break };
        let tasks: Vec<_> = pack
            .into_iter()
            .map(|task| {
                let record = ledger.state.task(task);
                let attempt = ledger.state.next_attempt(record);
                LeasedTask { id: record.id, attempt, spec: ledger.spec(task) }
            })
            .collect();
        changes.push(Change::Granted(Granted {
            lease: id.clone(),
            worker: sync.worker.clone(),
            sweep: Some(ledger.state.sweep(sweep).id.clone()),
            answer: synced.answer,
            expires,
            tasks: tasks.iter().map(|task| (task.id, task.attempt)).collect(),
        }));
        synced.grants.push(Grant { lease: id.clone(), expires, tasks });
    }
    changes
}

/// Whether anything is queued, or could be without a person's doing.
fn has_more_to_come(ledger: &Ledger) -> bool {
    let sweeps = ledger.state.sweeps.iter().zip(&ledger.index.tallies);
    sweeps.into_iter().any(|(sweep, tally)| sweep.status == SweepStatus::Running && tally.total.open() > 0)
}
