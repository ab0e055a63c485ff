//! How many calls a caller may make: the generic cell rate algorithm (ITU-T I.371; crate `governor`), a cell for each caller, of
//! which there are no more than memory has room for.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{HashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};

use super::TokenId;

/// A caller may make this many seconds' worth of calls at once, after having been quiet.
const BURST_SECONDS: u32 = 2;
/// The highest rate: above it calls are closer than a caller can make them, and a limit is none.
const HIGHEST: NonZeroU32 = NonZeroU32::new(1_000_000).expect("a million is not zero");
/// The most callers that are kept apart.
const CALLERS: usize = 16_384;
/// How often a full table is looked through for callers who have been quiet: each time would cost more than a call.
const SWEEP: Duration = Duration::from_secs(1);

/// The calls that are counted together: those that show one token from one address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerKey {
    /// The token, if one is shown.
    pub token: Option<TokenId>,
    /// The address, if it is known.
    pub address: Option<IpAddr>,
}

/// Those who are counted together where there is no room to tell them apart.
const THE_REST: CallerKey = CallerKey { token: None, address: None };

/// The rates of all callers.
pub struct RateLimits<C: Clock = MonotonicClock> {
    limiter: RateLimiter<CallerKey, BoundedStore, C, NoOpMiddleware<C::Instant>>,
    /// When the table was last looked through.
    swept: Mutex<Option<Instant>>,
}

impl RateLimits {
    /// So many calls a second for each caller.
    pub fn new(per_second: u32) -> Self {
        Self::with_clock(per_second, MonotonicClock)
    }
}

impl<C: Clock> RateLimits<C> {
    fn with_clock(per_second: u32, clock: C) -> Self {
        let rate = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN).min(HIGHEST);
        let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
        let quota = Quota::per_second(rate).allow_burst(burst);
        let store = BoundedStore(HashMapStateStore::new(HashMap::new()));
        Self { limiter: RateLimiter::new(quota, store, clock), swept: Mutex::new(None) }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// If it is one too many: how long to wait.
    pub fn count(&self, key: &CallerKey) -> Result<(), Duration> {
        if self.limiter.len() >= CALLERS {
            self.sweep(Instant::now());
        }
        let now = self.limiter.clock().now();
        self.limiter.check_key(key).map_err(|until| until.wait_time_from(now))
    }

    /// Forgets callers who have been quiet for so long that they are as ones who were never there.
    fn sweep(&self, now: Instant) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP) {
            *swept = Some(now);
            self.limiter.retain_recent();
        }
    }
}

impl<C: Clock> fmt::Debug for RateLimits<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RateLimits").field("callers", &self.limiter.len()).finish_non_exhaustive()
    }
}

/// A table that stays within its bound: callers beyond it are counted together.
struct BoundedStore(HashMapStateStore<CallerKey>);

impl StateStore for BoundedStore {
    type Key = CallerKey;

    fn measure_and_replace<T, F, E>(&self, key: &CallerKey, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let has_room = {
            let table = self.0.lock();
            table.len() < CALLERS || table.contains_key(key)
        };
        self.0.measure_and_replace(if has_room { key } else { &THE_REST }, measure)
    }
}

impl ShrinkableKeyedStateStore<CallerKey> for BoundedStore
where
    CallerKey: Hash,
{
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn len(&self) -> usize {
        ShrinkableKeyedStateStore::len(&self.0)
    }

    fn is_empty(&self) -> bool {
        ShrinkableKeyedStateStore::is_empty(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn caller(number: u32) -> CallerKey {
        CallerKey { token: None, address: Some(IpAddr::V4(number.into())) }
    }

    fn limits(per_second: u32) -> (RateLimits<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (RateLimits::with_clock(per_second, clock.clone()), clock)
    }

    #[test]
    fn a_caller_may_burst_and_then_keeps_to_its_rate() {
        let (rates, clock) = limits(10);
        let allowed = (0..100).filter(|_| rates.count(&caller(1)).is_ok()).count();
        assert_eq!(allowed, 20);
        let wait = rates.count(&caller(1)).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        clock.advance(wait);
        assert!(rates.count(&caller(1)).is_ok());
        clock.advance(Duration::from_secs(2) - wait);
        let allowed = (0..100).filter(|_| rates.count(&caller(1)).is_ok()).count();
        assert_eq!(allowed, 19, "two seconds' worth, of which one call was made");
    }

    #[test]
    fn callers_do_not_take_from_each_other() {
        let (rates, _) = limits(1);
        while rates.count(&caller(1)).is_ok() {}
        assert!(rates.count(&caller(2)).is_ok());
        let token = TokenId::new("ab").unwrap();
        assert!(rates.count(&CallerKey { token: Some(token), ..caller(1) }).is_ok());
    }

    #[test]
    fn any_number_of_calls_a_second_is_a_rate() {
        for per_second in [0, 1, 1_000_000, u32::MAX] {
            let (rates, _) = limits(per_second);
            assert!(rates.count(&caller(1)).is_ok());
        }
    }

    #[test]
    fn the_table_of_callers_stays_within_its_bound() {
        let (rates, clock) = limits(1);
        for number in 0..2 * u32::try_from(CALLERS).unwrap() {
            let _ = rates.count(&caller(number));
        }
        let kept = rates.limiter.len();
        assert!(kept <= CALLERS + 1, "{kept}");
        assert!(rates.count(&caller(u32::MAX)).is_err(), "the rest are counted together");
        assert!(rates.count(&caller(1)).is_ok(), "who is known has a rate of its own");
        // Once they have been quiet, there is room again.
        clock.advance(Duration::from_secs(10));
        rates.sweep(Instant::now() + SWEEP);
        assert!(rates.count(&caller(u32::MAX)).is_ok());
        assert_eq!(rates.limiter.len(), 1);
    }
}
