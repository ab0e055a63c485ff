//! The leases that a worker holds, and the slots that work on them: one lease after the other on a slot.

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::task::LeasedTask;
use basin_domain::worker::HeldLease;

use super::boot_instant::BootInstant;
use super::effect::Effect;
use super::lease::{Directive, Lease, ReleasedTask};
use super::message::{AttemptOutcome, Grant};

/// All leases of a worker, in the order in which they were granted.
#[derive(Debug)]
pub(super) struct Leases {
    slots: usize,
    /// How many tasks of a lease are worked on at once: as many train as the executor has threads; some more are made ready
    /// meanwhile, or are being committed.
    at_once: usize,
    leases: Vec<Lease>,
}

impl Leases {
    pub(super) const fn new(slots: u32, threads: u32) -> Self {
        Self { slots: slots as usize, at_once: 2 * threads as usize + 2, leases: Vec::new() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.leases.len()
    }

    /// The slots that no lease has.
    pub(super) const fn free_slots(&self) -> usize {
        self.slots.saturating_sub(self.leases.len())
    }

    /// The lease with this id.
    pub(super) fn get_mut(&mut self, id: &LeaseId) -> Option<&mut Lease> {
        self.leases.iter_mut().find(|lease| lease.id == *id)
    }

    /// The leases as a `Sync` names them.
    pub(super) fn held(&self, now: BootInstant) -> Vec<HeldLease> {
        let held = |lease: &Lease| HeldLease { lease: lease.id.clone(), progress: lease.progress(now) };
        self.leases.iter().map(held).collect()
    }

    /// Takes a new lease to the slot with the fewest. One that is already held is renewed; one too many waits for its slot.
    pub(super) fn take(&mut self, grant: Grant, directive: Directive, sent: BootInstant) {
        if let Some(lease) = self.get_mut(&grant.lease) {
            return lease.renew(sent, grant.duration);
        }
        let load = |slot: &usize| self.leases.iter().filter(|lease| lease.slot == *slot).count();
        let slot = (0..self.slots).min_by_key(load).unwrap_or(0);
        let mut lease = Lease::new(grant.lease, slot, grant.tasks, sent, grant.duration);
        lease.direct(directive);
        self.leases.push(lease);
    }

    /// Gives a directive to one lease.
    pub(super) fn direct(&mut self, id: &LeaseId, directive: Directive, effects: &mut Vec<Effect>) {
        if let Some(lease) = self.get_mut(id)
            && lease.direct(directive)
        {
            effects.push(Effect::Direct { lease: id.clone(), directive });
        }
    }

    /// Gives a directive to all leases.
    pub(super) fn direct_all(&mut self, directive: Directive, effects: &mut Vec<Effect>) {
        for lease in &mut self.leases {
            if lease.direct(directive) {
                effects.push(Effect::Direct { lease: lease.id.clone(), directive });
            }
        }
    }

    /// Gives up the leases that could be granted to somebody else soon.
    pub(super) fn fence(&mut self, now: BootInstant, effects: &mut Vec<Effect>) {
        for lease in self.leases.iter_mut().filter(|lease| now >= lease.fence()) {
            if lease.direct(Directive::Abandon) {
                effects.push(Effect::Direct { lease: lease.id.clone(), directive: Directive::Abandon });
            }
        }
    }

    /// The leases go on as if they had been renewed at `sent`: nobody led at some time since then.
    pub(super) fn outlive_coordinator(&mut self, sent: BootInstant, now: BootInstant) {
        for lease in &mut self.leases {
            lease.outlive_coordinator(sent, now);
        }
    }

    /// The next moment at which a lease must be given up.
    pub(super) fn next_fence(&self) -> Option<BootInstant> {
        let live = self.leases.iter().filter(|lease| lease.directive() != Directive::Abandon);
        live.map(Lease::fence).min()
    }

    /// Begins as many attempts as may be under way. Tasks of a lease that is to be given up are given up without one.
    pub(super) fn begin_attempts(&mut self, effects: &mut Vec<Effect>) {
        for number in 0..self.leases.len() {
            let (earlier, rest) = self.leases.split_at_mut(number);
            let Some(lease) = rest.first_mut() else { return };
            if earlier.iter().any(|other| other.slot == lease.slot) {
                continue;
            }
            while lease.under_way() < self.at_once
                && let Some(task) = lease.queued.pop_front()
            {
                match lease.directive() {
                    Directive::Train => effects.push(Effect::BeginAttempt {
                        slot: lease.slot,
                        lease: lease.id.clone(),
                        lanes: lease.tasks,
                        task: Box::new(task),
                    }),
                    Directive::GiveBack(reason) => effects.push(Effect::Report {
                        lease: lease.id.clone(),
                        task: task.id,
                        outcome: AttemptOutcome::Released(reason),
                    }),
                    Directive::Abandon => abandon(lease, &task),
                }
            }
        }
    }

    /// A task is settled.
    pub(super) fn settle(&mut self, id: &LeaseId, task: TaskId) {
        if let Some(lease) = self.get_mut(id) {
            lease.settle(task);
        }
    }

    /// Takes out a lease whose tasks are all settled.
    pub(super) fn take_settled(&mut self) -> Option<Lease> {
        let position = self.leases.iter().position(Lease::is_settled)?;
        Some(self.leases.remove(position))
    }

    /// The tasks that aren't settled, of the leases that aren't lost.
    pub(super) fn left_over(&self, reason: ReleaseReason, now: BootInstant) -> Vec<ReleasedTask> {
        let live = self.leases.iter().filter(|lease| !lease.is_abandoned(now));
        let tasks = live.flat_map(|lease| {
            lease.progress(now).into_iter().map(|(task, _)| ReleasedTask {
                lease: lease.id.clone(),
                task,
                reason,
            })
        });
        tasks.collect()
    }

    /// No lease is held any more.
    pub(super) fn clear(&mut self) {
        self.leases.clear();
    }
}

fn abandon(lease: &mut Lease, task: &LeasedTask) {
    tracing::warn!(task = %task.id, lease = %lease.id, "abandoned, since the lease was lost");
    lease.settle(task.id);
}
