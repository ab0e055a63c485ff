//! A ledger is made anew, of what the store holds.

use basin_domain::id::Attempt;
use basin_domain::time::Timestamp;

use super::request::{Decision, Request, done, nothing_to_do};
use crate::Ledger;
use crate::command::Rebuilt;
use crate::event::Change;

/// Numbers begin behind the next multiple of this. An attempt leaves something in the store with its first checkpoint at the latest; so
/// many in a row that left nothing, and of which one comes back, aren't to be expected. Should it happen, work is done twice: keys have
/// the lease in them, and no two journals make the same lease.
const ERA: u32 = 1_000;
/// Whoever writes higher numbers into a store is none of ours.
const MOST: u32 = 1 << 30;

impl Request for Rebuilt {
    type Reply = ();

    fn decide(self, ledger: &Ledger, _: Timestamp) -> Decision<()> {
        let Self { highest_seen } = self;
        let attempts = (highest_seen.0.min(MOST) / ERA + 1) * ERA;
        match attempts > ledger.state.lost_attempts {
            true => done(vec![Change::Rebuilt { attempts: Attempt(attempts) }]),
            false => nothing_to_do(),
        }
    }
}
