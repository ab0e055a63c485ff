//! What all parts of a run share: its time, its story, what is checked, and the media that outlive every process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::checks::Checks;
use crate::disk::Disk;
use crate::host::Host;
use crate::network::Network;
use crate::plan::{Millis, Plan};
use crate::store::Objects;

/// A part that is wrong on purpose, to show that the checks would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The store ignores conditions, but for those by which it is probed.
    ConditionsIgnored,
    /// The journal answers before what it has written is on disk.
    FsyncSkipped,
    /// Coordinators' clocks go so fast that leases end before workers know.
    LeasesEndEarly,
    /// A worker that reaches no coordinator can start no executor, and says that the task is to blame.
    ConnectionsCharged,
    /// Executors go on from a checkpoint as if they had not made its last step.
    CheckpointsStale,
    /// Coordinators' clocks stand still after a while: nothing that waits for a time is done.
    ClocksStand,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokenPromise {
    pub(crate) promise: &'static str,
    pub(crate) what: String,
}

/// A run.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) flaw: Option<Flaw>,
    pub(crate) network: Arc<Network>,
    pub(crate) objects: Objects,
    /// The journal of each coordinator; those that share one have the same.
    pub(crate) disks: Vec<Arc<Disk>>,
    /// Hosts whose processes have died in a write.
    pub(crate) deaths: mpsc::UnboundedSender<Host>,
    /// How far the time of day of hosts is from the true one, in milliseconds.
    pub(crate) clocks: Mutex<BTreeMap<Host, i64>>,
    checks: Mutex<Checks>,
    began: Instant,
    ids: AtomicU64,
    story: Mutex<Vec<(Millis, String)>>,
    broken: Mutex<Option<BrokenPromise>>,
}

impl World {
    pub(crate) fn new(plan: Plan, flaw: Option<Flaw>, deaths: mpsc::UnboundedSender<Host>) -> Arc<Self> {
        let shared = Arc::<Disk>::default();
        let alone = plan.cluster.coordinators == 1;
        let disk = |_| if alone { Arc::default() } else { Arc::clone(&shared) };
        Arc::new(Self {
            network: Arc::new(Network::new(plan.seed)),
            objects: Objects::new(plan.seed),
            disks: (0..plan.cluster.coordinators).map(disk).collect(),
            deaths,
            clocks: Mutex::default(),
            checks: Mutex::default(),
            began: Instant::now(),
            ids: AtomicU64::new(1),
            story: Mutex::default(),
            broken: Mutex::default(),
            plan,
            flaw,
        })
    }

    /// The time since the beginning.
    pub(crate) fn now(&self) -> Millis {
        self.began.elapsed().as_millis() as Millis
    }

    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// A number that nothing else of this run has.
    pub(crate) fn number(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// The time of day at a host, in milliseconds since the Unix epoch.
    pub(crate) fn unix_ms(&self, host: Host) -> u64 {
        let offset = self.clocks.lock().unwrap().get(&host).copied().unwrap_or_default();
        (1_800_000_000_000 + self.now()).saturating_add_signed(offset)
    }

    pub(crate) fn checks(&self) -> MutexGuard<'_, Checks> {
        self.checks.lock().unwrap()
    }

    /// Something happened that a reader of the story wants to know.
    pub(crate) fn tell(&self, what: impl Into<String>) {
        self.story.lock().unwrap().push((self.now(), what.into()));
    }

    /// The first promise that is broken ends the run.
    pub(crate) fn breaks(&self, promise: &'static str, what: impl Into<String>) {
        let what = what.into();
        self.tell(format!("BROKEN: {promise}: {what}"));
        self.broken.lock().unwrap().get_or_insert(BrokenPromise { promise, what });
    }

    pub(crate) fn broken(&self) -> Option<BrokenPromise> {
        self.broken.lock().unwrap().clone()
    }

    /// All that was told, a line each.
    pub(crate) fn story(&self) -> Vec<String> {
        let line = |(at, what): &(Millis, String)| format!("{:8.3} s  {what}", *at as f64 / 1e3);
        self.story.lock().unwrap().iter().map(line).collect()
    }
}
