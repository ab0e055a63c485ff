//! The messages that a reactor handles.

use std::time::Duration;

use basin_domain::digest::Digest;
use basin_domain::failure::{Failure, ReleaseReason};
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::outage::Outage;
use basin_domain::task::LeasedTask;
use basin_domain::worker::{Progress, RevocationReason};

/// Something that has happened around an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The moment of the last [`SetTimer`](super::Effect::SetTimer) has come; also the first message of all.
    Timer,
    /// The worker is asked to leave.
    Shutdown,
    /// The coordinator answered the `Sync` with this number.
    SyncAnswered {
        /// The number of the call.
        call: u64,
        /// The answer.
        reply: SyncReply,
    },
    /// No leader answered the `Sync` with this number.
    SyncFailed {
        /// The number of the call.
        call: u64,
        /// The reason.
        failure: SyncFailure,
    },
    /// A task's executor showed progress with it, without a word of how far it is.
    Active {
        /// The task's lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
    },
    /// A task's executor showed progress with it, and how far it is.
    Progressed {
        /// The task's lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
        /// Its progress.
        progress: Progress,
    },
    /// A task is trained; its result is yet to be committed.
    Trained {
        /// The task's lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
    },
    /// An attempt has ended.
    AttemptEnded {
        /// The task's lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
        /// The outcome.
        outcome: AttemptOutcome,
    },
    /// The coordinator knows of an attempt's outcome, or will never.
    OutcomeReported {
        /// The task's lease.
        lease: LeaseId,
        /// The task.
        task: TaskId,
    },
    /// Work began to wait for an outage to end.
    OutageBegan {
        /// A number that no other wait has.
        wait: u64,
        /// The outage.
        outage: Outage,
        /// Whether a finished result waits.
        holds_result: bool,
    },
    /// The outage goes on, with another error.
    OutageGoesOn {
        /// The number of the wait.
        wait: u64,
        /// The outage as it was met last.
        outage: Outage,
    },
    /// The wait is over.
    OutageEnded {
        /// The number of the wait.
        wait: u64,
    },
    /// All attempts are stopped, as [`StopAttempts`](super::Effect::StopAttempts) demanded.
    AttemptsStopped,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The store has a commit of this task, by this attempt or by an earlier one.
    Committed {
        /// The digest of the committed manifest.
        manifest: Digest,
    },
    /// It failed.
    Failed(Failure),
    /// It was given back; its last checkpoint is in the store.
    Released(ReleaseReason),
    /// The lease was lost: nothing is reported.
    Abandoned,
}

/// The coordinator's answer to a `Sync`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncReply {
    /// The number of the answer.
    pub answer: u64,
    /// Leases that go on, and for how long.
    pub renewed: Vec<(LeaseId, Duration)>,
    /// Leases to stop.
    pub stop: Vec<(LeaseId, RevocationReason)>,
    /// New leases.
    pub grants: Vec<Grant>,
    /// The pause until the next `Sync`.
    pub next_sync: Duration,
    /// Whether the worker is to leave.
    pub drain: bool,
}

/// A new lease.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Its id.
    pub lease: LeaseId,
    /// Its tasks.
    pub tasks: Vec<LeasedTask>,
    /// Its duration.
    pub duration: Duration,
}

/// The way in which a `Sync` failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncFailure {
    /// It is certain that no coordinator led at some time after the call began.
    pub nobody_leads: bool,
    /// The pause that the coordinator asked for.
    pub retry_after: Option<Duration>,
    /// The coordinator doesn't let this worker call: its token is unknown, revoked, expired or of another role.
    pub is_refused: bool,
}
