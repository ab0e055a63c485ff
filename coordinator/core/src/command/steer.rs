//! People change the course of sweeps and workers.

use basin_domain::id::{SweepId, WorkerId};
use basin_domain::scheduling::SchedulingChange;

/// Changes a sweep's quota of workers; leases that are held go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjust {
    /// The sweep.
    pub sweep: SweepId,
    /// The changes.
    pub adjustment: SchedulingChange,
}

/// No new leases for this sweep's tasks; running ones go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause(pub SweepId);

/// Undoes [`Pause`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume(pub SweepId);

/// Ends a sweep: its queued tasks (that no other live sweep wants) leave the queue, its leases are told to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel(pub SweepId);

/// Failed tasks of the sweep start over with a fresh budget of attempts; those blocked by them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryFailed(pub SweepId);

/// A worker gets no new leases and is told to drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain(pub WorkerId);
