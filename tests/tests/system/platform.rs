//! The machines under coordinators and workers.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use basin_coordinator::journal::Clock;
use basin_coordinator::work_host::WorkHost;
use basin_domain::id::LeaseId;
use basin_domain::time::Timestamp;
use basin_storage::{StorageError, Store};
use basin_worker::agent::reactor::BootInstant;
use basin_worker::agent::{Program, StartedExecutor};

use crate::executor;
use crate::host::{Host, Life};
use crate::store::{self, StoreView};
use crate::world::{Flaw, World};

/// Under the flaw, clocks stand still so long after they were made.
const CLOCKS_STAND_AT: u64 = 8_000;

/// A host's machine, as one of its processes has it.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) world: Arc<World>,
    pub(crate) host: Host,
    pub(crate) life: Life,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({})", self.host)
    }
}

/// The time of day when it was made, and the true pace from then on.
struct SteadyClock {
    world: Arc<World>,
    began_unix: u64,
    began: u64,
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let since = self.world.now() - self.began;
        let pace = if self.world.has(Flaw::LeasesEndEarly) { 3 } else { 1 };
        let since = if self.world.has(Flaw::ClocksStand) { since.min(CLOCKS_STAND_AT) } else { since };
        Timestamp(self.began_unix + since * pace)
    }
}

impl basin_coordinator::platform::Platform for Machine {
    fn clock(&self) -> Arc<dyn Clock> {
        let (began_unix, began) = (self.world.unix_ms(self.host), self.world.now());
        Arc::new(SteadyClock { world: Arc::clone(&self.world), began_unix, began })
    }

    fn new_lease_id(&self) -> LeaseId {
        LeaseId::new(format!("lease{}", self.world.number())).unwrap()
    }

    fn work_host(&self) -> WorkHost {
        WorkHost::Runtime
    }
}

impl basin_worker::agent::Platform for Machine {
    fn boot_time(&self) -> BootInstant {
        BootInstant::since_boot(Duration::from_secs(1_000) + Duration::from_millis(self.world.now()))
    }

    fn unix_time(&self) -> Duration {
        Duration::from_millis(self.world.unix_ms(self.host))
    }

    fn open_store(&self, url: &str) -> Result<Store, StorageError> {
        assert_eq!(url, store::URL);
        Ok(StoreView::open(&self.world, self.host, &self.life))
    }

    fn start_executor(&self, _: &Program) -> io::Result<StartedExecutor> {
        let network = &self.world.network;
        let is_cut = |number| network.is_cut(self.host, Host::Coordinator(number));
        if self.world.has(Flaw::ConnectionsCharged) && (0..self.world.disks.len()).any(is_cut) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(executor::start(&self.world, self.host, &self.life))
    }

    fn tells_usage(&self) -> bool {
        false
    }
}
