//! What a coordinator said at one look.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use basin_proto::v1;

use crate::words::worker_state::WorkerState;

/// What a coordinator said at one look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// When it was asked and answered last.
    pub(crate) asked: Option<Instant>,
    /// Why it didn't answer since, if it didn't.
    pub(crate) trouble: Option<String>,
    /// All sweeps, those that were launched last first.
    pub(crate) sweeps: Vec<v1::SweepSummary>,
    /// More about those that run or are looked at, by their ids.
    pub(crate) replies: HashMap<String, Arc<v1::GetSweepReply>>,
    /// All workers, by their ids in order.
    pub(crate) workers: Vec<v1::WorkerSummary>,
    /// Where the coordinator says that its store is.
    pub(crate) store_url: String,
}

impl Snapshot {
    /// The sweep of this id.
    pub(crate) fn sweep(&self, id: &str) -> Option<&v1::SweepSummary> {
        self.sweeps.iter().find(|sweep| sweep.sweep_id == id)
    }

    /// What is left of a sweep's work, where that is known.
    pub(crate) fn forecast(&self, id: &str) -> Option<&v1::Forecast> {
        self.replies.get(id)?.forecast.as_ref()
    }

    /// Whether the lists of sweeps show the same.
    pub(super) fn has_same_sweeps(&self, other: &Self) -> bool {
        self.trouble == other.trouble && self.sweeps == other.sweeps && self.replies == other.replies
    }

    /// Whether the lists of workers show the same; since when each was heard doesn't count.
    pub(super) fn has_same_workers(&self, other: &Self) -> bool {
        let shown = |worker: &v1::WorkerSummary| {
            let state = WorkerState::of(worker).word();
            let described = v1::WorkerSummary { seen_ms_ago: None, avoided_for_ms: None, ..worker.clone() };
            (state, v1::WorkerSummary { waiting: None, ..described })
        };
        self.workers.len() == other.workers.len()
            && self.workers.iter().map(shown).eq(other.workers.iter().map(shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_a_worker_was_heard_again_is_no_change_and_that_it_fell_silent_is_one() {
        let heard = |ms| Snapshot {
            workers: vec![v1::WorkerSummary { seen_ms_ago: Some(ms), ..v1::WorkerSummary::default() }],
            ..Snapshot::default()
        };
        assert!(heard(10).has_same_workers(&heard(900)));
        assert!(!heard(10).has_same_workers(&heard(60_000)));
        assert!(!heard(10).has_same_workers(&Snapshot::default()));
    }
}
