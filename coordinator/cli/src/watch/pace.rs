//! How far a sweep is, and how long it will take, as far as who looks on has seen it go.

use std::time::Instant;

use basin_proto::v1;

use crate::progress::{experiment_progress, time_left};
use crate::sweep_text::total;

/// Where a sweep stood when somebody began to look on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    began: Instant,
    first_share: f64,
}

/// How far a sweep is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    /// The share of it that is done.
    pub(super) share: f64,
    /// The seconds that are left, if the pace so far says anything.
    pub(super) left: Option<f64>,
}

impl Pace {
    /// That of a sweep which stands so now.
    pub(super) fn new(reply: &v1::GetSweepReply, now: Instant) -> Self {
        Self { began: now, first_share: share(reply) }
    }

    /// How far the same sweep is now.
    pub(super) fn standing(&self, reply: &v1::GetSweepReply, now: Instant) -> Standing {
        let share = share(reply);
        let elapsed = now.saturating_duration_since(self.began).as_secs_f64();
        Standing { share, left: time_left(elapsed, self.first_share, share) }
    }
}

/// The share of a sweep that is done.
fn share(reply: &v1::GetSweepReply) -> f64 {
    let experiments = reply.sweep.iter().flat_map(|sweep| &sweep.experiments);
    let (mut done, mut all) = (0.0, 0);
    for experiment in experiments {
        done += experiment_progress(experiment, &reply.running).done;
        all += total(&experiment.counts.unwrap_or_default());
    }
    if all == 0 { 1.0 } else { done / all as f64 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_pace_is_that_since_somebody_looks_on() {
        let reply = |committed| {
            let counts = v1::Counts { committed, queued: 8 - committed, ..v1::Counts::default() };
            let experiment = v1::ExperimentCounts { experiment: "a".to_owned(), counts: Some(counts) };
            let sweep = v1::SweepSummary { experiments: vec![experiment], ..v1::SweepSummary::default() };
            v1::GetSweepReply { sweep: Some(sweep), ..v1::GetSweepReply::default() }
        };
        let began = Instant::now();
        let pace = Pace::new(&reply(4), began);
        assert_eq!(pace.standing(&reply(4), began), Standing { share: 0.5, left: None });
        let later = began + Duration::from_secs(10);
        assert_eq!(pace.standing(&reply(6), later), Standing { share: 0.75, left: Some(10.0) });
        assert_eq!(share(&v1::GetSweepReply::default()), 1.0);
    }
}
