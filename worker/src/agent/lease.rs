//! A lease that this worker holds: until when, how far, and whether it should be given up.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::task::TaskSpec;
use basin_domain::worker::Progress;
use tokio::sync::watch;

use super::boot_instant::BootInstant;

/// The agent's directive to a running lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
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
    granted_at: BootInstant,
    directive: watch::Sender<Directive>,
    state: Mutex<LeaseState>,
}

#[derive(Debug)]
struct LeaseState {
    /// By this machine's own clock, which nobody sets and which runs on while the machine sleeps; counted from before the request was sent, so never later than the
    /// coordinator's own idea of it.
    deadline: BootInstant,
    /// The span for which the lease was last granted: what its margin is a share of.
    granted: Duration,
    /// Unfinished tasks and how far they are.
    progress: Vec<TaskState>,
}

/// How far a task is.
#[derive(Debug)]
struct TaskState {
    task: TaskId,
    progress: Progress,
    /// When its executor last showed progress; none before it began, and once it has ended.
    heard: Option<Instant>,
}

impl Lease {
    /// A lease granted for a span by an answer to a request that was sent at `sent`.
    pub(super) fn new(id: LeaseId, tasks: Vec<LeasedTask>, sent: BootInstant, granted: Duration) -> Self {
        let task_state =
            |task: &LeasedTask| TaskState { task: task.id, progress: Progress::default(), heard: None };
        let progress = tasks.iter().map(task_state).collect();
        Self {
            id,
            tasks,
            granted_at: sent,
            directive: watch::channel(Directive::Train).0,
            state: Mutex::new(LeaseState { deadline: sent + granted, granted, progress }),
        }
    }

    /// How long ago it was granted.
    pub(super) fn age(&self) -> Duration {
        self.granted_at.elapsed()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, LeaseState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The lease goes on for a span from `sent` on; its end never moves back.
    pub(super) fn renew(&self, sent: BootInstant, granted: Duration) {
        let mut state = self.state();
        state.deadline = state.deadline.max(sent + granted);
        state.granted = granted;
    }

    /// The lease goes on as if it had been renewed at `sent`, unless it has ended: nobody led at some time since then.
    pub(super) fn outlive_coordinator(&self, sent: BootInstant) {
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
        *self.directive.borrow() == Directive::Abandon || self.until_fence().is_zero()
    }

    /// Gives a directive. Nothing takes an `Abandon` back.
    pub(super) fn directive(&self, directive: Directive) {
        self.directive.send_if_modified(|now| {
            let changes = *now != directive && *now != Directive::Abandon;
            if changes {
                *now = directive;
            }
            changes
        });
    }

    /// The directive, and its changes.
    pub(super) fn directives(&self) -> watch::Receiver<Directive> {
        self.directive.subscribe()
    }

    fn with_task(&self, task: TaskId, change: impl FnOnce(&mut TaskState)) {
        if let Some(task_state) = self.state().progress.iter_mut().find(|task_state| task_state.task == task)
        {
            change(task_state);
        }
    }

    /// Notes how far a task is.
    pub(super) fn note(&self, task: TaskId, progress: Progress) {
        self.with_task(task, |task_state| task_state.progress = progress);
    }

    /// A task's executor showed progress with it.
    pub(super) fn note_heard(&self, task: TaskId, at: Instant) {
        self.with_task(task, |task_state| task_state.heard = Some(at));
    }

    /// A task is trained; its result is yet to be delivered.
    pub(super) fn note_trained(&self, task: TaskId) {
        self.with_task(task, |task_state| {
            task_state.progress.is_held = true;
            task_state.heard = None;
        });
    }

    /// A task is settled: it is held no more.
    pub(super) fn settle(&self, task: TaskId) {
        self.state().progress.retain(|task_state| task_state.task != task);
    }

    /// The unfinished tasks.
    pub(super) fn progress(&self) -> Vec<(TaskId, Progress)> {
        let silent = |heard: Instant| u64::try_from(heard.elapsed().as_millis()).unwrap_or(u64::MAX);
        let of = |task_state: &TaskState| {
            (task_state.task, Progress { silent_ms: task_state.heard.map(silent), ..task_state.progress })
        };
        self.state().progress.iter().map(of).collect()
    }
}
