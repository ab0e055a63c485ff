//! How the losses of tasks go while they train, for people who look on: in memory alone, and bounded. Nothing is decided by it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use basin_domain::id::TaskId;
use basin_domain::loss_curve::{LossCurve, LossPoint};
use basin_domain::time::Timestamp;

/// The most points of a task.
const POINTS: usize = 256;
/// The most tasks; with all of their points they take 16 MiB.
const TASKS: usize = 4_096;
/// A task of which nothing was said for so long makes room for another, where there are as many.
const SILENCE: Duration = Duration::from_secs(60);

/// The curves. They are those of tasks, not of attempts: where one attempt ends, the next goes on from its checkpoint.
#[derive(Debug, Default)]
pub struct RunningCurves(Mutex<HashMap<TaskId, RunningCurve>>);

/// A task's curve.
#[derive(Debug)]
struct RunningCurve {
    curve: LossCurve,
    /// When it was last said.
    said: Timestamp,
}

impl RunningCurves {
    /// A worker said this of a task that it holds.
    pub(super) fn add(&self, task: TaskId, points: impl IntoIterator<Item = LossPoint>, now: Timestamp) {
        let mut points = points.into_iter().peekable();
        if points.peek().is_none() {
            return;
        }
        let mut curves = self.curves();
        if curves.len() >= TASKS && !curves.contains_key(&task) && !make_room(&mut curves, now) {
            return;
        }
        let kept =
            curves.entry(task).or_insert_with(|| RunningCurve { curve: LossCurve::new(POINTS), said: now });
        kept.said = now;
        points.for_each(|point| kept.curve.push(point));
    }

    /// The points of a task, by ascending steps; none if nothing was said of it.
    pub(super) fn read(&self, task: &TaskId) -> Vec<LossPoint> {
        self.curves().get(task).map(|kept| kept.curve.points().to_vec()).unwrap_or_default()
    }

    /// The tasks of which there is a curve.
    pub(super) fn tasks(&self) -> Vec<TaskId> {
        self.curves().keys().copied().collect()
    }

    /// Forgets the curves of these tasks.
    pub(super) fn forget(&self, tasks: &HashSet<TaskId>) {
        self.curves().retain(|task, _| !tasks.contains(task));
    }

    fn curves(&self) -> MutexGuard<'_, HashMap<TaskId, RunningCurve>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the curve that was said longest ago, if that is long ago: of more tasks that train at a time than there is room for, some have
/// curves, rather than all of them pieces.
fn make_room(curves: &mut HashMap<TaskId, RunningCurve>, now: Timestamp) -> bool {
    let oldest = curves.iter().min_by_key(|(_, kept)| kept.said).map(|(task, kept)| (*task, kept.said));
    match oldest {
        Some((task, said)) if now - said >= SILENCE => curves.remove(&task).is_some(),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;

    use super::*;

    fn task(number: usize) -> TaskId {
        TaskId(Digest::of(&number.to_le_bytes()))
    }

    fn points(iterations: impl IntoIterator<Item = u64>) -> Vec<LossPoint> {
        iterations.into_iter().map(|iteration| LossPoint { iteration, loss: 0.5 }).collect()
    }

    #[test]
    fn a_curve_grows_by_what_is_said_and_goes_on_with_the_next_attempt() {
        let curves = RunningCurves::default();
        curves.add(task(1), points([1, 2, 3]), Timestamp(0));
        curves.add(task(1), points([]), Timestamp(1));
        curves.add(task(1), points([2, 4]), Timestamp(2));
        assert_eq!(curves.read(&task(1)), points([1, 2, 4]), "the second attempt began at step 2");
        assert_eq!(curves.read(&task(2)), []);
        curves.forget(&HashSet::from([task(1), task(2)]));
        assert_eq!(curves.tasks(), []);
    }

    #[test]
    fn memory_stays_bounded_and_only_the_silent_make_room() {
        let curves = RunningCurves::default();
        for number in 0..TASKS + 100 {
            curves.add(task(number), points([1]), Timestamp(number as u64));
        }
        assert_eq!(curves.tasks().len(), TASKS);
        assert_eq!(curves.read(&task(TASKS)), [], "there was no room for it");
        curves.add(task(0), points(0..100_000), Timestamp(9));
        assert!(curves.read(&task(0)).len() <= POINTS);
        let late = Timestamp(9) + SILENCE;
        curves.add(task(TASKS), points([7]), late);
        assert_eq!(curves.read(&task(TASKS)), points([7]));
        assert_eq!(curves.read(&task(1)), [], "nothing was said of it for longest");
        assert_eq!(curves.tasks().len(), TASKS);
    }
}
