//! The logs, losses and recorded series of the tasks that are being worked on, as far as the coordinator wasn't told of them, with the
//! names that it has for the tasks.
//!
//! They are for people who look on: of more than fits, the newest is told, and what isn't told before a task ends is in the log and the
//! series that the attempt leaves in the store.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use basin_domain::id::TaskId;
use basin_domain::live_series::{LiveSeries, SERIES_LIMIT, SeriesCurves};
use basin_domain::loss_curve::{LossCurve, LossPoint};
use basin_domain::utc::Utc;
use basin_domain::worker::Progress;

/// The most of a task's log that is kept here, in bytes.
const KEPT: usize = 64 << 10;
/// The most of a task's log that is told at once, in bytes.
const TOLD: usize = 8 << 10;
/// The most of all logs that is told at once, in bytes.
const TOLD_OF_ALL: usize = 256 << 10;
/// There are fewer points of a task's loss to be told than this.
const POINTS: usize = 16;
/// There are fewer points of each of its series than this; more than of the loss, since a run that goes on tells of what it recorded before.
const SERIES_POINTS: usize = 32;
/// The most of all series that is told at once, in bytes.
const SERIES_TOLD_OF_ALL: usize = 1 << 20;
/// The names that are kept; what is forgotten is shown by its id.
const NAMES: usize = 4_096;

/// New lines of a task's log, and points of its loss and of its series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskNews {
    pub(super) task: TaskId,
    /// The number of the first line.
    pub(super) first: u64,
    pub(super) lines: Vec<String>,
    pub(super) losses: Vec<LossPoint>,
    pub(super) series: Vec<LiveSeries>,
}

/// The logs.
#[derive(Debug, Default)]
pub(super) struct TaskLogs {
    logs: Mutex<HashMap<TaskId, TaskLog>>,
    names: Mutex<HashMap<TaskId, String>>,
}

#[derive(Debug)]
struct TaskLog {
    lines: VecDeque<String>,
    bytes: usize,
    /// The number of the first line that is kept.
    first: u64,
    /// The number of the first line that wasn't told.
    untold: u64,
    /// The points of the loss that weren't told.
    losses: LossCurve,
    /// The points of series that weren't told.
    series: SeriesCurves,
}

impl TaskLog {
    const fn new() -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            first: 0,
            untold: 0,
            losses: LossCurve::new(POINTS),
            series: SeriesCurves::new(SERIES_POINTS),
        }
    }

    fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > KEPT {
            let Some(dropped) = self.lines.pop_front() else { break };
            self.bytes -= dropped.len() + 1;
            self.first += 1;
        }
    }

    /// The newest lines that weren't told, of at most so many bytes, with the number of the first; of the next one, if there are none.
    fn news(&self, most: usize) -> (u64, Vec<String>) {
        let end = self.first + self.lines.len() as u64;
        let untold = usize::try_from(end.saturating_sub(self.untold.max(self.first))).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let newest = self.lines.iter().rev().take(untold).take_while(|line| {
            bytes += line.len() + 1;
            bytes <= most
        });
        let mut lines: Vec<String> = newest.cloned().collect();
        lines.reverse();
        match lines.is_empty() {
            // Nothing is left out yet.
            true => (self.untold, lines),
            false => (end - lines.len() as u64, lines),
        }
    }
}

/// A task whose log is kept for as long as this lives.
#[derive(Debug)]
pub(super) struct FollowedTask {
    logs: Arc<TaskLogs>,
    task: TaskId,
}

impl Drop for FollowedTask {
    fn drop(&mut self) {
        self.logs.logs().remove(&self.task);
    }
}

impl TaskLogs {
    /// Begins a task's log anew.
    pub(super) fn follow(self: &Arc<Self>, task: TaskId) -> FollowedTask {
        self.logs().insert(task, TaskLog::new());
        FollowedTask { logs: Arc::clone(self), task }
    }

    /// A line of a task's log, if that is followed.
    pub(super) fn push(&self, task: &TaskId, line: String) {
        if let Some(log) = self.logs().get_mut(task) {
            log.push(line);
        }
    }

    /// Something that the agent says of a task, as a line of its log.
    pub(super) fn say(&self, task: &TaskId, text: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.push(task, format!("{}  INFO {text}", Utc::from_unix(now.as_secs())));
    }

    /// How far a task is, for the curve of its loss, if it is followed.
    pub(super) fn note_progress(&self, task: &TaskId, at: &Progress) {
        if let (Some(log), Some(loss)) = (self.logs().get_mut(task), at.loss) {
            log.losses.push(LossPoint { iteration: at.iteration, loss });
        }
    }

