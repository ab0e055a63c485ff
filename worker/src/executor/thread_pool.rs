//! The threads of an executor, and who trains what.
//!
//! With as many lanes as threads or more, each thread trains a lane of its own, from beginning to end, and the other lanes wait
//! their turn: nothing is shared between threads, and what is done is committed early. With fewer lanes the threads are
//! shared out among them. A lane's bytes are the same on any number of threads, so this changes nothing but the time.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use basin_experiments::activity::ActivityCounter;
use basin_proto::executor::{Working, from_executor};
use rayon::ThreadPoolBuilder;

use super::agent_channel::AgentChannel;
use super::lane::{Lane, Slice};

/// How long a lane trains before its thread looks around: whether lanes came or went, and threads are shared out anew.
const SLICE: Duration = Duration::from_millis(20);

/// How often it is looked whether work goes on in steps that aren't done yet.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// A step that takes as long as this is looked at: others are told of by their lanes.
const LONG_STEP: Duration = Duration::from_secs(2);

/// All lanes, and the threads that train them.
pub(super) struct ThreadPool {
    threads: usize,
    /// The cores that the busy threads share.
    cores: usize,
    state: Mutex<PoolState>,
    changed: Condvar,
    /// The activity of each pool thread's workers.
    activity: Vec<ActivityCounter>,
}

#[derive(Default)]
struct PoolState {
    /// Lanes that no thread has at the moment, in the order in which they are taken.
    waiting: VecDeque<Lane>,
    /// Lanes that threads have at the moment.
    running: Vec<RunningLane>,
    is_shut_down: bool,
}

/// A lane that a thread has.
struct RunningLane {
    task: String,
    /// Signals that came meanwhile.
    signals: LaneSignals,
    index: usize,
    since: Instant,
}

/// The agent's signals to a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LaneSignals {
    /// Write a checkpoint.
    pub(super) checkpoint: bool,
    /// Stop, after the checkpoint if both are asked for.
    pub(super) stop: bool,
}

impl PoolState {
    /// The number of threads that have something to do, each with its share of all.
    fn shares(&self, threads: usize) -> usize {
        (self.waiting.len() + self.running.len()).min(threads)
    }

    fn running_mut(&mut self, task: &str) -> Option<&mut LaneSignals> {
        self.running.iter_mut().find(|running| running.task == task).map(|running| &mut running.signals)
    }
}

impl ThreadPool {
    /// A pool of as many threads, for as many cores; each of them calls [`ThreadPool::work`].
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

    fn state(&self) -> MutexGuard<'_, PoolState> {
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
        if let Some(signals) = state.running_mut(task) {
            signals.checkpoint = true;
        } else if let Some(lane) = state.waiting.iter_mut().find(|lane| lane.task() == task) {
            lane.signals_mut().checkpoint = true;
        }
    }

    /// Asks a lane to stop at the next step's end. One that never began is taken out at once: true if so.
    pub(super) fn stop(&self, task: &str) -> bool {
        let mut state = self.state();
        if let Some(signals) = state.running_mut(task) {
            signals.stop = true;
            return false;
        }
        let Some(position) = state.waiting.iter().position(|lane| lane.task() == task) else {
            return false;
        };
        if state.waiting[position].has_begun() {
            state.waiting[position].signals_mut().stop = true;
            return false;
        }
        state.waiting.remove(position);
        self.changed.notify_all();
        true
    }

    /// No more work: threads leave at the end of their slices.
    pub(super) fn shut_down(&self) {
        self.state().is_shut_down = true;
        self.changed.notify_all();
    }

    /// The life of the thread with this number, until the pool is shut down.
    ///
    /// # Errors
    /// If the agent doesn't hear any more, or there can't be more threads.
    pub(super) fn work(&self, index: usize, channel: &AgentChannel<'_>) -> io::Result<()> {
        let mut pool = None;
        while let Some((mut lane, width)) = self.take(index) {
            let task = lane.task().to_owned();
            let slice = pool_of(&mut pool, width, &self.activity[index])?
                .install(|| lane.work(SLICE, || self.signals(&task), channel));
            self.put_back(lane, slice?);
        }
        Ok(())
    }

    /// Tells the agent of steps that take long that work goes on in them, as often as it does; until the pool is shut down.
    ///
    /// # Errors
    /// If the agent doesn't hear any more.
    pub(super) fn watch(&self, channel: &AgentChannel<'_>) -> io::Result<()> {
        let mut seen = vec![0; self.activity.len()];
        loop {
            let state = self.state();
            let (state, _) = self
                .changed
                .wait_timeout_while(state, CHECK_INTERVAL, |state| !state.is_shut_down)
                .unwrap_or_else(PoisonError::into_inner);
            if state.is_shut_down {
                return Ok(());
            }
            let long = state.running.iter().filter(|running| running.since.elapsed() >= LONG_STEP);
            let long: Vec<_> = long.map(|running| (running.task.clone(), running.index)).collect();
            drop(state);
            for (task, index) in long {
                let count = self.activity[index].count();
                if std::mem::replace(&mut seen[index], count) != count {
                    channel.send(&task, from_executor::Message::Working(Working {}))?;
                }
            }
        }
    }

    /// The next lane for this thread, and on how many threads it may train.
    fn take(&self, index: usize) -> Option<(Lane, usize)> {
        let mut state = self.state();
        loop {
            if state.is_shut_down {
                return None;
            }
            let shares = state.shares(self.threads);
            if index < shares
                && let Some(mut lane) = state.waiting.pop_front()
            {
                let (task, signals) = (lane.task().to_owned(), std::mem::take(lane.signals_mut()));
                state.running.push(RunningLane { task, signals, index, since: Instant::now() });
                let width = self.cores / shares + usize::from(index < self.cores % shares);
                return Some((lane, width.max(1)));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what was asked of a lane that a thread has.
    fn signals(&self, task: &str) -> LaneSignals {
        self.state().running_mut(task).map(std::mem::take).unwrap_or_default()
    }

    fn put_back(&self, mut lane: Lane, slice: Slice) {
        let mut state = self.state();
        let position = state.running.iter().position(|running| running.task == lane.task());
        let signals = position.map(|position| state.running.swap_remove(position).signals);
        match slice {
            Slice::TimeUp => {
                *lane.signals_mut() = signals.unwrap_or_default();
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
    pool: &'a mut Option<rayon::ThreadPool>,
    width: usize,
    counter: &ActivityCounter,
) -> io::Result<&'a rayon::ThreadPool> {
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
