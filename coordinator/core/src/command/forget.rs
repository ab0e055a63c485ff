//! A sweep that is over leaves the ledger.

use basin_domain::id::SweepId;

/// Takes a sweep that is over out of the ledger, and with it the tasks that no other sweep lists and no task of another reads.
/// Asked again, it has happened already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forget(pub SweepId);

/// The answer to [`Forget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgetReply {
    /// The tasks that the sweep listed; none if it was forgotten before.
    pub tasks: u64,
}
