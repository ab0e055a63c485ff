//! What a worker could be given, in order.

use std::iter::Peekable;
use std::time::Duration;

use basin_domain::time::Timestamp;

use crate::Ledger;
use crate::command::Sync;
use crate::ledger::state::TaskIndex;

/// How long a task that failed on a worker is kept for others, once it may be tried again.
const ELSEWHERE_FOR: Duration = Duration::from_secs(30);

/// How many tasks kept for others are passed over before the worker looks at the rest of the queue.
const PASSED_OVER: usize = 256;

/// The tasks that this worker could be given, those whose needs it meets: those to try again first, in the order in which they became due, for they
/// have waited longest and tell soonest whether they fail for good; then by launch and position.
pub(super) fn candidates<'a>(
    ledger: &'a Ledger,
    sync: &'a Sync,
    now: Timestamp,
) -> impl Iterator<Item = TaskIndex> + 'a {
    let worker = &sync.worker;
    let mut others = None;
    let mut is_kept_for_others = move |task: TaskIndex, due: Timestamp| {
        now < due + ELSEWHERE_FOR
            && ledger.state.task(task).last_failed_on() == Some(worker)
            && *others.get_or_insert_with(|| ledger.has_another_able_worker(worker, now))
    };
    let due = ledger.index.delayed.iter().take_while(move |(due, _, _)| *due <= now);
    let retries = due
        .scan(0, move |passed, &(due, _, task)| {
            let kept = is_kept_for_others(task, due);
            *passed += usize::from(kept);
            (*passed <= PASSED_OVER).then_some((!kept).then_some(task))
        })
        .flatten();
    let queue = retries.chain(ledger.index.ready.iter().map(|(_, task)| *task));
    queue.filter(|task| ledger.suits(*task, &sync.description))
}

/// Takes the next task and, up to `limit`, those behind it that can train together with it.
pub(super) fn take_pack(
    ledger: &Ledger,
    queue: &mut Peekable<impl Iterator<Item = TaskIndex>>,
    limit: usize,
) -> Option<Vec<TaskIndex>> {
    let first = queue.next()?;
    let head = ledger.state.task(first);
    let mut pack = vec![first];
    let fits = |task: &TaskIndex| {
        let task = ledger.state.task(*task);
        task.shape == head.shape && !task.alone && !head.alone
    };
    while pack.len() < limit {
        match queue.next_if(fits) {
            Some(task) => pack.push(task),
            None => break,
        }
    }
    Some(pack)
}