    /// What a task has recorded, if it is followed.
    pub(super) fn note_recorded(&self, task: &TaskId, recorded: &[LiveSeries]) {
        if let Some(log) = self.logs().get_mut(task) {
            recorded.iter().for_each(|series| log.series.add(series, SERIES_LIMIT));
        }
    }

    /// What wasn't told, as far as it fits into a message.
    pub(super) fn news(&self) -> Vec<TaskNews> {
        let logs = self.logs();
        let mut left = TOLD_OF_ALL;
        let mut series_of = series_news(&logs);
        let mut all = Vec::new();
        for (task, log) in logs.iter() {
            let (first, lines) = log.news(TOLD.min(left));
            let losses = log.losses.points().to_vec();
            let series = series_of.remove(task).unwrap_or_default();
            if !lines.is_empty() || !losses.is_empty() || !series.is_empty() {
                left -= lines.iter().map(|line| line.len() + 1).sum::<usize>();
                all.push(TaskNews { task: *task, first, lines, losses, series });
            }
        }
        all
    }

    /// The coordinator has heard these.
    pub(super) fn note_told(&self, told: &[TaskNews]) {
        let mut logs = self.logs();
        for TaskNews { task, first, lines, losses, series } in told {
            if let Some(log) = logs.get_mut(task) {
                log.untold = log.untold.max(first + lines.len() as u64);
                log.losses.remove(losses);
                log.series.remove(series);
            }
        }
    }

