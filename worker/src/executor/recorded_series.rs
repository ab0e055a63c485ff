//! What is new of the series that a run records, for people who look on.

use std::collections::BTreeMap;

use basin_domain::curve::CurvePoint;
use basin_domain::experiment::series::training::{BATCH_LOSS, LOSSES_AND_ACCURACIES};
use basin_domain::live_series::{LiveSeries, SERIES_LIMIT, SeriesPoint, is_live};
use basin_domain::metrics::{Metrics, Series, is_series_name};
use basin_experiments::Run;
use basin_proto::executor::Recorded;

/// The most points of a series that are told at once.
const POINTS: usize = 32;

/// How much of its series a run has told.
#[derive(Debug, Default)]
pub(super) struct RecordedSeries {
    /// How many points of each series were told, or were left out since there were many. Series beyond the most that are told aren't
    /// here.
    told: BTreeMap<String, usize>,
}

impl RecordedSeries {
    /// What the run has recorded since this was asked last; at first, all of it. None if that is nothing.
    pub(super) fn news(&mut self, run: &dyn Run) -> Option<Recorded> {
        let news = self.fresh(run.metrics()?, run.progress().loss.is_some());
        (!news.is_empty()).then(|| Recorded { series: news.iter().map(Into::into).collect() })
    }

    /// The new points of each series. The loss is left out where its steps are told anyway.
    fn fresh(&mut self, metrics: &Metrics, has_loss: bool) -> Vec<LiveSeries> {
        self.follow(metrics, has_loss);
        let mut news = Vec::new();
        for (name, told) in &mut self.told {
            let Some(series) = metrics.series.get(name) else { continue };
            // One that is shorter than it was is another.
            let points = evenly(series.points.get(*told..).unwrap_or(&series.points));
            *told = series.points.len();
            if !points.is_empty() {
                news.extend(LiveSeries::new(name.as_str(), series.axis, points));
            }
        }
        news
    }

    /// Begins with series that are new, losses and accuracies first, as far as there is room.
    fn follow(&mut self, metrics: &Metrics, has_loss: bool) {
        let room = SERIES_LIMIT.saturating_sub(self.told.len());
        if room == 0 {
            return;
        }
        let is_loss = |name: &str| has_loss && name == BATCH_LOSS.name;
        let is_told =
            |name: &str, series: &Series| is_live(series.axis) && is_series_name(name) && !is_loss(name);
        let all = metrics.series.iter();
        let mut new: Vec<&String> = all
            .filter(|(name, series)| !self.told.contains_key(*name) && is_told(name, series))
            .map(|(name, _)| name)
            .collect();
        new.sort_by_key(|name| !LOSSES_AND_ACCURACIES.iter().any(|usual| usual.name == name.as_str()));
        self.told.extend(new.into_iter().take(room).map(|name| (name.clone(), 0)));
    }
}

