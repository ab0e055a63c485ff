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
        Self { calls: 0, state: SyncState::Pausing { due: now } }
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

    /// Whether a call is under way.
    pub(super) const fn is_under_way(&self) -> bool {
        matches!(self.state, SyncState::UnderWay { .. })
    }

    /// Begins a call if one is due: its number.
    pub(super) fn begin(&mut self, now: BootInstant) -> Option<u64> {
        match self.state {
            SyncState::Pausing { due } if now >= due => {
                self.calls += 1;
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

    /// The call under way has ended; the next is due after a pause.
    pub(super) fn end(&mut self, pause: Duration, now: BootInstant) {
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
