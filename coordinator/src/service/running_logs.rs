//! The logs of tasks while they run.

use std::collections::{HashMap, HashSet};

use basin_domain::id::{LeaseId, TaskId};

use crate::newest_lines::NewestLines;

/// The most of a task's log that is kept, in bytes.
const KEPT_OF_TASK: usize = 64 << 10;
/// The most of all logs, in bytes: those that were written to longest ago go first.
const KEPT: usize = 64 << 20;
/// The longest line that is kept whole, in bytes.
const LONGEST_LINE: usize = 8 << 10;
/// No log has so many lines: whoever says a greater number counts wrong.
const MOST_NUMBERED: u64 = 1 << 60;
/// The most lines of a task in one message.
const MOST_LINES: usize = 10_000;

/// The logs.
#[derive(Debug, Default)]
pub(super) struct RunningLogs {
    of_tasks: HashMap<TaskId, RunningLog>,
    bytes: usize,
    /// Counts what is said.
    clock: u64,
}

/// A task's log, as far as it was said.
#[derive(Debug)]
struct RunningLog {
    /// The lease under which it is worked on.
    lease: LeaseId,
    newest: NewestLines,
    /// When it was last written to.
    written: u64,
}

/// Lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lines {
    /// The number of the first.
    pub(super) first: u64,
    pub(super) lines: Vec<String>,
}

impl RunningLog {
    /// Adds lines, of which the first has this number. Those that are there already are left out, and where some are missing between,
    /// what is before them goes.
    fn add(&mut self, first: u64, lines: Vec<String>) {
        let first = first.min(MOST_NUMBERED);
        if first > self.newest.end() {
            self.newest = NewestLines { first, ..NewestLines::default() };
        }
        let known = usize::try_from(self.newest.end().saturating_sub(first)).unwrap_or(usize::MAX);
        for line in lines.into_iter().take(MOST_LINES).skip(known) {
            self.newest.push(shortened(line));
        }
        self.newest.keep(KEPT_OF_TASK, usize::MAX);
    }
}

impl RunningLogs {
    /// A worker said this of a task that it holds under this lease: lines, of which the first has this number.
    pub(super) fn add(&mut self, task: TaskId, lease: &LeaseId, first: u64, lines: Vec<String>) {
        self.clock += 1;
        let log = self.of_tasks.entry(task).or_insert_with(|| new_log(lease));
        let before = log.newest.bytes;
        if log.lease != *lease {
            *log = new_log(lease);
        }
        log.add(first, lines);
        log.written = self.clock;
        self.bytes = (self.bytes + log.newest.bytes).saturating_sub(before);
        while self.bytes > KEPT {
            let oldest = self.of_tasks.iter().min_by_key(|(_, log)| log.written).map(|(task, _)| *task);
            let Some(dropped) = oldest.and_then(|task| self.of_tasks.remove(&task)) else { break };
            self.bytes = self.bytes.saturating_sub(dropped.newest.bytes);
        }
    }

    /// The lines from this number on that were said of a task under this lease; none if nothing was.
    pub(super) fn read(&self, task: &TaskId, lease: &LeaseId, after: u64) -> Option<Lines> {
        let log = &self.of_tasks.get(task).filter(|log| log.lease == *lease)?.newest;
        let skip = usize::try_from(after.saturating_sub(log.first)).unwrap_or(usize::MAX);
        let lines: Vec<String> = log.lines.iter().skip(skip).cloned().collect();
        Some(Lines { first: log.end() - lines.len() as u64, lines })
    }

    /// The tasks of which there is a log.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &TaskId> {
        self.of_tasks.keys()
    }

    /// Forgets what was said of these tasks.
    pub(super) fn forget(&mut self, tasks: &HashSet<TaskId>) {
        for task in tasks {
            let bytes = self.of_tasks.remove(task).map_or(0, |log| log.newest.bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

fn new_log(lease: &LeaseId) -> RunningLog {
    RunningLog { lease: lease.clone(), newest: NewestLines::default(), written: 0 }
}

fn shortened(mut line: String) -> String {
    if line.len() > LONGEST_LINE {
        let end = (0..=LONGEST_LINE).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;

    use super::*;

    fn task(number: u8) -> TaskId {
        TaskId(Digest::of(&[number]))
    }

    fn of(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    fn read(logs: &RunningLogs, lease: &str, after: u64) -> Option<(u64, Vec<String>)> {
        let found = logs.read(&task(1), &LeaseId::new(lease).unwrap(), after)?;
        Some((found.first, found.lines))
    }

    #[test]
    fn lines_that_are_said_twice_are_kept_once_and_a_gap_begins_anew() {
        let (mut logs, lease) = (RunningLogs::default(), LeaseId::new("l").unwrap());
        logs.add(task(1), &lease, 0, of(&["a", "b"]));
        logs.add(task(1), &lease, 1, of(&["b", "c"]));
        assert_eq!(read(&logs, "l", 0), Some((0, of(&["a", "b", "c"]))));
        assert_eq!(read(&logs, "l", 2), Some((2, of(&["c"]))));
        assert_eq!(read(&logs, "l", 9), Some((3, of(&[]))));
        logs.add(task(1), &lease, 9, of(&["k"]));
        assert_eq!(read(&logs, "l", 3), Some((9, of(&["k"]))));
    }

    #[test]
    fn another_attempt_has_a_log_of_its_own() {
        let mut logs = RunningLogs::default();
        logs.add(task(1), &LeaseId::new("l").unwrap(), 0, of(&["a"]));
        logs.add(task(1), &LeaseId::new("m").unwrap(), 0, of(&["b"]));
        assert_eq!(read(&logs, "l", 0), None);
        assert_eq!(read(&logs, "m", 0), Some((0, vec!["b".to_owned()])));
    }

    #[test]
    fn what_is_forgotten_takes_no_memory_and_the_rest_stays() {
        let (mut logs, lease) = (RunningLogs::default(), LeaseId::new("l").unwrap());
        for number in [1, 2] {
            logs.add(task(number), &lease, 0, of(&["abc"]));
        }
        logs.forget(&HashSet::from([task(2), task(3)]));
        assert_eq!(logs.tasks().collect::<Vec<_>>(), [&task(1)]);
        assert_eq!(logs.bytes, 4);
        logs.forget(&HashSet::from([task(1)]));
        assert_eq!((read(&logs, "l", 0), logs.bytes), (None, 0));
    }

    #[test]
    fn memory_stays_bounded_whatever_is_said() {
        let (mut logs, lease) = (RunningLogs::default(), LeaseId::new("l").unwrap());
        let long = "x".repeat(1 << 20);
        for number in 0..200 {
            logs.add(task(number), &lease, u64::from(number), of(&[&long, &long]));
        }
        for first in [0, u64::MAX, 7] {
            logs.add(task(1), &lease, first, of(&["y"]));
        }
        assert!(logs.bytes <= KEPT);
        assert!(logs.of_tasks.values().all(|log| log.newest.bytes <= KEPT_OF_TASK));
        assert_eq!(logs.bytes, logs.of_tasks.values().map(|log| log.newest.bytes).sum::<usize>());
    }
}
