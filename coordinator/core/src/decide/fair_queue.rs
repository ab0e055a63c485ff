//! The next task for a worker: whose turn it is, and which of that sweep's tasks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::time::Duration;

use basin_domain::scheduling::UserName;
use basin_domain::time::Timestamp;

use super::eligible::Eligible;
use super::fair_share;
use crate::Ledger;
use crate::command::Sync;
use crate::ledger::queue::{DelayedTask, ReadyTask};
use crate::ledger::state::{SweepIndex, TaskIndex};

/// How long a task that failed on a worker is kept for others, once it may be tried again.
const ELSEWHERE_FOR: Duration = Duration::from_secs(30);
/// How many tasks kept for others are passed over before the worker looks at the rest of the queue.
const PASSED_OVER: usize = 256;
/// The longest pack.
const LONGEST_PACK: u32 = 1024;

/// The sweeps that wait, in fair order, as one worker is served from them.
///
/// Of those below their limits, sweeps of the highest priority come first; among these the user who has the fewest slots,
/// then the sweep that has the fewest, then the one that was launched first. So users share slots evenly, and so do the
/// sweeps of each, as far as there is work for it.
pub(super) struct FairQueue<'a> {
    ledger: &'a Ledger,
    now: Timestamp,
    sync: &'a Sync,
    sweeps: Vec<WaitingSweep<'a>>,
    users: Vec<UserSlots>,
    /// Tasks taken from this queue: other sweeps may list them, too.
    taken: BTreeSet<TaskIndex>,
    /// The fair share of each sweep, by which packs are measured; computed with the first pack.
    fair_shares: Option<BTreeMap<SweepIndex, u64>>,
}

/// A sweep that has something to grant, to this worker too.
struct WaitingSweep<'a> {
    sweep: SweepIndex,
    priority: i32,
    /// An index into [`FairQueue::users`].
    user: usize,
    /// The slots that it has, and how many more it may have.
    slots: u32,
    room: u32,
    tasks: Peekable<Box<dyn Iterator<Item = TaskIndex> + 'a>>,
}

/// The slots that somebody has, and how many more they may have.
struct UserSlots {
    slots: u32,
    room: u32,
}

/// Whose turn comes first: the order of the fields is that of the turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// The highest priority.
    priority: Reverse<i32>,
    /// Then whose user has the fewest slots.
    slots_of_user: u32,
    /// Then the sweep that has the fewest.
    slots_of_sweep: u32,
    /// Then the one that was launched first.
    sweep: SweepIndex,
}

impl<'a> FairQueue<'a> {
    /// The sweeps that wait and have tasks for this worker.
    pub(super) fn of(ledger: &'a Ledger, now: Timestamp, sync: &'a Sync) -> Self {
        let mut queue = Self {
            ledger,
            now,
            sync,
            sweeps: Vec::new(),
            users: Vec::new(),
            taken: BTreeSet::new(),
            fair_shares: None,
        };
        let mut numbers: BTreeMap<&Option<UserName>, usize> = BTreeMap::new();
        for sweep in ledger.index.queues.waiting() {
            let state = ledger.state.sweep(sweep);
            let room = ledger.room_of_sweep(sweep);
            let Some(eligible) = Eligible::of(ledger, sweep, &sync.description).filter(|_| room > 0) else {
                continue;
            };
            let user = *numbers.entry(&state.user).or_insert_with(|| {
                let slots = ledger.index.occupancy.of_user(&state.user);
                queue.users.push(UserSlots { slots, room: ledger.room_of_user(&state.user) });
                queue.users.len() - 1
            });
            let tasks: Box<dyn Iterator<Item = TaskIndex>> =
                Box::new(candidates(ledger, sweep, eligible, sync, now));
            queue.sweeps.push(WaitingSweep {
                sweep,
                priority: state.share.priority,
                user,
                slots: ledger.index.occupancy.of_sweep(sweep),
                room,
                tasks: tasks.peekable(),
            });
        }
        queue
    }