/// Of these points as many as are told at once, as evenly as they come, the newest among them.
fn evenly(points: &[(f64, f64)]) -> Vec<SeriesPoint> {
    let points = points.iter().map(|&(x, value)| SeriesPoint { x, value });
    let finite: Vec<SeriesPoint> = points.filter(CurvePoint::is_finite).collect();
    let every = finite.len().div_ceil(POINTS).max(1);
    let mut kept: Vec<SeriesPoint> = finite.iter().rev().step_by(every).copied().collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use basin_domain::metrics::Axis;

    use super::*;

    /// The places of what is told of each series.
    fn places(news: &[LiveSeries]) -> Vec<(&str, Vec<f64>)> {
        let places = |series: &LiveSeries| series.points.iter().map(|point| point.x).collect();
        news.iter().map(|series| (series.name(), places(series))).collect()
    }

    #[test]
    fn every_series_is_told_point_by_point_in_its_order_and_none_twice() {
        let (mut recorded, mut metrics) = (RecordedSeries::default(), Metrics::default());
        assert_eq!(recorded.fresh(&metrics, false), []);
        metrics.push("train_loss", Axis::Epoch, 0.0, 2.0);
        metrics.push("test_accuracy", Axis::Epoch, 0.0, 0.1);
        metrics.set("parameters", 7.0);
        metrics.push("prediction", Axis::Input, 0.0, 0.1);
        let told = recorded.fresh(&metrics, false);
        assert_eq!(places(&told), [("test_accuracy", vec![0.0]), ("train_loss", vec![0.0])]);
        assert_eq!((told[1].axis(), told[1].points[0].value), (Axis::Epoch, 2.0));
        assert_eq!(recorded.fresh(&metrics, false), [], "there is nothing new");
        for epoch in [0.5, 1.0] {
            metrics.push("train_loss", Axis::Epoch, epoch, 1.0);
        }
        metrics.push("train_loss", Axis::Epoch, 1.5, f64::NAN);
        metrics.push("gradient_norm", Axis::Iteration, 7.0, 0.1);
        let told = recorded.fresh(&metrics, false);
        assert_eq!(places(&told), [("gradient_norm", vec![7.0]), ("train_loss", vec![0.5, 1.0])]);
    }

    #[test]
    fn of_many_points_so_many_are_told_the_newest_among_them() {
        let (mut recorded, mut metrics) = (RecordedSeries::default(), Metrics::default());
        for step in 1..=100_003_u32 {
            metrics.push("gradient_norm", Axis::Iteration, f64::from(step), 1.0);
        }
        let told = &places(&recorded.fresh(&metrics, true))[0].1.clone();
        assert!(told.len() <= POINTS && told.len() >= POINTS / 2, "{}", told.len());
        assert!(told.is_sorted() && told.last() == Some(&100_003.0) && told[0] < 5_000.0, "{told:?}");
        metrics.push("gradient_norm", Axis::Iteration, 100_004.0, 1.0);
        assert_eq!(places(&recorded.fresh(&metrics, true)), [("gradient_norm", vec![100_004.0])]);
    }

    #[test]
    fn losses_and_accuracies_are_among_those_that_are_told_and_the_loss_is_told_once() {
        let (mut recorded, mut metrics) = (RecordedSeries::default(), Metrics::default());
        for layer in 0..40 {
            metrics.push(&format!("sharpness_{layer}"), Axis::Epoch, 0.0, 1.0);
        }
        for name in ["loss", "train_loss", "test_loss", "train_accuracy", "test_accuracy"] {
            metrics.push(name, Axis::Epoch, 0.0, 1.0);
        }
        let told = recorded.fresh(&metrics, true);
        let names: Vec<&str> = told.iter().map(LiveSeries::name).collect();
        assert_eq!(names.len(), SERIES_LIMIT);
        for name in ["train_loss", "test_loss", "train_accuracy", "test_accuracy"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        assert!(!names.contains(&"loss"), "its steps are told");
        metrics.push("late", Axis::Epoch, 0.0, 1.0);
        assert_eq!(recorded.fresh(&metrics, true), [], "there is no room");
        let (mut recorded, mut metrics) = (RecordedSeries::default(), Metrics::default());
        metrics.push("loss", Axis::Epoch, 0.0, 1.0);
        assert_eq!(recorded.fresh(&metrics, false).len(), 1, "no steps are told");
    }

    #[test]
    fn a_series_that_is_made_anew_is_told_anew() {
        let (mut recorded, mut metrics) = (RecordedSeries::default(), Metrics::default());
        (0..3).for_each(|epoch| metrics.push("trajectory_alpha", Axis::Epoch, f64::from(epoch), 1.0));
        recorded.fresh(&metrics, false);
        metrics.series.clear();
        metrics.push("trajectory_alpha", Axis::Epoch, 0.0, 2.0);
        assert_eq!(places(&recorded.fresh(&metrics, false)), [("trajectory_alpha", vec![0.0])]);
    }
}
