//! What keeps launches and clean-ups of one coordinator apart.

use tokio::sync::{Mutex, RwLock};

/// Launches read, who forgets a sweep writes: a sweep is in the store before the ledger knows it, and must not be taken out of there
/// in between. One collection of garbage at a time. What other coordinators of the same store do is kept apart in the store.
#[derive(Debug, Default)]
pub struct CleanUp {
    pub(super) launches: RwLock<()>,
    pub(super) collection: Mutex<()>,
}
