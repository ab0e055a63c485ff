//! The effects that a reactor asks for.

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::outage::OutageWait;
use basin_domain::task::LeasedTask;
use basin_domain::worker::HeldLease;

use super::boot_instant::BootInstant;
use super::lease::{Directive, ReleasedTask};
use super::message::AttemptOutcome;

/// Something to be done around an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Call the coordinator; [`SyncAnswered`](super::Message::SyncAnswered) or [`SyncFailed`](super::Message::SyncFailed) follows.
    Sync {
        /// The number of the call.
        call: u64,
        /// The request.
        request: SyncRequest,
    },
    /// Drop the `Sync` that is under way: what it says is outdated.
    CancelSync,
    /// Begin an attempt; [`AttemptEnded`](super::Message::AttemptEnded) follows.
    BeginAttempt {
        /// The slot whose executor trains it.
        slot: usize,
        /// The task's lease.
        lease: LeaseId,
        /// The number of tasks of the lease.
        lanes: usize,
        /// The task.
        task: Box<LeasedTask>,
    },
    /// Tell the attempts of a lease of a new directive.
    Direct {
        /// The lease.
        lease: LeaseId,
        /// The directive.
        directive: Directive,
    },
    /// Tell the coordinator of an attempt's outcome until it hears; [`OutcomeReported`](super::Message::OutcomeReported) follows.
    Report {
        /// The task's lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
        /// The outcome.
        outcome: AttemptOutcome,
    },
    /// A lease is held no more.
    ForgetLease(LeaseId),
    /// Send [`Timer`](super::Message::Timer) at this moment; it takes the place of the timer before.
    SetTimer(BootInstant),
    /// Stop all attempts, their executors and the calls under way; [`AttemptsStopped`](super::Message::AttemptsStopped) follows.
    StopAttempts,
    /// The last effect of all: give back these tasks, make a last `Sync`, and exit.
    Deregister {
        /// The reason for exiting.
        exit: ExitReason,
        /// The tasks to give back.
        releases: Vec<ReleasedTask>,
        /// The last `Sync`: no leases, no free slots.
        request: SyncRequest,
    },
    /// The last effect of all: exit, since the coordinator refuses this worker's calls for good.
    ExitRefused,
}

/// The reason for which an agent exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// It was asked to, by a signal or by the coordinator.
    Drained,
    /// There was no work for as long as it should wait.
    Idle,
    /// Its walltime is over.
    Walltime,
}

impl ExitReason {
    /// The reason for which the agent gives its tasks back then.
    pub(super) const fn release_reason(self) -> ReleaseReason {
        match self {
            Self::Drained => ReleaseReason::Preemption,
            Self::Walltime => ReleaseReason::Walltime,
            Self::Idle => ReleaseReason::Drain,
        }
    }
}

/// A `Sync`: the leases that a worker holds, and what it can take.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRequest {
    /// The leases that it holds.
    pub holds: Vec<HeldLease>,
    /// The slots that are free.
    pub free_slots: u32,
    /// The most tasks that a lease should have.
    pub max_pack: u32,
    /// It is leaving.
    pub draining: bool,
    /// The outage that it waits for.
    pub waiting: Option<OutageWait>,
    /// The number of the last answer.
    pub seen: u64,
}
