//! How long an executor may show no progress with a task before it counts as hung.

use std::time::{Duration, Instant};

/// How many times as long as the longest silence so far, or as a step, the next may be.
const MULTIPLE: u32 = 10;
/// Into how many looks the shortest silence that counts is divided at least.
const CHECKS: u32 = 20;
/// The longest time between two looks.
const LONGEST_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The silences of a task so far, and the deadline that follows from them.
///
/// Silence is summed up look by look, and what passed between two looks counts as two looks at most: an agent that was stopped
/// itself, with its executor or alone, learns nothing about the executor from the time that it didn't see.
#[derive(Debug, Clone)]
pub(super) struct ProgressDeadline {
    floor: Duration,
    progressed: Instant,
    checked: Instant,
    silent: Duration,
    longest: Duration,
    step: Duration,
}

impl ProgressDeadline {
    /// Of a task that is begun now. No shorter silence than `floor` counts, whatever was measured; none at all if it is zero.
    pub(super) const fn new(floor: Duration, now: Instant) -> Self {
        let zero = Duration::ZERO;
        Self { floor, progressed: now, checked: now, silent: zero, longest: zero, step: zero }
    }

    /// Progress was shown.
    pub(super) fn progressed(&mut self, at: Instant) {
        if at > self.progressed {
            self.longest = self.longest.max(at - self.progressed);
            self.progressed = at;
            self.silent = Duration::ZERO;
        }
    }

    /// A step takes so long at present.
    pub(super) fn note_step(&mut self, seconds: Option<f64>) {
        self.step = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok()).unwrap_or(self.step);
    }

    /// The longest silence that is borne.
    pub(super) fn limit(&self) -> Duration {
        self.longest.max(self.step).saturating_mul(MULTIPLE).max(self.floor)
    }

    /// The time until the next look.
    pub(super) fn check_interval(&self) -> Duration {
        if self.floor.is_zero() {
            LONGEST_CHECK_INTERVAL
        } else {
            (self.floor / CHECKS).min(LONGEST_CHECK_INTERVAL)
        }
    }

    /// Looks at the clock: how long the silence has lasted, if that is too long.
    pub(super) fn check(&mut self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.checked);
        self.checked = now;
        self.silent += passed.min(2 * self.check_interval());
        (!self.floor.is_zero() && self.silent > self.limit()).then_some(self.silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Looks every second for so many seconds; when it was found to be too long, if it was.
    fn wait(deadline: &mut ProgressDeadline, now: &mut Instant, seconds: u32) -> Option<Duration> {
        (0..seconds).find_map(|_| {
            *now += SECOND;
            deadline.check(*now)
        })
    }

    #[test]
    fn a_silence_longer_than_the_floor_is_too_long_where_nothing_slow_was_seen() {
        let mut now = Instant::now();
        let mut deadline = ProgressDeadline::new(120 * SECOND, now);
        assert_eq!(wait(&mut deadline, &mut now, 120), None);
        deadline.progressed(now - 119 * SECOND);
        assert_eq!(wait(&mut deadline, &mut now, 120), None, "it was heard");
        assert!(wait(&mut deadline, &mut now, 2).is_some());
    }

    #[test]
    fn slow_steps_earn_longer_silences() {
        let mut now = Instant::now();
        let mut deadline = ProgressDeadline::new(20 * SECOND, now);
        assert_eq!(wait(&mut deadline, &mut now, 15), None);
        deadline.progressed(now);
        assert_eq!(deadline.limit(), 150 * SECOND);
        assert_eq!(wait(&mut deadline, &mut now, 150), None);
        assert!(wait(&mut deadline, &mut now, 1).is_some());
        deadline.note_step(Some(60.0));
        assert_eq!(deadline.limit(), 600 * SECOND);
        deadline.note_step(Some(f64::NAN));
        assert_eq!(deadline.limit(), 600 * SECOND);
    }

    #[test]
    fn an_agent_that_was_stopped_blames_nobody_for_it() {
        let mut now = Instant::now();
        let mut deadline = ProgressDeadline::new(60 * SECOND, now);
        now += 3_600 * SECOND;
        assert_eq!(deadline.check(now), None);
        assert!(wait(&mut deadline, &mut now, 60).is_some(), "from here on it is seen");
    }

    #[test]
    fn without_a_floor_no_silence_is_too_long() {
        let mut now = Instant::now();
        let mut deadline = ProgressDeadline::new(Duration::ZERO, now);
        assert_eq!(wait(&mut deadline, &mut now, 100_000), None);
    }
}
