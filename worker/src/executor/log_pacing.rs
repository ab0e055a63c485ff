//! How often a task that trains says in its log how far it is: often enough to look on, seldom enough that the log of a long training is
//! read in a few screens.

use std::time::{Duration, Instant};

use basin_domain::worker::Progress;

/// The shortest pause between two lines.
const SHORTEST: Duration = Duration::from_secs(2);
/// Later the pause is this part of the time that it has trained: lines grow with its logarithm.
const LINES: u32 = 200;

/// When the next line is due.
#[derive(Debug)]
pub(super) struct LogPacing {
    began: Instant,
    last: Instant,
    /// Of the last line.
    epoch: u32,
}

impl LogPacing {
    /// A training that begins now.
    pub(super) const fn new(now: Instant) -> Self {
        Self { began: now, last: now, epoch: 0 }
    }

    /// Whether a line is due for a training that is so far; of one that counts epochs, once an epoch has ended.
    pub(super) fn is_due(&mut self, at: &Progress, now: Instant) -> bool {
        let pause = SHORTEST.max(now.duration_since(self.began) / LINES);
        let is_new = at.epochs == 0 || at.epoch != self.epoch;
        if !is_new || now.duration_since(self.last) < pause {
            return false;
        }
        (self.last, self.epoch) = (now, at.epoch);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_after_an_epoch_and_a_pause_that_grows_with_the_training() {
        let now = Instant::now();
        let at = |epoch: u32, epochs: u32| Progress { epoch, epochs, ..Progress::default() };
        let after = |seconds: u64| now + Duration::from_secs(seconds);
        let mut pacing = LogPacing::new(now);
        assert!(!pacing.is_due(&at(1, 9), after(1)), "too soon");
        assert!(pacing.is_due(&at(1, 9), after(3)));
        assert!(!pacing.is_due(&at(1, 9), after(9)), "no epoch has ended");
        assert!(pacing.is_due(&at(2, 9), after(9)));
        assert!(pacing.is_due(&at(0, 0), after(12)), "it counts no epochs");
        let mut lines = 0;
        let mut pacing = LogPacing::new(now);
        for second in 0..10 * 3_600 {
            lines += u32::from(pacing.is_due(&at(0, 0), after(second)));
        }
        assert!((200..2_500).contains(&lines), "{lines}");
    }
}
