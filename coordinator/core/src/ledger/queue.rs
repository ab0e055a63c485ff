//! The queue: for each sweep, its tasks in the order in which they are granted.
//!
//! A task that several sweeps list waits in the queue of each of them, so that it comes with whichever has its turn first. One
//! that a sweep lists twice is there twice, since its experiments may need different workers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use basin_domain::scheduling::UserName;
use basin_domain::time::Timestamp;

use super::state::{JournalledState, Lease, SweepIndex, TaskIndex};

/// Tasks to try again that are counted when slots are shared out.
const MOST_DUE: usize = 1024;

/// A task's place in the order of granting: the order of the fields is that of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// Tasks that take long come before others, by their order of magnitude, so that no worker is left alone with one at the
    /// end (longest processing time first: Graham 1969, SIAM J. Appl. Math. 17).
    pub(crate) magnitude: Reverse<u32>,
    /// Then the order of the sweep's file.
    pub(crate) position: u32,
}

/// A task that can be granted now: the order of the fields is that of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReadyTask {
    /// Its place in the order.
    pub(crate) rank: Rank,
    /// The task.
    pub(crate) task: TaskIndex,
}

/// A task that is tried again from a time on: the order of the fields is that of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DelayedTask {
    /// The time from which on it can be granted.
    pub(crate) not_before: Timestamp,
    /// Its place in the order.
    pub(crate) rank: Rank,
    /// The task.
    pub(crate) task: TaskIndex,
}

impl Rank {
    /// The rank before all others.
    pub(crate) const FIRST: Self = Self { magnitude: Reverse(u32::MAX), position: 0 };
}

/// The tasks of one sweep that can be granted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Queue {
    /// Now, first the one to grant first.
    pub(crate) ready: BTreeSet<ReadyTask>,
    /// Again, from a time on.
    pub(crate) delayed: BTreeSet<DelayedTask>,
}

/// The queues of all sweeps.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Queues {
    /// By [`SweepIndex`].
    sweeps: Vec<Queue>,
    /// Those whose queues aren't empty, nor closed.
    waiting: BTreeSet<SweepIndex>,
    /// Those that are being launched: nothing is granted of them yet.
    closed: BTreeSet<SweepIndex>,
    /// How many tasks wait, each counted once.
    tasks: usize,
}

/// Where a task stands in its sweeps' queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueuePosition {
    Absent,
    Ready,
    Delayed(Timestamp),
}

/// How many slots of workers are taken: each live lease takes one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Occupancy {
    sweeps: BTreeMap<SweepIndex, u32>,
    /// Sweeps without a user are of one that has no name.
    users: BTreeMap<Option<UserName>, u32>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.delayed.is_empty()
    }

    /// How many tasks wait in it; one that the sweep lists twice counts twice.
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.delayed.len()
    }

    /// How many of them could be granted by now; of those to try again, no more than so many are counted.
    pub(crate) fn due(&self, now: Timestamp) -> usize {
        let again = self.delayed.iter().take_while(|delayed| delayed.not_before <= now);
        self.ready.len() + again.take(MOST_DUE).count()
    }

    fn set(&mut self, task: TaskIndex, rank: Rank, before: QueuePosition, after: QueuePosition) {
        match before {
            QueuePosition::Absent => {}
            QueuePosition::Ready => {
                self.ready.remove(&ReadyTask { rank, task });
            }
            QueuePosition::Delayed(not_before) => {
                self.delayed.remove(&DelayedTask { not_before, rank, task });
            }
        }
        match after {
            QueuePosition::Absent => {}
            QueuePosition::Ready => {
                self.ready.insert(ReadyTask { rank, task });
            }
            QueuePosition::Delayed(not_before) => {
                self.delayed.insert(DelayedTask { not_before, rank, task });
            }
        }
    }
}

impl Queues {
    /// Makes room for the sweep that was launched last.
    pub(crate) fn add_sweep(&mut self) {
        self.sweeps.push(Queue::default());
    }

    /// Keeps a sweep's queue closed while its tasks arrive.
    pub(crate) fn close(&mut self, sweep: SweepIndex) {
        self.closed.insert(sweep);
        self.waiting.remove(&sweep);
    }

    /// Opens a queue that was closed.
    pub(crate) fn open(&mut self, sweep: SweepIndex) {
        self.closed.remove(&sweep);
        if !self.of(sweep).is_empty() {
            self.waiting.insert(sweep);
        }
    }

    /// The queue of a sweep.
    pub(crate) fn of(&self, sweep: SweepIndex) -> &Queue {
        &self.sweeps[sweep.get()]
    }

    /// The sweeps that have something to grant, now or later, in the order of their launches.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = SweepIndex> {
        self.waiting.iter().copied()
    }

    /// How many tasks wait, those that several sweeps list counted once.
    pub(crate) const fn tasks(&self) -> usize {
        self.tasks
    }

    /// Moves a task within the queue of a sweep.
    pub(crate) fn set(
        &mut self,
        sweep: SweepIndex,
        task: TaskIndex,
        rank: Rank,
        before: QueuePosition,
        after: QueuePosition,
    ) {
        let queue = &mut self.sweeps[sweep.get()];
        queue.set(task, rank, before, after);
        if queue.is_empty() || self.closed.contains(&sweep) {
            self.waiting.remove(&sweep);
        } else {
            self.waiting.insert(sweep);
        }
    }

    /// Counts a task that waits now and didn't, or the other way round.
    pub(crate) const fn count(&mut self, waited: bool, waits: bool) {
        match (waited, waits) {
            (false, true) => self.tasks += 1,
            (true, false) => self.tasks -= 1,
            (false, false) | (true, true) => {}
        }
    }
}

impl Occupancy {
    /// A live lease takes its slot.
    pub(crate) fn take(&mut self, state: &JournalledState, lease: &Lease) {
        if let Some(sweep) = lease.sweep {
            *self.sweeps.entry(sweep).or_default() += 1;
            *self.users.entry(state.sweep(sweep).user.clone()).or_default() += 1;
        }
    }

    /// A lease that was live gives its slot back.
    pub(crate) fn give_back(&mut self, state: &JournalledState, lease: &Lease) {
        if let Some(sweep) = lease.sweep {
            decrement(&mut self.sweeps, &sweep);
            decrement(&mut self.users, &state.sweep(sweep).user);
        }
    }

    /// The slots that were granted on this sweep's turn.
    pub(crate) fn of_sweep(&self, sweep: SweepIndex) -> u32 {
        self.sweeps.get(&sweep).copied().unwrap_or(0)
    }

    /// The slots that were granted on turns of this user's sweeps.
    pub(crate) fn of_user(&self, user: &Option<UserName>) -> u32 {
        self.users.get(user).copied().unwrap_or(0)
    }
}

fn decrement<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
