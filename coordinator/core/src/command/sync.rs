//! A worker says what it is and holds, and hears what it should do.

use basin_domain::id::{LeaseId, WorkerId};
use basin_domain::outage::OutageWait;
use basin_domain::task::LeasedTask;
use basin_domain::time::Timestamp;
use basin_domain::worker::{HeldLease, RevocationReason, WorkerDescription};

/// A worker describes itself and its leases, and asks for more.
#[derive(Debug, Clone, PartialEq)]
pub struct Sync {
    /// The worker.
    pub worker: WorkerId,
    /// Its description.
    pub description: WorkerDescription,
    /// The leases it holds, with progress. A lease of this worker that isn't here is one it lost: it is ended like an
    /// expired one, unless it was granted in an answer that the worker may not have seen yet (see `seen`).
    pub holds: Vec<HeldLease>,
    /// How many more leases it could start now.
    pub free_slots: u32,
    /// Leases at most this many tasks long may be granted (packs).
    pub max_pack: u32,
    /// It is leaving: no new leases.
    pub draining: bool,
    /// It waits for an outage to end: no new leases.
    pub waiting: Option<OutageWait>,
    /// The number of the last answer that the worker received (0: none). A lease that was granted in a later answer, and
    /// that the worker doesn't hold, is granted again under the same attempt; so a worker ignores answers that don't rise.
    pub seen: u64,
    /// Fresh lease ids that `decide` may use, one a free slot (randomness is an argument).
    pub fresh: Vec<LeaseId>,
}

/// The answer to [`Sync`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Synced {
    /// The number of this answer, rising for each worker.
    pub answer: u64,
    /// New leases.
    pub grants: Vec<Grant>,
    /// Leases that go on, and until when; also those to stop as cancelled, so that there is time to give them back.
    pub renewed: Vec<(LeaseId, Timestamp)>,
    /// Leases that the worker holds and should give up: ended, unknown, or wanted by no sweep any more.
    pub stop: Vec<(LeaseId, RevocationReason)>,
    /// The worker should finish nothing more, release and leave.
    pub drain: bool,
    /// Nothing is queued and nothing leased that could queue more: an embedded worker may leave.
    pub idle: bool,
}

/// A lease that a worker got.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The lease.
    pub lease: LeaseId,
    /// Until when, if it isn't renewed.
    pub expires: Timestamp,
    /// Its tasks, of one shape.
    pub tasks: Vec<LeasedTask>,
}
