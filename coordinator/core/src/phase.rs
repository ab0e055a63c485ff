//! Where a task is in its life, and how many tasks are where.

use serde::{Deserialize, Serialize};

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It could run; in a paused or cancelled sweep it isn't given out.
    Queued,
    /// It waits for tasks whose results it reads.
    Blocked,
    /// It waits for a task that failed, or for one that does so: nothing happens until that one is retried.
    UpstreamFailed,
    /// A worker has it.
    Running,
    /// Its lease ended; the store is being asked whether it was committed.
    Expiring,
    /// Committed, having run to its end.
    Completed,
    /// Committed, its training having diverged.
    Diverged,
    /// Committed, a rule of its sweep file having stopped its training.
    Stopped,
    /// It isn't tried again.
    Failed,
}

impl Phase {
    /// Whether its result is in the store.
    pub const fn is_committed(self) -> bool {
        matches!(self, Self::Completed | Self::Diverged | Self::Stopped)
    }

    /// Whether nothing happens to it, and to what depends on it, unless a person acts.
    pub const fn is_dead_end(self) -> bool {
        matches!(self, Self::Failed | Self::UpstreamFailed)
    }

    /// The phase as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Blocked => "blocked",
            Self::UpstreamFailed => "upstream-failed",
            Self::Running => "running",
            Self::Expiring => "expiring",
            Self::Completed => "completed",
            Self::Diverged => "diverged",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// How many tasks are in which phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// [`Phase::Queued`].
    pub queued: u64,
    /// [`Phase::Blocked`].
    pub blocked: u64,
    /// [`Phase::UpstreamFailed`].
    pub upstream_failed: u64,
    /// [`Phase::Running`].
    pub running: u64,
    /// [`Phase::Expiring`].
    pub expiring: u64,
    /// [`Phase::Completed`].
    pub completed: u64,
    /// [`Phase::Diverged`].
    pub diverged: u64,
    /// [`Phase::Stopped`].
    #[serde(default)]
    pub stopped: u64,
    /// [`Phase::Failed`].
    pub failed: u64,
}

impl Counts {
    /// Tasks whose results are in the store.
    pub const fn committed(&self) -> u64 {
        self.completed + self.diverged + self.stopped
    }

    /// Tasks to which something still happens by itself.
    pub const fn open(&self) -> u64 {
        self.queued + self.blocked + self.running + self.expiring
    }

    /// All tasks.
    pub const fn total(&self) -> u64 {
        self.open() + self.committed() + self.failed + self.upstream_failed
    }

    pub(crate) const fn of_mut(&mut self, phase: Phase) -> &mut u64 {
        match phase {
            Phase::Queued => &mut self.queued,
            Phase::Blocked => &mut self.blocked,
            Phase::UpstreamFailed => &mut self.upstream_failed,
            Phase::Running => &mut self.running,
            Phase::Expiring => &mut self.expiring,
            Phase::Completed => &mut self.completed,
            Phase::Diverged => &mut self.diverged,
            Phase::Stopped => &mut self.stopped,
            Phase::Failed => &mut self.failed,
        }
    }
}
