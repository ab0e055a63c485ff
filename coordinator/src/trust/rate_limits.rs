//! How many calls a caller may make: a bucket of tokens each (Turner 1986, IEEE Communications Magazine 24(10)).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::TokenId;

/// A caller may make this many seconds' worth of calls at once, after having been quiet.
const BURST_SECONDS: f64 = 2.0;
/// The most callers that are kept apart.
const CALLERS: usize = 16_384;
/// How often a full table is looked through for callers who have been quiet: each time would cost more than a call.
const SWEEP: Duration = Duration::from_secs(1);

/// Who is counted together: those who show one token from one address.
pub type Key = (Option<TokenId>, Option<IpAddr>);

/// The rates of all callers.
#[derive(Debug)]
pub struct RateLimits {
    per_second: f64,
    table: Mutex<BucketTable>,
}

#[derive(Debug, Default)]
struct BucketTable {
    buckets: HashMap<Key, Bucket>,
    /// When it was last looked through.
    swept: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl RateLimits {
    /// So many calls a second for each caller.
    pub fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second.max(1)), table: Mutex::default() }
    }

    fn capacity(&self) -> f64 {
        self.per_second * BURST_SECONDS
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + since * self.per_second).min(self.capacity())
    }

    /// Counts a call.
    ///
    /// # Errors
    /// If it is one too many: how long to wait.
    pub fn count(&self, key: Key, now: Instant) -> Result<(), Duration> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let BucketTable { buckets, swept } = &mut *table;
        let mut key = key;
        if buckets.len() >= CALLERS && !buckets.contains_key(&key) {
            if swept.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP) {
                *swept = Some(now);
                // Who has been quiet for long enough is as one who was never there.
                buckets.retain(|_, bucket| self.filled(*bucket, now) < self.capacity());
            }
            if buckets.len() >= CALLERS {
                // The rest are counted together, so that many callers don't take more than memory has.
                key = (None, None);
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: self.capacity(), at: now });
        let left = self.filled(*bucket, now);
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / self.per_second));
        }
        *bucket = Bucket { left: left - 1.0, at: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: u32) -> Key {
        (None, Some(IpAddr::V4(number.into())))
    }

    #[test]
    fn a_caller_may_burst_and_then_keeps_to_its_rate() {
        let rates = RateLimits::new(10);
        let began = Instant::now();
        let allowed = (0..100).filter(|_| rates.count(caller(1), began).is_ok()).count();
        assert_eq!(allowed, 20);
        let wait = rates.count(caller(1), began).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert!(rates.count(caller(1), began + wait + Duration::from_millis(1)).is_ok());
        let later = began + Duration::from_secs(2);
        let allowed = (0..100).filter(|_| rates.count(caller(1), later).is_ok()).count();
        assert_eq!(allowed, 19, "two seconds' worth, of which one call was made");
    }

    #[test]
    fn callers_do_not_take_from_each_other() {
        let rates = RateLimits::new(1);
        let now = Instant::now();
        while rates.count(caller(1), now).is_ok() {}
        assert!(rates.count(caller(2), now).is_ok());
        let token = TokenId::new("ab").unwrap();
        assert!(rates.count((Some(token), caller(1).1), now).is_ok());
    }

    #[test]
    fn the_table_of_callers_stays_within_its_bound() {
        let rates = RateLimits::new(1);
        let now = Instant::now();
        for number in 0..2 * u32::try_from(CALLERS).unwrap() {
            let _ = rates.count(caller(number), now);
        }
        let kept = rates.table.lock().unwrap().buckets.len();
        assert!(kept <= CALLERS + 1, "{kept}");
        // Once they have been quiet, there is room again.
        assert!(rates.count(caller(u32::MAX), now + Duration::from_secs(10)).is_ok());
        assert_eq!(rates.table.lock().unwrap().buckets.len(), 1);
    }
}
