//! The machine under a coordinator: its clock, its randomness, and where its parts run.

use std::fmt::Debug;
use std::sync::Arc;

use basin_domain::id::LeaseId;

use crate::journal::{Clock, SystemClock};
use crate::work_host::WorkHost;

/// What a leader takes from its machine.
pub trait Platform: Debug + Send + Sync {
    /// A clock that begins at the time of day, and that nobody sets from then on.
    fn clock(&self) -> Arc<dyn Clock>;

    /// A lease id that was never used.
    fn new_lease_id(&self) -> LeaseId;

    /// Where its ledger decides, and what workers say is kept.
    fn work_host(&self) -> WorkHost;
}

/// The machine that this process runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPlatform;

impl Platform for SystemPlatform {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock::default())
    }

    fn new_lease_id(&self) -> LeaseId {
        LeaseId::new(uuid::Uuid::new_v4().simple().to_string()).expect("a UUID's digits make an id")
    }

    fn work_host(&self) -> WorkHost {
        WorkHost::Thread
    }
}
