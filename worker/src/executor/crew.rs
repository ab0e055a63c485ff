//! The threads of an executor, and who trains what.
//!
//! With as many lanes as threads or more, each thread trains a lane of its own, from beginning to end, and the other lanes wait
//! their turn: nothing is shared between threads, and what is done is committed early. With fewer lanes the threads are
//! shared out among them. A lane's bytes are the same on any number of threads, so this changes nothing but the time.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use basin_experiments::activity::ActivityCounter;
use basin_proto::executor::{Working, from_executor};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::lane::{Lane, Slice};
use super::outbox::Outbox;

/// How long a lane trains before its thread looks around: whether lanes came or went, and threads are shared out anew.
const SLICE: Duration = Duration::from_millis(20);

/// How often it is looked whether work goes on in steps that aren't done yet.
const LOOK: Duration = Duration::from_secs(1);
/// A step that takes as long as this is looked at: others are told of by their lanes.
const LONG: Duration = Duration::from_secs(2);

/// All lanes, and the threads that train them.
pub(super) struct Crew {
    threads: usize,
    /// What the threads that have something to do share out among them.
    cores: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// What is done by each seat's threads.
    activity: Vec<ActivityCounter>,
}

#[derive(Default)]
struct State {
    /// Lanes that no thread has at the moment, in the order in which they are taken.
    waiting: VecDeque<Lane>,
    /// Lanes that threads have at the moment.
    busy: Vec<Busy>,
    dismissed: bool,
}

/// A lane that a thread has.
struct Busy {
    task: String,
    /// What was asked of it meanwhile.
    orders: Orders,
    seat: usize,
    since: Instant,
}

/// What the agent asked of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orders {
    /// Write a checkpoint.
    pub(super) checkpoint: bool,
    /// Stop, after the checkpoint if both are asked for.
    pub(super) stop: bool,
}

impl State {
    /// The number of threads that have something to do, each with its share of all.
    fn shares(&self, threads: usize) -> usize {
        (self.waiting.len() + self.busy.len()).min(threads)
    }

    fn busy_mut(&mut self, task: &str) -> Option<&mut Orders> {
        self.busy.iter_mut().find(|busy| busy.task == task).map(|busy| &mut busy.orders)
    }
}

impl Crew {
    /// A crew of as many threads, for as many cores; each of them calls [`Crew::work`].
    pub(super) fn new(threads: usize, cores: usize) -> Self {
        let threads = threads.max(1);
        Self {
            threads,
            cores: cores.max(1),
            state: Mutex::default(),
            changed: Condvar::new(),
            activity: (0..threads).map(|_| ActivityCounter::default()).collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new lane, behind those that wait.
    pub(super) fn add(&self, lane: Lane) {
        self.state().waiting.push_back(lane);
        self.changed.notify_all();
    }

    /// Asks for a checkpoint at the next step's end.
    pub(super) fn ask_for_checkpoint(&self, task: &str) {
        let mut state = self.state();
        if let Some(orders) = state.busy_mut(task) {
            orders.checkpoint = true;
        } else if let Some(lane) = state.waiting.iter_mut().find(|lane| lane.task() == task) {
            lane.orders_mut().checkpoint = true;
        }
    }

    /// Asks a lane to stop at the next step's end. One that never began is taken out at once: true if so.
    pub(super) fn stop(&self, task: &str) -> bool {
        let mut state = self.state();
        if let Some(orders) = state.busy_mut(task) {
            orders.stop = true;
            return false;
        }
        let Some(position) = state.waiting.iter().position(|lane| lane.task() == task) else {
            return false;
        };
        if state.waiting[position].has_begun() {
            state.waiting[position].orders_mut().stop = true;
            return false;
        }
        state.waiting.remove(position);
        self.changed.notify_all();
        true
    }

    /// No more work: threads leave at the end of their slices.
    pub(super) fn dismiss(&self) {
        self.state().dismissed = true;
        self.changed.notify_all();
    }

    /// The life of the thread with this number, until the crew is dismissed.
    ///
    /// # Errors
    /// If the agent doesn't hear any more, or there can't be more threads.
    pub(super) fn work(&self, seat: usize, outbox: &Outbox<'_>) -> io::Result<()> {
        let mut pool = None;
        while let Some((mut lane, width)) = self.take(seat) {
            let task = lane.task().to_owned();
            let slice = pool_of(&mut pool, width, &self.activity[seat])?
                .install(|| lane.work(SLICE, || self.orders(&task), outbox));
            self.put_back(lane, slice?);
        }
        Ok(())
    }

    /// Tells the agent of steps that take long that work goes on in them, as often as it does; until the crew is dismissed.
    ///
    /// # Errors
    /// If the agent doesn't hear any more.
    pub(super) fn watch(&self, outbox: &Outbox<'_>) -> io::Result<()> {
        let mut seen = vec![0; self.activity.len()];
        loop {
            let state = self.state();
            let (state, _) = self
                .changed
                .wait_timeout_while(state, LOOK, |state| !state.dismissed)
                .unwrap_or_else(PoisonError::into_inner);
            if state.dismissed {
                return Ok(());
            }
            let long = state.busy.iter().filter(|busy| busy.since.elapsed() >= LONG);
            let long: Vec<_> = long.map(|busy| (busy.task.clone(), busy.seat)).collect();
            drop(state);
            for (task, seat) in long {
                let beats = self.activity[seat].count();
                if std::mem::replace(&mut seen[seat], beats) != beats {
                    outbox.say(&task, from_executor::Message::Working(Working {}))?;
                }
            }
        }
    }

    /// The next lane for this thread, and on how many threads it may train.
    fn take(&self, seat: usize) -> Option<(Lane, usize)> {
        let mut state = self.state();
        loop {
            if state.dismissed {
                return None;
            }
            let shares = state.shares(self.threads);
            if seat < shares
                && let Some(mut lane) = state.waiting.pop_front()
            {
                let (task, orders) = (lane.task().to_owned(), std::mem::take(lane.orders_mut()));
                state.busy.push(Busy { task, orders, seat, since: Instant::now() });
                let width = self.cores / shares + usize::from(seat < self.cores % shares);
                return Some((lane, width.max(1)));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what was asked of a lane that a thread has.
    fn orders(&self, task: &str) -> Orders {
        self.state().busy_mut(task).map(std::mem::take).unwrap_or_default()
    }

    fn put_back(&self, mut lane: Lane, slice: Slice) {
        let mut state = self.state();
        let position = state.busy.iter().position(|busy| busy.task == lane.task());
        let orders = position.map(|position| state.busy.swap_remove(position).orders);
        match slice {
            Slice::Over => {
                *lane.orders_mut() = orders.unwrap_or_default();
                state.waiting.push_front(lane);
            }
            Slice::Ended => {}
        }
        drop(state);
        self.changed.notify_all();
    }
}

/// A pool of this many threads whose work counts in `counter`, made anew if the last one had another number.
fn pool_of<'a>(
    pool: &'a mut Option<ThreadPool>,
    width: usize,
    counter: &ActivityCounter,
) -> io::Result<&'a ThreadPool> {
    if pool.as_ref().is_some_and(|pool| pool.current_num_threads() != width) {
        *pool = None;
    }
    match pool {
        Some(pool) => Ok(pool),
        None => {
            let counter = counter.clone();
            let made = ThreadPoolBuilder::new().num_threads(width);
            let made = made.start_handler(move |_| counter.count_this_thread());
            let made = made.build().map_err(io::Error::other)?;
            Ok(pool.insert(made))
        }
    }
}
