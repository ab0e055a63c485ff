//! How the losses and the recorded series of tasks go while they run.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use basin_domain::experiment::series::training;
use basin_domain::id::TaskId;
use basin_domain::live_series::{LiveSeries, SeriesCurves};
use basin_domain::loss_curve::{LossCurve, LossPoint};
use basin_domain::time::Timestamp;

/// The most points of a task's loss.
const POINTS: usize = 256;
/// The most points of each of its series.
const SERIES_POINTS: usize = 64;
/// The most tasks; with all points of their losses, of 16 bytes each, they take 64 MiB.
const TASKS: usize = 16_384;
/// The most series of all tasks; with all of their points they take 128 MiB. There is room for ten thousand tasks with a dozen each.
const SERIES: usize = 131_072;
/// A task of which nothing was said for so long makes room for another, where there are as many.
const SILENCE: Duration = Duration::from_secs(60);
/// The series that is the loss, said step by step.
const LOSS: &str = training::BATCH_LOSS.name;

/// The curves. They are those of tasks, not of attempts: where one attempt ends, the next goes on from its checkpoint.
#[derive(Debug, Default)]
pub(super) struct RunningCurves {
    tasks: HashMap<TaskId, RunningCurve>,
    /// The series of all tasks.
    series: usize,
    /// No task is silent for long enough before then, as was seen when one was looked for.
    all_said_until: Timestamp,
}

/// A task's curves.
#[derive(Debug)]
struct RunningCurve {
    loss: LossCurve,
    series: SeriesCurves,
    /// When something was last said of it.
    said: Timestamp,
}

impl RunningCurves {
    /// A worker said this of the loss of a task that it holds.
    pub(super) fn add(&mut self, task: TaskId, points: impl IntoIterator<Item = LossPoint>, now: Timestamp) {
        let mut points = points.into_iter().peekable();
        if points.peek().is_none() {
            return;
        }
        if let Some(kept) = self.task(task, now) {
            points.for_each(|point| kept.loss.push(point));
        }
    }

    /// A worker said this of the series of a task that it holds.
    pub(super) fn add_series(&mut self, task: TaskId, said: &[LiveSeries], now: Timestamp) {
        if said.is_empty() {
            return;
        }
        // One that has some already is said now, and makes no room for itself.
        let Some(before) = self.task(task, now).map(|kept| kept.series.count()) else { return };
        if before < said.len() {
            while self.series + said.len() - before > SERIES && self.make_room(now) {}
        }
        let most = before + SERIES.saturating_sub(self.series);
        let Some(kept) = self.tasks.get_mut(&task) else { return };
        said.iter().for_each(|series| kept.series.add(series, most));
        self.series += kept.series.count() - before;
    }

    /// The points of a task's loss, by ascending steps; none if nothing was said of it.
    pub(super) fn read(&self, task: &TaskId) -> Vec<LossPoint> {
        self.tasks.get(task).map(|kept| kept.loss.points().to_vec()).unwrap_or_default()
    }

    /// The series of a task; none if nothing was said of them. What is the loss is left out where that is known.
    pub(super) fn read_series(&self, task: &TaskId) -> Vec<LiveSeries> {
        let Some(kept) = self.tasks.get(task) else { return Vec::new() };
        let has_loss = !kept.loss.points().is_empty();
        let all = kept.series.all().into_iter();
        all.filter(|series| !(has_loss && series.name() == LOSS)).collect()
    }

