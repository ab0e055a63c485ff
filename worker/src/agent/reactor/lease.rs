//! A lease that this worker holds: its deadline, its tasks and their progress, and whether it should be given up.

use std::collections::VecDeque;
use std::time::Duration;

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::task::LeasedTask;
use basin_domain::worker::Progress;

use super::boot_instant::BootInstant;

/// The agent's directive to the attempts of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// Go on.
    Train,
    /// Checkpoint, upload, release: the worker leaves, or nobody wants the tasks any more.
    GiveBack(ReleaseReason),
    /// Stop at once, write nothing more: the lease is lost.
    Abandon,
}

/// A lease is given up this share of its duration before its end.
const MARGIN: u32 = 6;

/// A task that is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedTask {
    /// The lease that it is held under.
    pub lease: LeaseId,
    /// The task.
    pub task: TaskId,
    /// The reason for giving it back.
    pub reason: ReleaseReason,
}

/// A lease.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: LeaseId,
    /// The slot that works on it.
    pub(super) slot: usize,
    /// The number of tasks that it was granted with.
    pub(super) tasks: usize,
    /// The tasks that no attempt was begun at.
    pub(super) queued: VecDeque<LeasedTask>,
    granted_at: BootInstant,
    directive: Directive,
    /// By this machine's own clock, which nobody sets and which runs on while the machine sleeps; counted from before the
    /// request was sent, so never later than the coordinator's own idea of it.
    deadline: BootInstant,
    /// The duration for which the lease was last granted: its margin is a share of it.
    granted: Duration,
    /// The tasks that aren't settled.
    unsettled: Vec<UnsettledTask>,
}

/// The progress of a task.
#[derive(Debug)]
struct UnsettledTask {
    task: TaskId,
    progress: Progress,
    /// When its executor last showed progress; none before it began, and once it has ended.
    progressed_at: Option<BootInstant>,
}

impl Lease {
    /// A lease granted for a duration by an answer to a request that was sent at `sent`.
    pub(super) fn new(
        id: LeaseId,
        slot: usize,
        tasks: Vec<LeasedTask>,
        sent: BootInstant,
        granted: Duration,
    ) -> Self {
        let unsettled = |task: &LeasedTask| UnsettledTask {
            task: task.id,
            progress: Progress::default(),
            progressed_at: None,
        };
        Self {
            id,
            slot,
            tasks: tasks.len(),
            granted_at: sent,
            directive: Directive::Train,
            deadline: sent + granted,
            granted,
            unsettled: tasks.iter().map(unsettled).collect(),
            queued: tasks.into(),
        }
    }

    /// The time since it was granted.
    pub(super) fn age(&self, now: BootInstant) -> Duration {
        now - self.granted_at
    }

    /// The lease goes on for a duration from `sent` on, also if it would have lasted longer before: a coordinator that grants less
    /// since it was started anew grants the tasks to others as early.
    pub(super) fn renew(&mut self, sent: BootInstant, granted: Duration) {
        self.deadline = sent + granted;
        self.granted = granted;
    }

    /// The lease goes on as if it had been renewed at `sent`, unless it has ended: nobody led at some time since then.
    pub(super) fn outlive_coordinator(&mut self, sent: BootInstant, now: BootInstant) {
        if now < self.deadline {
            self.deadline = self.deadline.max(sent + self.granted);
        }
    }

    /// The moment at which its work has to stop: a margin before its end.
    pub(super) fn fence(&self) -> BootInstant {
        self.deadline - self.granted / MARGIN
    }

    /// Whether its work has to stop, or has to already.
    pub(super) fn is_abandoned(&self, now: BootInstant) -> bool {
        self.directive == Directive::Abandon || now >= self.fence()
    }

    /// The directive to its attempts.
    pub(super) const fn directive(&self) -> Directive {
        self.directive
    }

    /// Gives a directive: true if that changes anything. Nothing takes an `Abandon` back.
    pub(super) fn direct(&mut self, directive: Directive) -> bool {
        let changes = self.directive != directive && self.directive != Directive::Abandon;
        if changes {
            self.directive = directive;
        }
        changes
    }

    fn task_mut(&mut self, task: TaskId) -> Option<&mut UnsettledTask> {
        self.unsettled.iter_mut().find(|unsettled| unsettled.task == task)
    }

    /// A task's executor showed progress with it, and how far it is.
    pub(super) fn note_progress(&mut self, task: TaskId, progress: Progress, at: BootInstant) {
        if let Some(unsettled) = self.task_mut(task) {
            unsettled.progress = progress;
            unsettled.progressed_at = Some(at);
        }
    }

    /// A task's executor showed progress with it.
    pub(super) fn note_activity(&mut self, task: TaskId, at: BootInstant) {
        if let Some(unsettled) = self.task_mut(task) {
            unsettled.progressed_at = Some(at);
        }
    }

    /// A task is trained; its result is yet to be committed.
    pub(super) fn note_trained(&mut self, task: TaskId) {
        if let Some(unsettled) = self.task_mut(task) {
            unsettled.progress.is_held = true;
            unsettled.progressed_at = None;
        }
    }

    /// A task is settled: it is held no more.
    pub(super) fn settle(&mut self, task: TaskId) {
        self.unsettled.retain(|unsettled| unsettled.task != task);
    }

    /// Whether all of its tasks are settled.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// The number of attempts under way, or whose outcome is being reported.
    pub(super) fn under_way(&self) -> usize {
        self.unsettled.len().saturating_sub(self.queued.len())
    }

    /// The tasks that aren't settled, with their progress.
    pub(super) fn progress(&self, now: BootInstant) -> Vec<(TaskId, Progress)> {
        let silent = |at: BootInstant| u64::try_from((now - at).as_millis()).unwrap_or(u64::MAX);
        let of = |unsettled: &UnsettledTask| {
            let silent_ms = unsettled.progressed_at.map(silent);
            (unsettled.task, Progress { silent_ms, ..unsettled.progress })
        };
        self.unsettled.iter().map(of).collect()
    }
}
