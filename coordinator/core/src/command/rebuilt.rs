//! A ledger is made anew, of what the store holds.

use basin_domain::id::Attempt;

/// The journal before was lost, and the ledger has been told what the store holds. Somebody may work on under leases of that journal, and
/// commit: attempts from now on have numbers that none of theirs has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// The highest number of an attempt of which the store has anything; 0 if it has nothing of any.
    pub highest_seen: Attempt,
}
