//! A lease that this worker holds: until when, how far, and whether it should be given up.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::task::TaskSpec;
use basin_domain::worker::Progress;
use tokio::sync::watch;

use super::moment::Moment;

/// What the agent wants of a running lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Go on.
    Train,
    /// Checkpoint, upload, release: the worker leaves, or nobody wants the tasks any more.
    GiveBack(basin_domain::failure::ReleaseReason),
    /// Stop at once, write nothing more: the lease is lost.
    Abandon,
}

/// A lease is given up this share of its span before its end.
const MARGIN: u32 = 6;

/// A task of a lease.
#[derive(Debug, Clone)]
pub(super) struct LeasedTask {
    pub(super) id: TaskId,
    pub(super) attempt: Attempt,
    pub(super) spec: TaskSpec,
}

/// A lease, shared between the agent's sync loop and the slot that works on it.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: LeaseId,
    pub(super) tasks: Vec<LeasedTask>,
    granted_at: Moment,
    wish: watch::Sender<Wish>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By this machine's own clock, which nobody sets and which runs on while the machine sleeps; counted from before the request was sent, so never later than the
    /// coordinator's own idea of it.
    deadline: Moment,
    /// The span for which the lease was last granted: what its margin is a share of.
    granted: Duration,
    /// Unfinished tasks and how far they are.
    progress: Vec<Stand>,
}

/// How far a task is.
#[derive(Debug)]
struct Stand {
    task: TaskId,
    progress: Progress,
    /// When its executor last showed progress; none before it began, and once it has ended.
    heard: Option<Instant>,
}

impl Lease {
    /// A lease granted for a span by an answer to a request that was sent at `sent`.
    pub(super) fn new(id: LeaseId, tasks: Vec<LeasedTask>, sent: Moment, granted: Duration) -> Self {
        let stand = |task: &LeasedTask| Stand { task: task.id, progress: Progress::default(), heard: None };
        let progress = tasks.iter().map(stand).collect();
        Self {
            id,
            tasks,
            granted_at: sent,
            wish: watch::channel(Wish::Train).0,
            state: Mutex::new(State { deadline: sent + granted, granted, progress }),
        }
    }

    /// How long ago it was granted.
    pub(super) fn age(&self) -> Duration {
        self.granted_at.elapsed()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The lease goes on for a span from `sent` on; its end never moves back.
    pub(super) fn renew(&self, sent: Moment, granted: Duration) {
        let mut state = self.state();
        state.deadline = state.deadline.max(sent + granted);
        state.granted = granted;
    }

    /// The lease goes on as if it had been renewed at `sent`, unless it has ended: nobody led at some time since then.
    pub(super) fn outlive_coordinator(&self, sent: Moment) {
        let mut state = self.state();
        if !state.deadline.remaining().is_zero() {
            state.deadline = state.deadline.max(sent + state.granted);
        }
    }

    /// How long the lease may still be worked on: it is given up a margin before its end.
    pub(super) fn until_fence(&self) -> Duration {
        let state = self.state();
        (state.deadline - state.granted / MARGIN).remaining()
    }

    /// Whether its work has to stop, or has to already.
    pub(super) fn is_abandoned(&self) -> bool {
        *self.wish.borrow() == Wish::Abandon || self.until_fence().is_zero()
    }

    /// Changes what is wanted. Nothing takes an `Abandon` back.
    pub(super) fn wish(&self, wish: Wish) {
        self.wish.send_if_modified(|now| {
            let changes = *now != wish && *now != Wish::Abandon;
            if changes {
                *now = wish;
            }
            changes
        });
    }

    /// What is wanted, and when it changes.
    pub(super) fn wishes(&self) -> watch::Receiver<Wish> {
        self.wish.subscribe()
    }

    fn with_stand(&self, task: TaskId, change: impl FnOnce(&mut Stand)) {
        if let Some(stand) = self.state().progress.iter_mut().find(|stand| stand.task == task) {
            change(stand);
        }
    }

    /// Notes how far a task is.
    pub(super) fn note(&self, task: TaskId, progress: Progress) {
        self.with_stand(task, |stand| stand.progress = progress);
    }

    /// A task's executor showed progress with it.
    pub(super) fn note_heard(&self, task: TaskId, at: Instant) {
        self.with_stand(task, |stand| stand.heard = Some(at));
    }

    /// A task is trained; its result is yet to be delivered.
    pub(super) fn note_trained(&self, task: TaskId) {
        self.with_stand(task, |stand| {
            stand.progress.is_held = true;
            stand.heard = None;
        });
    }

    /// A task is settled: it is held no more.
    pub(super) fn settle(&self, task: TaskId) {
        self.state().progress.retain(|stand| stand.task != task);
    }

    /// The unfinished tasks.
    pub(super) fn progress(&self) -> Vec<(TaskId, Progress)> {
        let silent = |heard: Instant| u64::try_from(heard.elapsed().as_millis()).unwrap_or(u64::MAX);
        let of =
            |stand: &Stand| (stand.task, Progress { silent_ms: stand.heard.map(silent), ..stand.progress });
        self.state().progress.iter().map(of).collect()
    }
}
