//! What workers said of late of their use of their machines, for people who look on: in memory alone, and bounded. Nothing is decided by it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use basin_domain::id::WorkerId;
use basin_domain::time::Timestamp;
use basin_domain::worker::WorkerUsage;

/// The most workers: as many as a ledger knows at a time.
const WORKERS: usize = 16_384;
/// For how long what a worker said holds. One that is idle calls every ten seconds.
const HOLDS: Duration = Duration::from_secs(30);

/// The latest usage of each worker.
#[derive(Debug, Default)]
pub struct WorkerUsages(Mutex<HashMap<WorkerId, SaidUsage>>);

/// A usage as a worker said it.
#[derive(Debug, Clone, Copy)]
struct SaidUsage {
    usage: WorkerUsage,
    said: Timestamp,
}

impl SaidUsage {
    fn holds(&self, now: Timestamp) -> bool {
        now - self.said <= HOLDS
    }
}

impl WorkerUsages {
    /// A worker that the ledger knows said this.
    pub(super) fn note(&self, worker: &WorkerId, usage: WorkerUsage, now: Timestamp) {
        let mut all = self.all();
        if all.len() >= WORKERS && !all.contains_key(worker) {
            all.retain(|_, said| said.holds(now));
            if all.len() >= WORKERS {
                return;
            }
        }
        all.insert(worker.clone(), SaidUsage { usage, said: now });
    }

    /// What a worker said last; none if that is too long ago to hold.
    pub fn of(&self, worker: &WorkerId, now: Timestamp) -> Option<WorkerUsage> {
        self.all().get(worker).filter(|said| said.holds(now)).map(|said| said.usage)
    }

    /// A worker has left.
    pub(super) fn forget(&self, worker: &WorkerId) {
        self.all().remove(worker);
    }

    /// Forgets all that doesn't hold any more.
    pub(super) fn forget_old(&self, now: Timestamp) {
        self.all().retain(|_, said| said.holds(now));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<WorkerId, SaidUsage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(number: usize) -> WorkerId {
        WorkerId::new(format!("w-{number}")).unwrap()
    }

    fn usage(cores: u32) -> WorkerUsage {
        WorkerUsage { cores, ..WorkerUsage::default() }
    }

    #[test]
    fn the_latest_holds_for_a_while_and_goes_with_its_worker() {
        let usages = WorkerUsages::default();
        assert_eq!(usages.of(&worker(1), Timestamp(0)), None);
        usages.note(&worker(1), usage(4), Timestamp(1_000));
        usages.note(&worker(1), usage(8), Timestamp(2_000));
        assert_eq!(usages.of(&worker(1), Timestamp(32_000)), Some(usage(8)));
        assert_eq!(usages.of(&worker(1), Timestamp(32_001)), None);
        assert_eq!(usages.of(&worker(2), Timestamp(2_000)), None);
        usages.forget(&worker(1));
        assert_eq!(usages.of(&worker(1), Timestamp(2_000)), None);
    }

    #[test]
    fn there_is_room_for_as_many_as_a_ledger_knows_and_old_ones_make_some() {
        let usages = WorkerUsages::default();
        for number in 0..WORKERS {
            usages.note(&worker(number), usage(1), Timestamp(0));
        }
        usages.note(&worker(WORKERS), usage(2), Timestamp(0));
        assert_eq!(usages.of(&worker(WORKERS), Timestamp(0)), None);
        usages.note(&worker(0), usage(3), Timestamp(1));
        assert_eq!(usages.of(&worker(0), Timestamp(1)), Some(usage(3)), "one that is there has room");
        usages.note(&worker(WORKERS), usage(2), Timestamp(30_001));
        assert_eq!(usages.all().len(), 2);
        assert_eq!(usages.of(&worker(0), Timestamp(30_001)), Some(usage(3)));
        usages.forget_old(Timestamp(60_002));
        assert!(usages.all().is_empty());
    }
}
