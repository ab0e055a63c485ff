//! How the losses of running tasks went: a few points of each, of what looks say anyway, and of what the coordinator has kept from before.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use basin_domain::loss_curve::{LossCurve, LossPoint};
use basin_proto::v1;

/// More points of a task there aren't.
const POINTS: usize = 60;
/// The most tasks of a sweep; with all of their points they take 4 MiB.
const TASKS: usize = 4_096;

/// The losses of a sweep's running tasks, and of those that ran of late, by their ids.
#[derive(Debug, Default)]
pub(crate) struct LiveLosses(Mutex<HashMap<String, LiveLoss>>);

/// The loss of a task.
#[derive(Debug)]
struct LiveLoss {
    curve: LossCurve,
    /// Whether what the coordinator has kept from before is in it.
    has_beginning: bool,
    /// When something was last said of it.
    said: Instant,
}

impl LiveLosses {
    /// A look says this of running tasks.
    pub(super) fn note(&self, tasks: &[v1::LiveTask]) {
        let mut all = self.all();
        for task in tasks {
            let Some(progress) = &task.progress else { continue };
            if let Some(loss) = progress.loss {
                let point = LossPoint { iteration: progress.iteration, loss };
                of(&mut all, &task.task_id).curve.push(point);
            }
        }
    }

    /// Puts what the coordinator has kept of tasks before what looks said of them.
    pub(crate) fn begin(&self, tasks: &[v1::LiveTask]) {
        let mut all = self.all();
        for task in tasks {
            let kept = of(&mut all, &task.task_id);
            let looks = std::mem::replace(&mut kept.curve, LossCurve::new(POINTS));
            task.curve.iter().flat_map(v1::LossCurve::points).for_each(|point| kept.curve.push(point));
            let last = kept.curve.points().last().map(|point| point.iteration);
            let later = looks.points().iter().filter(|point| last.is_none_or(|last| point.iteration > last));
            later.for_each(|point| kept.curve.push(*point));
            kept.has_beginning = true;
        }
    }

    /// Whether what the coordinator has kept of a task isn't known yet.
    pub(crate) fn lacks_beginning(&self, task: &str) -> bool {
        self.all().get(task).is_none_or(|kept| !kept.has_beginning)
    }

    /// The points (iteration, loss) of a task, by ascending iterations.
    pub(crate) fn points(&self, task: &str) -> Vec<(f64, f64)> {
        let all = self.all();
        let points = all.get(task).map_or(&[][..], |kept| kept.curve.points());
        points.iter().map(|point| (point.iteration as f64, point.loss)).collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, LiveLoss>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of a task of which something is said now. For a new one the one makes room of which nothing was said for longest.
fn of<'k>(all: &'k mut HashMap<String, LiveLoss>, task: &str) -> &'k mut LiveLoss {
    let said = Instant::now();
    if all.len() >= TASKS && !all.contains_key(task) {
        let oldest = all.iter().min_by_key(|(_, kept)| kept.said).map(|(task, _)| task.clone());
        if let Some(oldest) = oldest {
            all.remove(&oldest);
        }
    }
    let new = || LiveLoss { curve: LossCurve::new(POINTS), has_beginning: false, said };
    let kept = all.entry(task.to_owned()).or_insert_with(new);
    kept.said = said;
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(task: &str, iteration: u64, loss: f64) -> v1::LiveTask {
        let progress = v1::Progress { iteration, loss: Some(loss), ..v1::Progress::default() };
        v1::LiveTask { task_id: task.to_owned(), progress: Some(progress), ..v1::LiveTask::default() }
    }

    #[test]
    fn what_the_coordinator_kept_comes_before_what_looks_say() {
        let losses = LiveLosses::default();
        losses.note(&[running("a", 20, 0.5), running("b", 1, f64::NAN)]);
        losses.note(&[running("a", 30, 0.4), v1::LiveTask::default()]);
        assert!(losses.lacks_beginning("a") && losses.lacks_beginning("never heard of"));
        let curve = v1::LossCurve { iterations: vec![0, 10, 20], losses: vec![2.0, 1.0, 0.5] };
        losses.begin(&[v1::LiveTask { curve: Some(curve), ..running("a", 30, 0.4) }]);
        losses.note(&[running("a", 40, 0.3)]);
        assert!(!losses.lacks_beginning("a"));
        let points = [(0.0, 2.0), (10.0, 1.0), (20.0, 0.5), (30.0, 0.4), (40.0, 0.3)];
        assert_eq!(losses.points("a"), points);
        assert!(losses.points("b").is_empty() && losses.points("c").is_empty());
    }

    #[test]
    fn a_task_of_which_the_coordinator_kept_nothing_has_what_looks_say() {
        let losses = LiveLosses::default();
        losses.note(&[running("a", 0, 2.0)]);
        losses.begin(&[running("a", 0, 2.0)]);
        losses.note(&[running("a", 5, 1.0)]);
        assert_eq!(losses.points("a"), [(0.0, 2.0), (5.0, 1.0)]);
    }

    #[test]
    fn memory_stays_bounded_and_the_one_that_was_silent_for_longest_makes_room() {
        let losses = LiveLosses::default();
        for number in 0..TASKS {
            losses.note(&[running(&number.to_string(), 1, 1.0)]);
        }
        losses.note(&[running("0", 2, 1.0)]);
        losses.note(&[running("new", 1, 1.0)]);
        assert_eq!(losses.all().len(), TASKS);
        assert_eq!(losses.points("0").len(), 2);
        assert_eq!((losses.points("1").len(), losses.points("new").len()), (0, 1));
        (0..10_000).for_each(|iteration| losses.note(&[running("new", iteration, 1.0)]));
        assert!(losses.points("new").len() < POINTS);
    }
}