    /// The sweep whose turn it is, and the tasks of its next lease.
    pub(super) fn next(&mut self) -> Option<(SweepIndex, Vec<TaskIndex>)> {
        loop {
            let users = &self.users;
            let has_room = |waiting: &WaitingSweep<'_>| waiting.room > 0 && users[waiting.user].room > 0;
            let turn = |waiting: &WaitingSweep<'_>| {
                let WaitingSweep { priority, user, slots, sweep, .. } = *waiting;
                Turn {
                    priority: Reverse(priority),
                    slots_of_user: users[user].slots,
                    slots_of_sweep: slots,
                    sweep,
                }
            };
            let able = self.sweeps.iter().enumerate().filter(|(_, waiting)| has_room(waiting));
            let (first, _) = able.min_by_key(|(_, waiting)| turn(waiting))?;
            let sweep = self.sweeps[first].sweep;
            let longest = self.longest_pack(sweep);
            let waiting = &mut self.sweeps[first];
            let Some(pack) = take_pack(self.ledger, waiting, longest, &mut self.taken) else {
                self.sweeps.swap_remove(first);
                // The slots that it can't take are the others'.
                self.fair_shares = None;
                continue;
            };
            waiting.slots += 1;
            waiting.room -= 1;
            let user = &mut self.users[waiting.user];
            user.slots += 1;
            user.room -= 1;
            return Some((sweep, pack));
        }
    }

    /// The tasks that one lease may have so that there are some for each of the slots of the sweep's fair share. As the queue
    /// shrinks, so do packs (guided self-scheduling, Polychronopoulos and Kuck 1987), and all slots are done at about the same
    /// time.
    fn longest_pack(&mut self, sweep: SweepIndex) -> usize {
        let Self { ledger, now, sync, sweeps, fair_shares, .. } = self;
        let fair_shares = fair_shares.get_or_insert_with(|| {
            let waiting: Vec<SweepIndex> = sweeps.iter().map(|waiting| waiting.sweep).collect();
            fair_share::fair_shares(ledger, *now, sync, &waiting)
        });
        let slots = fair_shares.get(&sweep).copied().unwrap_or(0).max(1);
        let share = (ledger.index.queues.of(sweep).due(*now) as u64).div_ceil(slots).max(1);
        let most = sync.max_pack.clamp(1, LONGEST_PACK) as usize;
        usize::try_from(share).map_or(most, |share| share.min(most))
    }
}

/// The tasks of a sweep that this worker could be given, those whose needs in this sweep it meets: those to try again first, in
/// the order in which they became due, for they have waited longest and tell soonest whether they fail for good; then by rank.
fn candidates<'a>(
    ledger: &'a Ledger,
    sweep: SweepIndex,
    eligible: Eligible,
    sync: &'a Sync,
    now: Timestamp,
) -> impl Iterator<Item = TaskIndex> + 'a {
    let (queued, entries) = (ledger.index.queues.of(sweep), &ledger.state.sweep(sweep).entries);
    let mut others = None;
    let mut is_kept_for_others = move |task: TaskIndex, due: Timestamp| {
        now < due + ELSEWHERE_FOR
            && ledger.state.task(task).last_failed_on() == Some(&sync.worker)
            && *others.get_or_insert_with(|| ledger.has_another_able_worker(&sync.worker, now))
    };
    let due = queued.delayed.iter().take_while(move |delayed| delayed.not_before <= now);
    let retries = due
        .scan(0, move |passed, &DelayedTask { not_before, rank, task }| {
            let kept = is_kept_for_others(task, not_before);
            *passed += usize::from(kept);
            (*passed <= PASSED_OVER).then_some((!kept).then_some(ReadyTask { rank, task }))
        })
        .flatten();
    let tasks = retries.chain(queued.ready.iter().copied());
    tasks
        .filter(move |ready| eligible.has(entries[ready.rank.position as usize].experiment))
        .map(|ready| ready.task)
}

/// Takes the sweep's next task and those behind it that can train together with it.
fn take_pack(
    ledger: &Ledger,
    waiting: &mut WaitingSweep<'_>,
    longest: usize,
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
    while pack.len() < longest {
        match tasks.next_if(|task| taken.contains(task) || fits(task)) {
            Some(task) if taken.insert(task) => pack.push(task),
            Some(_) => {}
            None => break,
        }
    }
    Some(pack)
}
