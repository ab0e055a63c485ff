//! The newest lines of a log, with their numbers.

use std::collections::VecDeque;

/// Lines of which the oldest are dropped.
#[derive(Debug, Default)]
pub(crate) struct NewestLines {
    /// The number of the first that is kept.
    pub(crate) first: u64,
    pub(crate) lines: VecDeque<String>,
    /// Their bytes, with their ends.
    pub(crate) bytes: usize,
}

impl NewestLines {
    /// The number of the next line.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
    }

    /// Drops the oldest until they have no more than so many bytes, and are no more than so many.
    pub(crate) fn keep(&mut self, bytes: usize, lines: usize) {
        while self.bytes > bytes || self.lines.len() > lines {
            let Some(dropped) = self.lines.pop_front() else { break };
            self.bytes -= dropped.len() + 1;
            self.first += 1;
        }
    }
}
