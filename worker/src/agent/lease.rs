//! A lease that this worker holds: until when, how far, and whether it should be given up.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::task::TaskSpec;
use basin_domain::worker::Progress;
use tokio::sync::watch;

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
    wish: watch::Sender<Wish>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By this machine's monotonic clock; counted from before the request was sent, so never later than the
    /// coordinator's own idea of it.
    deadline: Instant,
    /// Unfinished tasks and how far they are.
    progress: Vec<(TaskId, Progress)>,
}

impl Lease {
    pub(super) fn new(id: LeaseId, tasks: Vec<LeasedTask>, deadline: Instant) -> Self {
        let progress = tasks.iter().map(|task| (task.id, Progress::default())).collect();
        Self {
            id,
            tasks,
            wish: watch::channel(Wish::Train).0,
            state: Mutex::new(State { deadline, progress }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The lease goes on until `deadline`, which never moves back.
    pub(super) fn renew(&self, deadline: Instant) {
        let mut state = self.state();
        state.deadline = state.deadline.max(deadline);
    }

    /// How long the lease still lasts.
    pub(super) fn remaining(&self) -> Duration {
        self.state().deadline.saturating_duration_since(Instant::now())
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

    /// Notes how far a task is.
    pub(super) fn note(&self, task: TaskId, progress: Progress) {
        if let Some(entry) = self.state().progress.iter_mut().find(|(id, _)| *id == task) {
            entry.1 = progress;
        }
    }

    /// A task is settled: it is held no more.
    pub(super) fn settle(&self, task: TaskId) {
        self.state().progress.retain(|(id, _)| *id != task);
    }

    /// The unfinished tasks.
    pub(super) fn progress(&self) -> Vec<(TaskId, Progress)> {
        self.state().progress.clone()
    }
}
