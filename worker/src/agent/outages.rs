//! The outages that this worker waits for: as long as there is one, it takes no new leases and says why.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use basin_domain::outage::{Outage, OutageWait};

/// What waits at present, over all slots.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<Vec<OngoingOutage>>);

#[derive(Debug)]
struct OngoingOutage {
    number: u64,
    since: Instant,
    outage: Outage,
    holds_result: bool,
}

impl Outages {
    fn entries(&self) -> MutexGuard<'_, Vec<OngoingOutage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody begins to wait, with a finished result or without one, until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, outage: Outage, holds_result: bool) -> OutageGuard {
        tracing::warn!(kind = outage.kind.as_str(), error = outage.message, "an outage is waited for");
        let mut entries = self.entries();
        let number = entries.last().map_or(0, |last| last.number + 1);
        entries.push(OngoingOutage { number, since: Instant::now(), outage, holds_result });
        OutageGuard { number, outages: Arc::clone(self) }
    }

    /// What this worker waits for, if for anything: the outage that was met first.
    pub(super) fn current(&self) -> Option<OutageWait> {
        let entries = self.entries();
        let first = entries.iter().min_by_key(|entry| entry.since)?;
        let results = entries.iter().filter(|entry| entry.holds_result).count();
        Some(OutageWait {
            outage: first.outage.clone(),
            results: u32::try_from(results).unwrap_or(u32::MAX),
            lasting: first.since.elapsed(),
        })
    }
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct OutageGuard {
    number: u64,
    outages: Arc<Outages>,
}

impl OutageGuard {
    /// What was said about the outage last.
    pub(super) fn update(&self, outage: Outage) {
        let mut entries = self.outages.entries();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.number == self.number) {
            entry.outage = outage;
        }
    }
}

impl Drop for OutageGuard {
    fn drop(&mut self) {
        self.outages.entries().retain(|entry| entry.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::outage::OutageKind;

    use super::*;

    #[test]
    fn the_first_outage_is_told_for_as_long_as_somebody_waits() {
        let outages = Arc::new(Outages::default());
        assert_eq!(outages.current(), None);
        let first = outages.begin(Outage::new(OutageKind::Full, "a"), true);
        let second = outages.begin(Outage::new(OutageKind::Denied, "b"), false);
        let third = outages.begin(Outage::new(OutageKind::Denied, "c"), true);
        first.update(Outage::new(OutageKind::Full, "d"));
        let now = outages.current().unwrap();
        assert_eq!((now.outage, now.results), (Outage::new(OutageKind::Full, "d"), 2));
        drop(first);
        let now = outages.current().unwrap();
        assert_eq!((now.outage.message.as_str(), now.results), ("b", 1));
        drop((second, third));
        assert_eq!(outages.current(), None);
    }
}
