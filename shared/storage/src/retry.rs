//! How often, and how far apart, a call to the store is tried.

use std::time::Duration;

use crate::{Result, StorageError};

/// How much a wait differs from its mean, unless it is set.
const JITTER: f64 = 0.2;

/// Bounded exponential backoff with jitter (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015).
///
/// The jitter is a fifth of the wait in either direction, unless it is set: enough to spread a cluster's calls, and little enough that the sum of
/// all waits is about what is promised. With full jitter it is half of that in the mean, and now and then a quarter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// How often a call is tried, the first time included; at least 1.
    pub tries: u32,
    /// The wait after the first failure, on average; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait after any failure, on average.
    pub longest_wait: Duration,
    /// How long one try may take before its outcome counts as unknown; a second longer for every MiB that it moves.
    pub timeout: Duration,
    /// How much a wait may differ from its mean, as a share of it.
    pub jitter: f64,
}

impl Default for Retry {
    /// Seven tries over about twenty seconds: long enough for a store's restart, short against a lease's duration.
    fn default() -> Self {
        Self {
            tries: 7,
            first_wait: Duration::from_millis(400),
            longest_wait: Duration::from_secs(8),
            timeout: Duration::from_secs(30),
            jitter: JITTER,
        }
    }
}

impl Retry {
    /// The wait after failure number `failure` (from 1), more or less by the jitter at random.
    fn wait(&self, failure: u32) -> Duration {
        let doubled =
            self.first_wait.saturating_mul(1_u32.checked_shl(failure.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest_wait).mul_f64(1.0 + self.jitter * (2.0 * uniform() - 1.0))
    }

    /// Waits before the next try; false if there is none.
    pub(crate) async fn wait_after(&self, failure: u32) -> bool {
        if failure >= self.tries.max(1) {
            return false;
        }
        tokio::time::sleep(self.wait(failure)).await;
        true
    }

    /// How long one try may take that moves `bytes`.
    pub(crate) fn timeout_for(&self, bytes: u64) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(bytes >> 20))
    }

    /// Tries `call` until it succeeds, fails for good, or was tried often enough.
    pub(crate) async fn run<T, F, C>(&self, call: C) -> Result<T>
    where
        C: Fn() -> F + Send,
        F: Future<Output = Result<T>> + Send,
    {
        let mut failure = 0;
        loop {
            match call().await {
                Err(StorageError::Unavailable { store, key, source, .. }) => {
                    failure += 1;
                    tracing::debug!(%store, %key, failure, error = %source, "store call failed");
                    if !self.wait_after(failure).await {
                        return Err(StorageError::Unavailable { store, key, tries: failure, source });
                    }
                }
                settled => return settled,
            }
        }
    }
}

/// Uniform in [0, 1): spreads retries, so it must differ between processes, and nothing that is kept depends on it.
fn uniform() -> f64 {
    // The low 62 bits of a random UUID are random; the two above them are its variant (RFC 9562, section 5.4).
    let random = (uuid::Uuid::new_v4().as_u128() as u64) << 2;
    (random >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let retry = Retry::default();
        for failure in 1..100 {
            assert!(retry.wait(failure) <= retry.longest_wait.mul_f64(1.0 + JITTER));
        }
        assert!(retry.wait(1) <= retry.first_wait.mul_f64(1.0 + JITTER));
    }

    #[test]
    fn all_waits_together_are_about_twenty_seconds_whatever_is_drawn() {
        let retry = Retry::default();
        for _ in 0..1000 {
            let waited: Duration = (1..retry.tries).map(|failure| retry.wait(failure)).sum();
            assert!((16.0..=25.0).contains(&waited.as_secs_f64()), "{waited:?}");
        }
    }

    #[test]
    fn jitter_spreads_over_its_range() {
        let drawn: Vec<f64> = (0..1000).map(|_| uniform()).collect();
        assert!(drawn.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = drawn.iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.1, "{mean}");
    }
}
