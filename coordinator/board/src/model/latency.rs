//! How long calls took of late, as the board has seen it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many of the last calls of each kind are remembered.
const KEPT: usize = 512;

/// What took time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timed {
    /// The coordinator's list of sweeps.
    Sweeps,
    /// The coordinator's list of workers.
    Workers,
    /// How the tasks of a sweep are, all pages of it.
    Tasks,
    /// A result of the store, several of which are read at a time.
    Result,
    /// A listing of the store's first level.
    Listing,
}

impl Timed {
    /// What it is, for people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Sweeps => "coordinator: the list of sweeps",
            Self::Workers => "coordinator: the list of workers",
            Self::Tasks => "coordinator: how a sweep's tasks are",
            Self::Result => "store: a result, of several that are read at a time",
            Self::Listing => "store: whether it answers",
        }
    }
}

/// How long the last calls took.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<BTreeMap<Timed, VecDeque<Duration>>>);

/// How long calls of a kind took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LatencySummary {
    pub(crate) what: Timed,
    pub(crate) calls: usize,
    /// In seconds; half of the calls took no longer.
    pub(crate) median: f64,
    /// In seconds; all but one in twenty took no longer.
    pub(crate) most: f64,
    /// In seconds.
    pub(crate) longest: f64,
}

impl Latencies {
    /// Something took so long.
    pub(crate) fn note(&self, what: Timed, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.entry(what).or_default();
        if of.len() >= KEPT {
            of.pop_front();
        }
        of.push_back(took);
    }

    /// All that was seen, one after the other.
    pub(crate) fn summaries(&self) -> Vec<LatencySummary> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.iter().filter_map(|(what, times)| {
            let mut sorted: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
            sorted.sort_by(f64::total_cmp);
            let at =
                |share: f64| sorted.get(((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1));
            let (median, most, longest) = (*at(0.5)?, *at(0.95)?, *sorted.last()?);
            Some(LatencySummary { what: *what, calls: sorted.len(), median, most, longest })
        });
        of.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_calls_took_no_longer_than_the_median_and_old_ones_are_forgotten() {
        let latencies = Latencies::default();
        assert!(latencies.summaries().is_empty());
        for ms in 1..=20 {
            latencies.note(Timed::Sweeps, Duration::from_millis(ms));
        }
        let summary = &latencies.summaries()[0];
        assert_eq!((summary.calls, summary.median, summary.most, summary.longest), (20, 0.010, 0.019, 0.020));
        for _ in 0..KEPT {
            latencies.note(Timed::Sweeps, Duration::from_millis(5));
        }
        let summary = &latencies.summaries()[0];
        assert_eq!((summary.calls, summary.longest), (KEPT, 0.005));
    }
}