    /// The tasks of which there is a curve.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.tasks.keys()
    }

    /// Forgets the curves of these tasks.
    pub(super) fn forget(&mut self, tasks: &HashSet<TaskId>) {
        tasks.iter().for_each(|task| self.forget_task(task));
    }

    /// What is kept of a task of which something is said now; none if there is no room for it.
    fn task(&mut self, task: TaskId, now: Timestamp) -> Option<&mut RunningCurve> {
        if self.tasks.len() >= TASKS && !self.tasks.contains_key(&task) && !self.make_room(now) {
            return None;
        }
        let new = || RunningCurve {
            loss: LossCurve::new(POINTS),
            series: SeriesCurves::new(SERIES_POINTS),
            said: now,
        };
        let kept = self.tasks.entry(task).or_insert_with(new);
        kept.said = now;
        Some(kept)
    }

    /// Drops the curves of the task of which something was said longest ago, if that is long ago: of more tasks that train at a time than
    /// there is room for, some have curves, rather than all of them pieces.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if now < self.all_said_until {
            return false;
        }
        let oldest = self.tasks.iter().min_by_key(|(_, kept)| kept.said);
        let Some((task, said)) = oldest.map(|(task, kept)| (*task, kept.said)) else { return false };
        if now - said < SILENCE {
            self.all_said_until = said + SILENCE;
            return false;
        }
        self.forget_task(&task);
        true
    }

    fn forget_task(&mut self, task: &TaskId) {
        if let Some(gone) = self.tasks.remove(task) {
            self.series -= gone.series.count();
        }
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_domain::live_series::SeriesPoint;
    use basin_domain::metrics::Axis;

    use super::*;

    fn task(number: usize) -> TaskId {
        TaskId(Digest::of(&number.to_le_bytes()))
    }

    fn points(iterations: impl IntoIterator<Item = u64>) -> Vec<LossPoint> {
        iterations.into_iter().map(|iteration| LossPoint { iteration, loss: 0.5 }).collect()
    }

    #[test]
    fn a_curve_grows_by_what_is_said_and_goes_on_with_the_next_attempt() {
        let mut curves = RunningCurves::default();
        curves.add(task(1), points([1, 2, 3]), Timestamp(0));
        curves.add(task(1), points([]), Timestamp(1));
        curves.add(task(1), points([2, 4]), Timestamp(2));
        assert_eq!(curves.read(&task(1)), points([1, 2, 4]), "the second attempt began at step 2");
        assert_eq!(curves.read(&task(2)), []);
        curves.forget(&HashSet::from([task(1), task(2)]));
        assert_eq!(curves.tasks().count(), 0);
    }

    fn series(name: &str, places: impl IntoIterator<Item = u32>) -> LiveSeries {
        let point = |x| SeriesPoint { x: f64::from(x), value: 0.5 };
        LiveSeries::new(name, Axis::Epoch, places.into_iter().map(point).collect()).unwrap()
    }

    #[test]
    fn what_is_recorded_is_kept_beside_the_loss_and_what_is_the_loss_once() {
        let mut curves = RunningCurves::default();
        curves.add_series(task(1), &[series("test_loss", [0, 1]), series("loss", [0])], Timestamp(0));
        curves.add_series(task(1), &[series("test_loss", [1, 2])], Timestamp(1));
        assert_eq!(curves.read(&task(1)), []);
        assert_eq!(curves.read_series(&task(1)), [series("test_loss", [0, 1, 2]), series("loss", [0])]);
        curves.add(task(1), points([3]), Timestamp(2));
        assert_eq!(curves.read_series(&task(1)), [series("test_loss", [0, 1, 2])]);
        curves.add_series(task(2), &[], Timestamp(3));
        assert_eq!(curves.tasks().collect::<Vec<_>>(), [&task(1)]);
        assert_eq!(curves.read_series(&task(2)), []);
        curves.add_series(task(1), &[series("test_loss", 0..100_000)], Timestamp(4));
        let kept = curves.read_series(&task(1)).remove(0).points;
        assert!((20..SERIES_POINTS).contains(&kept.len()), "{}", kept.len());
        curves.forget(&HashSet::from([task(1)]));
        assert_eq!((curves.tasks().count(), curves.series), (0, 0));
    }

    #[test]
    fn so_many_series_are_kept_and_only_those_of_the_silent_make_room() {
        let mut curves = RunningCurves::default();
        let all: Vec<LiveSeries> = (0..16).map(|number| series(&format!("s{number}"), [1])).collect();
        let tasks = SERIES / all.len();
        curves.add_series(task(0), &all[..3], Timestamp(0));
        for number in 1..tasks + 50 {
            curves.add_series(task(number), &all, Timestamp(number as u64));
        }
        assert_eq!(curves.series, SERIES);
        assert_eq!(curves.read_series(&task(tasks - 1)).len(), 16);
        assert_eq!(curves.read_series(&task(tasks)).len(), 13, "as far as there was room");
        assert_eq!(curves.read_series(&task(tasks + 1)).len(), 0);
        curves.add(task(tasks + 1), points([1]), Timestamp(9));
        assert_eq!(curves.read(&task(tasks + 1)), points([1]), "its loss is kept");
        let late = Timestamp(9) + SILENCE;
        curves.add_series(task(tasks + 1), &all, late);
        assert_eq!(curves.read_series(&task(tasks + 1)).len(), 16);
        let gone = [0, 1].map(|number| curves.read_series(&task(number)).len());
        assert_eq!((gone, curves.read_series(&task(2)).len()), ([0, 0], 16), "no more than need be");
        assert_eq!(curves.series, curves.tasks.values().map(|kept| kept.series.count()).sum::<usize>());
    }

    #[test]
    fn memory_stays_bounded_and_only_the_silent_make_room() {
        let mut curves = RunningCurves::default();
        for number in 0..TASKS + 100 {
            curves.add(task(number), points([1]), Timestamp(number as u64));
        }
        assert_eq!(curves.tasks().count(), TASKS);
        assert_eq!(curves.read(&task(TASKS)), [], "there was no room for it");
        curves.add(task(0), points(0..100_000), Timestamp(9));
        assert!(curves.read(&task(0)).len() <= POINTS);
        let late = Timestamp(9) + SILENCE;
        curves.add(task(TASKS), points([7]), late);
        assert_eq!(curves.read(&task(TASKS)), points([7]));
        assert_eq!(curves.read(&task(1)), [], "nothing was said of it for longest");
        assert_eq!(curves.tasks().count(), TASKS);
    }
}
