//! What is known of the work of some sweeps: what their tasks are expected to take, and what was foretold last.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basin_core::forecast::{ExpectedWork, Forecast};
use basin_domain::id::SweepId;
use basin_domain::time::Timestamp;

/// The most sweeps of which it is kept what they are expected to take, and what was foretold.
const KEPT: usize = 16;

/// The forecasts of some sweeps.
#[derive(Debug, Default)]
pub struct Forecasts {
    /// The sweep that was last read, or expected, last.
    expected: Mutex<VecDeque<(SweepId, Arc<ExpectedWork>)>>,
    latest: Mutex<HashMap<SweepId, LatestForecast>>,
    /// One list is read at a time: it may be large.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// One sweep is counted at a time; whoever waited finds what was foretold meanwhile.
    pub(super) counting: tokio::sync::Mutex<()>,
}

/// What was foretold last.
#[derive(Debug, Clone)]
pub(super) struct LatestForecast {
    pub(super) at: Timestamp,
    /// For how long it is good.
    pub(super) fresh_for: Duration,
    pub(super) forecast: Forecast,
    /// How many slots worked at recent looks.
    pub(super) slots: Vec<(Timestamp, u32)>,
}

impl Forecasts {
    /// Says what the tasks of a sweep are expected to take.
    pub fn expect(&self, sweep: &SweepId, expected: ExpectedWork) -> Arc<ExpectedWork> {
        let expected = Arc::new(expected);
        let mut sweeps = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.retain(|(known, _)| known != sweep);
        if sweeps.len() == KEPT {
            sweeps.pop_front();
        }
        sweeps.push_back((sweep.clone(), Arc::clone(&expected)));
        expected
    }

    pub(super) fn expected(&self, sweep: &SweepId) -> Option<Arc<ExpectedWork>> {
        let sweeps = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.iter().find(|(known, _)| known == sweep).map(|(_, expected)| Arc::clone(expected))
    }

    pub(super) fn latest(&self, sweep: &SweepId) -> Option<LatestForecast> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(sweep).cloned()
    }

    pub(super) fn fresh(&self, sweep: &SweepId, now: Timestamp) -> Option<Forecast> {
        self.latest(sweep).filter(|latest| now - latest.at < latest.fresh_for).map(|latest| latest.forecast)
    }

    pub(super) fn keep(&self, sweep: &SweepId, forecast: LatestForecast) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= KEPT && !latest.contains_key(sweep) {
            latest.clear();
        }
        latest.insert(sweep.clone(), forecast);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(id: &str) -> SweepId {
        SweepId::new(id).unwrap()
    }

    fn latest(at: u64) -> LatestForecast {
        let forecast = Forecast { done_share: 0.5, left: None, experiments: Vec::new() };
        LatestForecast {
            at: Timestamp(at),
            fresh_for: Duration::from_millis(400),
            forecast,
            slots: Vec::new(),
        }
    }

    #[test]
    fn a_forecast_is_good_for_a_moment() {
        let forecasts = Forecasts::default();
        forecasts.keep(&sweep("a"), latest(1_000));
        assert!(forecasts.fresh(&sweep("a"), Timestamp(1_399)).is_some());
        assert!(forecasts.fresh(&sweep("a"), Timestamp(1_400)).is_none());
        assert!(forecasts.fresh(&sweep("b"), Timestamp(1_000)).is_none());
    }

    #[test]
    fn of_many_sweeps_the_last_are_kept() {
        let forecasts = Forecasts::default();
        for number in 0..=KEPT {
            forecasts.expect(&sweep(&format!("s{number}")), ExpectedWork::default());
            forecasts.keep(&sweep(&format!("s{number}")), latest(0));
        }
        assert!(forecasts.expected(&sweep("s0")).is_none());
        assert!(forecasts.expected(&sweep(&format!("s{KEPT}"))).is_some());
        assert!(forecasts.latest.lock().unwrap().len() <= KEPT);
    }

    #[test]
    fn a_later_expectation_replaces_an_earlier_one() {
        let forecasts = Forecasts::default();
        forecasts.expect(&sweep("a"), ExpectedWork::default());
        let better = ExpectedWork { is_of_these_workers: true, ..ExpectedWork::default() };
        forecasts.expect(&sweep("a"), better);
        assert!(forecasts.expected(&sweep("a")).unwrap().is_of_these_workers);
    }
}
