//! The time, as an argument.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use basin_domain::time::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The machine's clock: wall time when it was made, and from then on the monotonic clock's pace. So a clock that is set, or
/// a machine that slept, makes no lease run out.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    made_unix: Duration,
    made: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            made_unix: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            made: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = self.made_unix + self.made.elapsed();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that runs ahead of another by the same span for ever.
pub(super) struct OffsetClock {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) by: Duration,
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.by
    }
}
