//! What a worker is given next: whose turn it is, and which of that sweep's tasks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::time::Duration;

use basin_domain::share::UserName;
use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::Sync;
use crate::ledger::queue::Queue;
use crate::ledger::state::{SweepIndex, TaskIndex};

/// How long a task that failed on a worker is kept for others, once it may be tried again.
const ELSEWHERE_FOR: Duration = Duration::from_secs(30);
/// How many tasks kept for others are passed over before the worker looks at the rest of the queue.
const PASSED_OVER: usize = 256;
/// The longest pack.
const LONGEST_PACK: u32 = 1024;
/// Tasks to try again that are counted when packs are measured out.
const MOST_DUE: usize = 1024;

/// The turns of the sweeps that wait, as one worker takes them.
///
/// Of those below their limits, sweeps of the highest priority come first; among these the user who has the fewest slots,
/// then the sweep that has the fewest, then the one that was launched first. So users share slots evenly, and so do the
/// sweeps of each, as far as there is work for it (max-min fairness; Bertsekas and Gallager 1992, Data Networks, section 6.5).
pub(super) struct Turns<'a> {
    ledger: &'a Ledger,
    sweeps: Vec<Waiting<'a>>,
    /// Slots given in these turns.
    given: BTreeMap<&'a Option<UserName>, u32>,
    /// Tasks given in these turns: other sweeps may list them, too.
    taken: BTreeSet<TaskIndex>,
}

/// A sweep that has something to grant.
struct Waiting<'a> {
    sweep: SweepIndex,
    tasks: Peekable<Box<dyn Iterator<Item = TaskIndex> + 'a>>,
    longest_pack: usize,
    /// Slots given in these turns.
    given: u32,
}

