//! `basin rebuild`: a journal is made anew from what a store holds, after the one before was lost.
//!
//! The store is read, and what digests prove is believed ([`StoredSweeps`]); of that the events are made that the lost journal would have
//! held of it ([`History`], pure); they are kept in an empty journal, all or none ([`keep_in_file`], [`keep_in_database`]). The store isn't
//! written to. `docs/decisions/0054-rebuilding.md` says why whoever works on under the lost journal does no harm.

mod history;
mod keep;
mod stored_sweeps;

pub use history::{Contradiction, History, RebuiltSweep};
pub use keep::{KeepError, check_copy, keep_in_database, keep_in_file};
pub use stored_sweeps::{LeftOutSweep, Proof, ProvedCommit, StoredSweep, StoredSweeps};
