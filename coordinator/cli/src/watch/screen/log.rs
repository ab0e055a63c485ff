//! The log of the chosen task, as far as it was fetched.

use std::collections::VecDeque;
use std::ops::Range;

use basin_proto::v1;

use super::list::Step;
use crate::logs::{headline, nothing};

/// The most lines that are kept.
const KEPT: usize = 1_000;

/// The log.
#[derive(Debug, Default)]
pub(super) struct Log {
    task: String,
    attempt: u32,
    headline: String,
    /// Why there are no lines.
    nothing: &'static str,
    lines: VecDeque<String>,
    /// How many lines are below the last one that is seen.
    below: usize,
}

impl Log {
    /// Adds what is new, or begins with another task or attempt.
    pub(super) fn add(&mut self, reply: v1::GetTaskLogReply) {
        self.headline = headline(&reply);
        self.nothing = nothing(&reply);
        if (reply.task_id.as_str(), reply.attempt) != (self.task.as_str(), self.attempt) {
            (self.attempt, self.below) = (reply.attempt, 0);
            self.lines.clear();
            self.task = reply.task_id;
        }
        if self.below > 0 {
            self.below += reply.lines.len();
        }
        self.lines.extend(reply.lines);
        let surplus = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..surplus);
        self.below = self.below.min(self.lines.len().saturating_sub(1));
    }

    /// The task whose log it is.
    pub(super) fn task(&self) -> &str {
        &self.task
    }

    /// Whose log it is, and how the task stands.
    pub(super) fn headline(&self) -> &str {
        &self.headline
    }

    /// Why nothing is to be seen; empty if something is.
    pub(super) fn nothing(&self) -> &'static str {
        if self.lines.is_empty() { self.nothing } else { "" }
    }

    /// The lines that are seen through a window of this height: the newest, unless somebody went back.
    pub(super) fn seen(&self, height: usize) -> impl Iterator<Item = &str> {
        let end = self.lines.len().saturating_sub(self.below).max(height.min(self.lines.len()));
        let range: Range<usize> = end.saturating_sub(height)..end;
        self.lines.range(range).map(String::as_str)
    }

    /// Goes back to older lines, or on to newer ones.
    pub(super) fn step(&mut self, step: Step) {
        let last = self.lines.len().saturating_sub(1);
        let row = step.from(last.saturating_sub(self.below), self.lines.len());
        self.below = last - row.min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(task: &str, attempt: u32, lines: Range<u32>) -> v1::GetTaskLogReply {
        v1::GetTaskLogReply {
            task_id: task.to_owned(),
            attempt,
            lines: lines.map(|line| line.to_string()).collect(),
            ..v1::GetTaskLogReply::default()
        }
    }

    fn seen(log: &Log, height: usize) -> Vec<&str> {
        log.seen(height).collect()
    }

    #[test]
    fn the_newest_lines_are_seen_until_somebody_goes_back() {
        let mut log = Log::default();
        log.add(reply("a", 1, 0..3));
        log.add(reply("a", 1, 3..5));
        assert_eq!(seen(&log, 3), ["2", "3", "4"]);
        log.step(Step::Up);
        assert_eq!(seen(&log, 3), ["1", "2", "3"]);
        log.add(reply("a", 1, 5..7));
        assert_eq!(seen(&log, 3), ["1", "2", "3"], "what is read stays where it is");
        log.step(Step::First);
        assert_eq!(seen(&log, 3), ["0", "1", "2"]);
        log.step(Step::Last);
        assert_eq!(seen(&log, 3), ["4", "5", "6"]);
        assert_eq!(seen(&log, 30).len(), 7);
    }

    #[test]
    fn another_task_or_attempt_has_a_log_of_its_own_and_memory_is_bounded() {
        let mut log = Log::default();
        log.add(reply("a", 1, 0..3));
        log.add(reply("a", 2, 0..0));
        assert_eq!((seen(&log, 3).len(), log.nothing()), (0, "its log is empty"));
        log.add(reply("b", 2, 7..8));
        assert_eq!((seen(&log, 3), log.task(), log.nothing()), (vec!["7"], "b", ""));
        log.add(reply("b", 2, 0..5_000));
        assert_eq!(log.lines.len(), KEPT);
    }
}
