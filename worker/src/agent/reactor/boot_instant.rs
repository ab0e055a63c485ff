//! Moments by a clock that goes on while the machine sleeps.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment, by this machine's clock since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootInstant(Duration);

impl BootInstant {
    /// The moment at which the machine had been up for so long.
    pub const fn since_boot(uptime: Duration) -> Self {
        Self(uptime)
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

/// The span from an earlier moment to this one; nothing if that isn't earlier.
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
    fn spans_are_never_negative() {
        let (one, two) = (Duration::from_secs(1), Duration::from_secs(2));
        let moment = BootInstant::since_boot(one);
        assert_eq!(moment - (moment + one), Duration::ZERO);
        assert_eq!((moment + one) - moment, one);
        assert_eq!(moment - two, BootInstant::since_boot(Duration::ZERO));
    }
}
