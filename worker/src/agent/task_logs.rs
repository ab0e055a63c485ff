//! The logs and losses of the tasks that are being worked on, as far as the coordinator wasn't told of them, with the names that it has
//! for the tasks.
//!
//! They are for people who look on: of more than fits, the newest is told, and what isn't told before a task ends is in the log and the
//! series that the attempt leaves in the store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use basin_domain::id::TaskId;
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
/// The names that are kept; what is forgotten is shown by its id.
const NAMES: usize = 4_096;

/// New lines of a task's log, and points of its loss.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskNews {
    pub(super) task: TaskId,
    /// The number of the first line.
    pub(super) first: u64,
    pub(super) lines: Vec<String>,
    pub(super) losses: Vec<LossPoint>,
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
}

impl TaskLog {
    const fn new() -> Self {
        Self { lines: VecDeque::new(), bytes: 0, first: 0, untold: 0, losses: LossCurve::new(POINTS) }
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

    /// What wasn't told, as far as it fits into a message.
    pub(super) fn news(&self) -> Vec<TaskNews> {
        let logs = self.logs();
        let mut left = TOLD_OF_ALL;
        let mut all = Vec::new();
        for (task, log) in logs.iter() {
            let (first, lines) = log.news(TOLD.min(left));
            let losses = log.losses.points().to_vec();
            if !lines.is_empty() || !losses.is_empty() {
                left -= lines.iter().map(|line| line.len() + 1).sum::<usize>();
                all.push(TaskNews { task: *task, first, lines, losses });
            }
        }
        all
    }

    /// The coordinator has heard these.
    pub(super) fn note_told(&self, told: &[TaskNews]) {
        let mut logs = self.logs();
        for TaskNews { task, first, lines, losses } in told {
            if let Some(log) = logs.get_mut(task) {
                log.untold = log.untold.max(first + lines.len() as u64);
                log.losses.remove(losses);
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

#[cfg(test)]
mod tests {
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
        assert_eq!(told, [TaskNews { task, first: 1, lines: Vec::new(), losses: vec![point] }]);
        (3..10_000).for_each(|iteration| logs.note_progress(&task, &at(iteration, Some(0.125))));
        logs.note_told(&told);
        let losses = logs.news().remove(0).losses;
        assert!(losses.len() < POINTS && losses.len() > 3, "{losses:?}");
        assert_eq!((losses[0].iteration > 2, losses.last().unwrap().iteration), (true, 9_999));
    }

    #[test]
    fn a_task_has_the_name_that_the_coordinator_said() {
        let (logs, task) = (TaskLogs::default(), small_task().id);
        assert_eq!(logs.name(&task), "");
        logs.note_name(task, "fits seed 1".to_owned());
        assert_eq!(logs.name(&task), "fits seed 1");
    }
}