    /// The coordinator's name of a task.
    pub(super) fn note_name(&self, task: TaskId, name: String) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(task, name);
    }

    /// The name of a task; empty if the coordinator didn't say it.
    pub(super) fn name(&self, task: &TaskId) -> String {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(task).cloned().unwrap_or_default()
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<TaskId, TaskLog>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The points of series that weren't told, as far as they fit into a message. Tasks of which most wait go first: none waits for ever.
fn series_news(logs: &HashMap<TaskId, TaskLog>) -> HashMap<TaskId, Vec<LiveSeries>> {
    let waiting = logs.iter().map(|(task, log)| (*task, log.series.all()));
    let mut waiting: Vec<(TaskId, Vec<LiveSeries>)> =
        waiting.filter(|(_, series)| !series.is_empty()).collect();
    waiting.sort_by_key(|(_, series)| Reverse(series.iter().map(|it| it.points.len()).sum::<usize>()));
    let mut bytes = 0;
    let fits = |(_, series): &(TaskId, Vec<LiveSeries>)| {
        bytes += series.iter().map(told_bytes).sum::<usize>();
        bytes <= SERIES_TOLD_OF_ALL
    };
    waiting.into_iter().take_while(fits).collect()
}

/// About what a series takes of a message, in bytes: two numbers a point, and its name with what tells fields apart.
fn told_bytes(series: &LiveSeries) -> usize {
    16 * series.points.len() + series.name().len() + 16
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use basin_domain::digest::Digest;
    use basin_domain::live_series::SeriesPoint;
    use basin_domain::metrics::Axis;

    use super::super::testing::small_task;
    use super::*;

    fn news(logs: &TaskLogs) -> Vec<(u64, Vec<String>)> {
        logs.news().into_iter().map(|news| (news.first, news.lines)).collect()
    }

    #[test]
    fn lines_are_told_until_they_were_heard_and_then_no_more() {
        let (logs, task) = (Arc::new(TaskLogs::default()), small_task().id);
        let followed = logs.follow(task);
        logs.push(&task, "a".to_owned());
        logs.push(&task, "b".to_owned());
        let told = logs.news();
        assert_eq!(news(&logs), [(0, vec!["a".to_owned(), "b".to_owned()])]);
        logs.push(&task, "c".to_owned());
        logs.note_told(&told);
        assert_eq!(news(&logs), [(2, vec!["c".to_owned()])]);
        drop(followed);
        logs.push(&task, "d".to_owned());
        assert!(logs.news().is_empty(), "nobody follows it any more");
    }

    #[test]
    fn of_a_flood_the_newest_lines_are_told_and_memory_stays_bounded() {
        let (logs, task) = (Arc::new(TaskLogs::default()), small_task().id);
        let _followed = logs.follow(task);
        for number in 0..100_000 {
            logs.push(&task, format!("line {number:06}"));
        }
        let told = &logs.news()[0];
        assert_eq!(told.lines.last().map(String::as_str), Some("line 099999"));
        assert_eq!(told.first + told.lines.len() as u64, 100_000);
        assert!(told.lines.len() * 12 <= TOLD && told.lines.len() > 500, "{}", told.lines.len());
        assert!(logs.logs()[&task].bytes <= KEPT);
    }

    #[test]
    fn losses_are_told_once_and_thinned_while_nobody_hears() {
        let (logs, task) = (Arc::new(TaskLogs::default()), small_task().id);
        let at = |iteration, loss| Progress { iteration, loss, ..Progress::default() };
        logs.note_progress(&task, &at(1, Some(0.5)));
        assert!(logs.news().is_empty(), "nobody follows it");
        let _followed = logs.follow(task);
        logs.push(&task, "a".to_owned());
        logs.note_told(&logs.news());
        logs.note_progress(&task, &at(1, None));
        logs.note_progress(&task, &at(2, Some(0.25)));
        let told = logs.news();
        let point = LossPoint { iteration: 2, loss: 0.25 };
        let (lines, series) = (Vec::new(), Vec::new());
        assert_eq!(told, [TaskNews { task, first: 1, lines, losses: vec![point], series }]);
        (3..10_000).for_each(|iteration| logs.note_progress(&task, &at(iteration, Some(0.125))));
        logs.note_told(&told);
        let losses = logs.news().remove(0).losses;
        assert!(losses.len() < POINTS && losses.len() > 3, "{losses:?}");
        assert_eq!((losses[0].iteration > 2, losses.last().unwrap().iteration), (true, 9_999));
    }

    fn series(name: &str, places: impl IntoIterator<Item = u32>) -> LiveSeries {
        let point = |x| SeriesPoint { x: f64::from(x), value: 0.5 };
        LiveSeries::new(name, Axis::Epoch, places.into_iter().map(point).collect()).unwrap()
    }

    #[test]
    fn what_is_recorded_is_told_once_in_its_order_and_thinned_while_nobody_hears() {
        let (logs, task) = (Arc::new(TaskLogs::default()), small_task().id);
        logs.note_recorded(&task, &[series("test_loss", [0])]);
        assert!(logs.news().is_empty(), "nobody follows it");
        let _followed = logs.follow(task);
        logs.note_recorded(&task, &[series("test_loss", [0, 1]), series("test_accuracy", [0])]);
        logs.note_recorded(&task, &[series("test_loss", [2])]);
        let told = logs.news();
        assert_eq!(told[0].series, [series("test_loss", [0, 1, 2]), series("test_accuracy", [0])]);
        logs.note_recorded(&task, &[series("test_accuracy", [1])]);
        logs.note_told(&told);
        let left = logs.news();
        assert_eq!(left[0].series, [series("test_accuracy", [1])]);
        (2..10_000).for_each(|epoch| logs.note_recorded(&task, &[series("test_loss", [epoch])]));
        logs.note_told(&left);
        let points = logs.news().remove(0).series.remove(0).points;
        assert!(points.len() < SERIES_POINTS && points.len() > 7, "{points:?}");
        assert_eq!(points.last().map(|point| point.x), Some(9_999.0));
    }

    #[test]
    fn of_more_series_than_fit_those_that_waited_go_first() {
        let logs = Arc::new(TaskLogs::default());
        let task = |number: u32| TaskId(Digest::of(&number.to_le_bytes()));
        let followed: Vec<FollowedTask> = (0..2_000).map(|number| logs.follow(task(number))).collect();
        let names: Vec<String> = (0..SERIES_LIMIT + 4).map(|number| format!("series_{number}")).collect();
        let record = |from: u32, to: u32| {
            for FollowedTask { task, .. } in &followed {
                names.iter().for_each(|name| logs.note_recorded(task, &[series(name, from..to)]));
            }
        };
        record(0, 10);
        let mut told_tasks = HashSet::new();
        let mut calls = 0;
        while told_tasks.len() < followed.len() {
            let told = logs.news();
            let of_all = told.iter().flat_map(|news| &news.series);
            assert!(of_all.clone().all(|series| !series.points.is_empty()));
            assert!(of_all.map(told_bytes).sum::<usize>() <= SERIES_TOLD_OF_ALL);
            assert!(told.iter().all(|news| news.series.len() == SERIES_LIMIT), "no more of a task");
            told_tasks.extend(told.iter().map(|news| news.task));
            logs.note_told(&told);
            calls += 1;
            record(10 + calls, 11 + calls);
        }
        assert!((5..10).contains(&calls), "{calls} calls for {} tasks", followed.len());
    }

    #[test]
    fn a_task_has_the_name_that_the_coordinator_said() {
        let (logs, task) = (TaskLogs::default(), small_task().id);
        assert_eq!(logs.name(&task), "");
        logs.note_name(task, "fits seed 1".to_owned());
        assert_eq!(logs.name(&task), "fits seed 1");
    }
}
