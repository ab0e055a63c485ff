//! The outages that this worker waits for: as long as there is one, it takes no new leases and says why.

use basin_domain::outage::{Outage, OutageWait};

use super::boot_instant::BootInstant;

/// The waits of the present, over all slots.
#[derive(Debug, Default)]
pub(super) struct Outages(Vec<OngoingOutage>);

#[derive(Debug)]
struct OngoingOutage {
    wait: u64,
    since: BootInstant,
    outage: Outage,
    holds_result: bool,
}

impl Outages {
    /// Work begins to wait, with a finished result or without one.
    pub(super) fn begin(&mut self, wait: u64, outage: Outage, holds_result: bool, now: BootInstant) {
        tracing::warn!(kind = outage.kind.as_str(), error = outage.message, "an outage is waited for");
        self.0.push(OngoingOutage { wait, since: now, outage, holds_result });
    }

    /// The outage goes on, with another error.
    pub(super) fn update(&mut self, wait: u64, outage: Outage) {
        if let Some(ongoing) = self.0.iter_mut().find(|ongoing| ongoing.wait == wait) {
            ongoing.outage = outage;
        }
    }

    /// The wait is over.
    pub(super) fn end(&mut self, wait: u64) {
        self.0.retain(|ongoing| ongoing.wait != wait);
    }

    /// The outage that was met first, if there is any.
    pub(super) fn current(&self, now: BootInstant) -> Option<OutageWait> {
        let first = self.0.iter().min_by_key(|ongoing| ongoing.since)?;
        let results = self.0.iter().filter(|ongoing| ongoing.holds_result).count();
        Some(OutageWait {
            outage: first.outage.clone(),
            results: u32::try_from(results).unwrap_or(u32::MAX),
            lasting: now - first.since,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use basin_domain::outage::OutageKind;

    use super::*;

    #[test]
    fn the_first_outage_is_told_for_as_long_as_somebody_waits() {
        let now = BootInstant::since_boot(Duration::ZERO);
        let later = now + Duration::from_secs(3);
        let mut outages = Outages::default();
        assert_eq!(outages.current(now), None);
        outages.begin(1, Outage::new(OutageKind::Full, "a"), true, now);
        outages.begin(2, Outage::new(OutageKind::Denied, "b"), false, now + Duration::from_secs(1));
        outages.begin(3, Outage::new(OutageKind::Denied, "c"), true, now + Duration::from_secs(2));
        outages.update(1, Outage::new(OutageKind::Full, "d"));
        let first = outages.current(later).unwrap();
        assert_eq!((first.outage, first.results), (Outage::new(OutageKind::Full, "d"), 2));
        assert_eq!(first.lasting, Duration::from_secs(3));
        outages.end(1);
        let second = outages.current(later).unwrap();
        assert_eq!((second.outage.message.as_str(), second.results), ("b", 1));
        outages.end(2);
        outages.end(3);
        assert_eq!(outages.current(later), None);
    }
}
