//! The clock that goes on while the machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::reactor::BootInstant;

/// The clock that is never set and that a sleeping machine doesn't stop. `Instant` stands still in a suspended machine, whose
/// leases would then seem to have time left when it wakes.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
/// Elsewhere this one runs on.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// The interval at which a waiting task reads the clock: a timer of the runtime stands still while the machine sleeps.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Now.
pub(super) fn now() -> BootInstant {
    let time = clock_gettime(CLOCK);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    BootInstant::since_boot(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default()))
}

/// Waits until then by `now`; for ever if there is no such moment.
pub(super) async fn wait_until(moment: Option<BootInstant>, now: impl Fn() -> BootInstant) {
    let Some(moment) = moment else { return std::future::pending().await };
    loop {
        let left = moment - now();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(POLL_INTERVAL)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_count_the_time_since_the_machine_was_started() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        let now = now();
        // `/proc/uptime` counts the time asleep, as `Instant` doesn't.
        let since_boot = now - BootInstant::since_boot(Duration::ZERO);
        assert!((since_boot.as_secs_f64() - uptime).abs() < 5.0, "{now:?} {uptime}");
        assert!(super::now() - (now - Duration::from_secs(1)) >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_moment_that_is_over_is_not_waited_for() {
        wait_until(Some(now()), now).await;
        let forever = wait_until(None, now);
        assert!(tokio::time::timeout(Duration::from_millis(1), forever).await.is_err());
    }
}