impl<'a> Turns<'a> {
    /// What waits for this worker.
    pub(super) fn of(ledger: &'a Ledger, now: Timestamp, sync: &'a Sync) -> Self {
        let waiting = || ledger.index.queues.waiting();
        let mut contenders: BTreeMap<i32, u64> = BTreeMap::new();
        for sweep in waiting() {
            *contenders.entry(ledger.state.sweep(sweep).share.priority).or_default() += 1;
        }
        let slots = slots(ledger, now, sync);
        let has_another = ledger.has_another_able_worker(&sync.worker, now);
        let sweeps = waiting().map(|sweep| {
            let queue = ledger.index.queues.of(sweep);
            let fair = slots.div_ceil(contenders[&ledger.state.sweep(sweep).share.priority]);
            let limit = ledger.limit_of_sweep(sweep).map_or(u64::MAX, u64::from);
            let tasks: Box<dyn Iterator<Item = TaskIndex>> =
                Box::new(candidates(ledger, queue, sync, now, has_another));
            Waiting {
                sweep,
                tasks: tasks.peekable(),
                longest_pack: longest_pack(queue, now, sync, fair.min(limit)),
                given: 0,
            }
        });
        let sweeps = sweeps.collect();
        Self { ledger, sweeps, given: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The sweep whose turn it is, and the tasks of its next lease.
    pub(super) fn next(&mut self) -> Option<(SweepIndex, Vec<TaskIndex>)> {
        loop {
            let turns = self.sweeps.iter().enumerate().filter(|(_, waiting)| self.has_room(waiting));
            let (first, _) = turns.min_by_key(|(_, waiting)| self.turn(waiting))?;
            let waiting = &mut self.sweeps[first];
            let Some(pack) = take_pack(self.ledger, waiting, &mut self.taken) else {
                self.sweeps.remove(first);
                continue;
            };
            waiting.given += 1;
            let sweep = waiting.sweep;
            *self.given.entry(&self.ledger.state.sweep(sweep).user).or_default() += 1;
            return Some((sweep, pack));
        }
    }

    fn has_room(&self, waiting: &Waiting<'_>) -> bool {
        let user = &self.ledger.state.sweep(waiting.sweep).user;
        self.ledger.room_of_sweep(waiting.sweep) > waiting.given
            && self.ledger.room_of_user(user) > self.given_to(user)
    }

    fn turn(&self, waiting: &Waiting<'_>) -> (Reverse<i32>, u32, u32, SweepIndex) {
        let sweep = self.ledger.state.sweep(waiting.sweep);
        let occupancy = &self.ledger.index.occupancy;
        (
            Reverse(sweep.share.priority),
            occupancy.of_user(&sweep.user) + self.given_to(&sweep.user),
            occupancy.of_sweep(waiting.sweep) + waiting.given,
            waiting.sweep,
        )
    }

    fn given_to(&self, user: &Option<UserName>) -> u32 {
        self.given.get(user).copied().unwrap_or(0)
    }
}

/// The slots of the workers that could be given work, this one's among them.
fn slots(ledger: &Ledger, now: Timestamp, sync: &Sync) -> u64 {
    let others = ledger.able_workers(now).filter(|(worker, _)| **worker != sync.worker);
    let slots: u64 = others.map(|(_, sighting)| u64::from(sighting.description.slots.max(1))).sum();
    slots + u64::from(sync.description.slots.max(1))
}

/// The tasks that one lease may have so that there are some for each of the slots that the sweep can hope for. As the queue
/// shrinks, so do packs (guided self-scheduling, Polychronopoulos and Kuck 1987), and all slots are done at about the same time.
fn longest_pack(queue: &Queue, now: Timestamp, sync: &Sync, slots: u64) -> usize {
    let due = queue.delayed.iter().take_while(|(due, _, _)| *due <= now).take(MOST_DUE).count();
    let share = ((queue.ready.len() + due) as u64).div_ceil(slots.max(1)).max(1);
    let most = sync.max_pack.clamp(1, LONGEST_PACK) as usize;
    usize::try_from(share).map_or(most, |share| share.min(most))
}

/// The tasks of a sweep that this worker could be given, those whose needs it meets: those to try again first, in the order
/// in which they became due, for they have waited longest and tell soonest whether they fail for good; then by rank.
fn candidates<'a>(
    ledger: &'a Ledger,
    queue: &'a Queue,
    sync: &'a Sync,
    now: Timestamp,
    has_another_worker: bool,
) -> impl Iterator<Item = TaskIndex> + 'a {
    let is_kept_for_others = move |task: TaskIndex, due: Timestamp| {
        has_another_worker
            && now < due + ELSEWHERE_FOR
            && ledger.state.task(task).last_failed_on() == Some(&sync.worker)
    };
    let due = queue.delayed.iter().take_while(move |(due, _, _)| *due <= now);
    let retries = due
        .scan(0, move |passed, &(due, _, task)| {
            let kept = is_kept_for_others(task, due);
            *passed += usize::from(kept);
            (*passed <= PASSED_OVER).then_some((!kept).then_some(task))
        })
        .flatten();
    let tasks = retries.chain(queue.ready.iter().map(|(_, task)| *task));
    tasks.filter(|task| ledger.suits(*task, &sync.description))
}

/// Takes the sweep's next task and those behind it that can train together with it.
fn take_pack(
    ledger: &Ledger,
    waiting: &mut Waiting<'_>,
    taken: &mut BTreeSet<TaskIndex>,
) -> Option<Vec<TaskIndex>> {
    let tasks = &mut waiting.tasks;
    let first = tasks.find(|task| !taken.contains(task))?;
    let head = ledger.state.task(first);
    let fits = |task: &TaskIndex| {
        let task = ledger.state.task(*task);
        task.shape == head.shape && !task.alone && !head.alone
    };
    taken.insert(first);
    let mut pack = vec![first];
    while pack.len() < waiting.longest_pack {
        match tasks.next_if(|task| taken.contains(task) || fits(task)) {
            Some(task) if taken.insert(task) => pack.push(task),
            Some(_) => {}
            None => break,
        }
    }
    Some(pack)
}
