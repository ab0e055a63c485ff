//! Time that goes on while the machine sleeps.

use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The clock that is never set and that a sleeping machine doesn't stop. `Instant` stands still in a suspended machine, whose
/// leases would then seem to have time left when it wakes.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
/// Elsewhere this one runs on.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// How often somebody who waits looks at the clock: a timer of the runtime stands still while the machine sleeps.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A moment, by this machine's clock since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BootInstant(Duration);

impl BootInstant {
    /// Now.
    pub(super) fn now() -> Self {
        let time = clock_gettime(CLOCK);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Self(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default()))
    }

    /// How long ago it was.
    pub(super) fn elapsed(self) -> Duration {
        Self::now() - self
    }

    /// How long it is until then; nothing if it is over.
    pub(super) fn remaining(self) -> Duration {
        self - Self::now()
    }

    /// Waits until then; for ever if there is no such moment.
    pub(super) async fn wait_for(moment: Option<Self>) {
        let Some(moment) = moment else { return std::future::pending().await };
        loop {
            let left = moment.remaining();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(POLL_INTERVAL)).await;
        }
    }
}

impl Add<Duration> for BootInstant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

impl Sub<Duration> for BootInstant {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }
}

impl Sub for BootInstant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_count_the_time_since_the_machine_was_started() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        let now = BootInstant::now();
        // `/proc/uptime` counts the time asleep, as `Instant` doesn't.
        assert!((now.0.as_secs_f64() - uptime).abs() < 5.0, "{now:?} {uptime}");
        assert!((now - Duration::from_secs(1)).elapsed() >= Duration::from_secs(1));
        assert_eq!((now - Duration::from_secs(1)).remaining(), Duration::ZERO);
        assert_eq!(now - (now + Duration::from_secs(1)), Duration::ZERO);
    }

    #[tokio::test]
    async fn what_is_over_is_not_waited_for() {
        BootInstant::wait_for(Some(BootInstant::now())).await;
        let forever = BootInstant::wait_for(None);
        assert!(tokio::time::timeout(Duration::from_millis(1), forever).await.is_err());
    }
}
