//! Time passes, and processes end and start.

use basin_domain::id::{LeaseId, TaskId, WorkerId};

/// Time has passed: leases that ran out are ended. An expired lease's tasks go first into the state "expiring" until
/// [`Adopt`](super::Adopt) or [`Expire`](super::Expire) settles them, so that a commit which is already in the store is never
/// repeated.
///
/// The reply names the leases that ran out, whose tasks the caller must look up in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick;

/// A lease that ran out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredLease {
    /// The lease.
    pub lease: LeaseId,
    /// Its undecided tasks.
    pub tasks: Vec<TaskId>,
}

/// A worker's process has ended, as somebody on its machine saw: its leases end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exited(pub WorkerId);

/// The coordinator has restarted: live leases get their full duration from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarted;
