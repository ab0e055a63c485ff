//! When the coordinator is called: one `Sync` at a time, and the pauses between them.

use std::time::Duration;

use super::boot_instant::BootInstant;

/// The longest pause when the coordinator doesn't answer.
const LONGEST_PAUSE: Duration = Duration::from_millis(1_000);
/// The shortest: a coordinator that comes back is found before a short lease is fenced.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The state of the calls.
#[derive(Debug)]
pub(super) struct SyncPacing {
    /// The number of the last call.
    calls: u64,
    /// The last call was answered.
    is_answered: bool,
    state: SyncState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SyncState {
    /// The next call is due at this moment.
    Pausing { due: BootInstant },
    /// A call is under way since `sent`; `again` when another is due as soon as it has ended.
    UnderWay { sent: BootInstant, again: bool },
}

impl SyncPacing {
    /// The first call is due now.
    pub(super) const fn new(now: BootInstant) -> Self {
        Self { calls: 0, is_answered: false, state: SyncState::Pausing { due: now } }
    }

    /// There is news: the next call is due now, or as soon as the one under way has ended.
    pub(super) fn hasten(&mut self, now: BootInstant) {
        match &mut self.state {
            SyncState::Pausing { due } => *due = (*due).min(now),
            SyncState::UnderWay { again, .. } => *again = true,
        }
    }

    /// A new call is due now, instead of one under way: true if there is one.
    pub(super) fn restart(&mut self, now: BootInstant) -> bool {
        let was_under_way = matches!(self.state, SyncState::UnderWay { .. });
        self.state = SyncState::Pausing { due: now };
        was_under_way
    }

    /// Whether the last call was answered: nothing else is on its way.
    pub(super) const fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Begins a call if one is due: its number.
    pub(super) fn begin(&mut self, now: BootInstant) -> Option<u64> {
        match self.state {
            SyncState::Pausing { due } if now >= due => {
                self.calls += 1;
                self.is_answered = false;
                self.state = SyncState::UnderWay { sent: now, again: false };
                Some(self.calls)
            }
            SyncState::Pausing { .. } | SyncState::UnderWay { .. } => None,
        }
    }

    /// The moment at which the call with this number was sent, if it is the one under way.
    pub(super) fn sent(&self, call: u64) -> Option<BootInstant> {
        match self.state {
            SyncState::UnderWay { sent, .. } if call == self.calls => Some(sent),
            SyncState::UnderWay { .. } | SyncState::Pausing { .. } => None,
        }
    }

    /// The call under way was answered; the next is due after a pause.
    pub(super) fn answered(&mut self, pause: Duration, now: BootInstant) {
        self.is_answered = true;
        self.end(pause, now);
    }

    /// The call under way has failed; the next is due after a pause.
    pub(super) fn failed(&mut self, pause: Duration, now: BootInstant) {
        self.end(pause, now);
    }

    fn end(&mut self, pause: Duration, now: BootInstant) {
        let again = matches!(self.state, SyncState::UnderWay { again: true, .. });
        self.state = SyncState::Pausing { due: if again { now } else { now + pause } };
    }

    /// The moment at which the next call is due.
    pub(super) const fn due(&self) -> Option<BootInstant> {
        match self.state {
            SyncState::Pausing { due } => Some(due),
            SyncState::UnderWay { .. } => None,
        }
    }

    /// The pause after a call that failed: as long as the coordinator asks for, or a quarter of the time until the next fence.
    pub(super) fn pause_after_failure(asked: Option<Duration>, until_fence: Option<Duration>) -> Duration {
        match (asked, until_fence) {
            (Some(asked), _) => asked.min(LONGEST_PAUSE),
            (None, Some(soonest)) => (soonest / 4).clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
            (None, None) => LONGEST_PAUSE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn moment(seconds: u64) -> BootInstant {
        BootInstant::since_boot(Duration::from_secs(seconds))
    }

    #[test]
    fn calls_are_numbered_and_one_is_under_way_at_a_time() {
        let mut pacing = SyncPacing::new(moment(5));
        assert_eq!((pacing.begin(moment(4)), pacing.due()), (None, Some(moment(5))));
        assert_eq!(pacing.begin(moment(5)), Some(1));
        assert_eq!((pacing.begin(moment(6)), pacing.due()), (None, None));
        assert_eq!((pacing.sent(1), pacing.sent(0), pacing.sent(2)), (Some(moment(5)), None, None));
        assert!(!pacing.is_answered());
        pacing.answered(3 * SECOND, moment(6));
        assert!(pacing.is_answered());
        assert_eq!((pacing.sent(1), pacing.due()), (None, Some(moment(9))));
        assert_eq!((pacing.begin(moment(8)), pacing.begin(moment(9))), (None, Some(2)));
        pacing.failed(SECOND, moment(9));
        assert!(!pacing.is_answered());
    }

    #[test]
    fn news_bring_a_call_forward_and_never_put_one_off() {
        let mut pacing = SyncPacing::new(moment(5));
        pacing.hasten(moment(9));
        assert_eq!(pacing.due(), Some(moment(5)));
        pacing.hasten(moment(2));
        assert_eq!(pacing.due(), Some(moment(2)));
        pacing.begin(moment(2));
        pacing.hasten(moment(3));
        // One that is due as soon as this has failed is not put off by the pause.
        pacing.failed(9 * SECOND, moment(4));
        assert_eq!(pacing.due(), Some(moment(4)));
        pacing.begin(moment(4));
        pacing.answered(9 * SECOND, moment(4));
        assert_eq!(pacing.due(), Some(moment(13)), "the news were said");
    }

    #[test]
    fn a_call_that_is_given_up_is_followed_by_another_number() {
        let mut pacing = SyncPacing::new(moment(0));
        assert!(!pacing.restart(moment(1)), "there is none");
        assert_eq!(pacing.begin(moment(1)), Some(1));
        assert!(pacing.restart(moment(2)));
        assert_eq!(
            (pacing.begin(moment(2)), pacing.sent(1), pacing.sent(2)),
            (Some(2), None, Some(moment(2)))
        );
    }

    #[test]
    fn a_pause_is_what_was_asked_for_or_a_quarter_of_what_is_left_within_bounds() {
        let pause = SyncPacing::pause_after_failure;
        let ms = Duration::from_millis;
        assert_eq!(pause(Some(ms(10)), Some(ms(4))), ms(10));
        assert_eq!(pause(Some(Duration::MAX), None), ms(1_000));
        assert_eq!(pause(None, None), ms(1_000));
        for (left, expected) in [(0, 50), (200, 50), (1_000, 250), (4_000, 1_000), (u64::MAX, 1_000)] {
            assert_eq!(pause(None, Some(ms(left))), ms(expected), "{left}");
        }
    }
}
