//! Why a task that could run isn't given to a free worker: the sweeps that share the workers.

use std::num::NonZeroU32;

use basin_domain::id::{SweepId, TaskId};
use basin_domain::scheduling::UserName;
use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::WorkerDescription;
use crate::ledger::state::{SweepIndex, SweepStatus, TaskIndex};
use crate::phase::Phase;

/// The reason why a queued task waits, beside a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PendingReason<'a> {
    /// Every sweep that lists it is paused, or was cancelled.
    Pause,
    /// Its sweep has as many slots as it may.
    SweepLimit {
        /// The sweep.
        sweep: &'a SweepId,
        /// How many that is.
        limit: u32,
    },
    /// The sweeps of its sweep's user have as many slots together as they may.
    UserLimit {
        /// The user; none where coordinators need no tokens.
        user: Option<&'a UserName>,
        /// How many that is.
        limit: u32,
    },
    /// Sweeps of a higher priority come first.
    Priority {
        /// One of them.
        sweep: &'a SweepId,
        /// How many others there are.
        more: usize,
    },
}

impl Ledger {
    /// The first in the queue of a sweep: what is to try again by now, then what is new, then what is to try again later.
    pub fn next_of(&self, id: &SweepId, now: Timestamp) -> Option<TaskId> {
        let queue = self.index.queues.of(self.find_sweep(id)?);
        let again = queue.delayed.first();
        let due = again.filter(|delayed| delayed.not_before <= now).map(|delayed| delayed.task);
        let next = due.or_else(|| Some(queue.ready.first()?.task)).or_else(|| Some(again?.task))?;
        Some(self.state.task(next).id)
    }

    /// The reason why a task of this id isn't granted although it could run: the limits of those who want it, or the
    /// sweeps that come first. None if a free worker is all it waits for, if it isn't queued, or if it isn't there.
    pub fn pending_reason(&self, id: &TaskId, now: Timestamp) -> Option<PendingReason<'_>> {
        let task = self.find_task(id)?;
        let links = self.index.links(task);
        if links.phase != Phase::Queued {
            return None;
        }
        let wants = links.memberships.iter().map(|membership| membership.sweep);
        let mut wants =
            wants.filter(|sweep| self.state.sweep(*sweep).status == SweepStatus::Running).peekable();
        if wants.peek().is_none() {
            return Some(PendingReason::Pause);
        }
        let (limited, free): (Vec<_>, Vec<_>) =
            wants.map(|sweep| (sweep, self.limit_reached(sweep))).partition(|(_, limit)| limit.is_some());
        let priority = |sweep: SweepIndex| self.state.sweep(sweep).share.priority;
        let Some(own) = free.into_iter().map(|(sweep, _)| priority(sweep)).max() else {
            return limited.into_iter().find_map(|(_, limit)| limit);
        };
        let waiting = self.index.queues.waiting();
        let mut first = waiting.filter(|other| {
            priority(*other) > own && self.limit_reached(*other).is_none() && self.competes(*other, task, now)
        });
        let sweep = &self.state.sweep(first.next()?).id;
        Some(PendingReason::Priority { sweep, more: first.count() })
    }

    /// Whether a sweep has anything for one of the workers that could take this task.
    fn competes(&self, sweep: SweepIndex, task: TaskIndex, now: Timestamp) -> bool {
        let can_run_both = |worker: &WorkerDescription| {
            self.eligible_experiments(sweep, worker).any(|is_eligible| is_eligible)
                && self.can_run(task, worker)
        };
        self.index.queues.of(sweep).due(now) > 0
            && self.able_workers(now).any(|(_, heartbeat)| can_run_both(&heartbeat.description))
    }

    /// The limit that keeps a sweep from getting another slot.
    fn limit_reached(&self, sweep: SweepIndex) -> Option<PendingReason<'_>> {
        let limited = self.state.sweep(sweep);
        match (self.limit_of_sweep(sweep), self.policy.max_slots_of_user.map(NonZeroU32::get)) {
            (Some(limit), _) if self.room_of_sweep(sweep) == 0 => {
                Some(PendingReason::SweepLimit { sweep: &limited.id, limit })
            }
            (_, Some(limit)) if self.room_of_user(&limited.user) == 0 => {
                Some(PendingReason::UserLimit { user: limited.user.as_ref(), limit })
            }
            (Some(_) | None, Some(_) | None) => None,
        }
    }
}
