//! A ledger's journalled state in a form that can be kept, and a ledger from it.

use serde::{Deserialize, Serialize};

use super::Ledger;
use super::audit::Violation;
use super::index::Index;
use super::state::JournalledState;
use crate::command::Policy;

/// The state that durable events have determined so far. Applying later events to a ledger restored from it gives the same ledger
/// as applying all of them to an empty one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot(JournalledState);

/// The snapshot contradicts itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the snapshot contradicts itself: {0}")]
pub struct InvalidSnapshot(#[source] pub Violation);

impl Ledger {
    /// The journalled state at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.state.clone())
    }

    /// A ledger as it was when the snapshot was taken, without what workers said.
    ///
    /// # Errors
    /// If the snapshot names tasks, sweeps or shapes that it doesn't hold.
    pub fn restore(policy: Policy, Snapshot(mut state): Snapshot) -> Result<Self, InvalidSnapshot> {
        state.check_references().map_err(InvalidSnapshot)?;
        state.at = state.at.max(state.latest_mention());
        let index = Index::build(&state);
        Ok(Self { state, index, ..Self::new(policy) })
    }
}
