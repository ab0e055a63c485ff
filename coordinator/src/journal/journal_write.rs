//! A write of the journal, as the requests that shared it are told of it.

use std::time::SystemTime;

use basin_traces::{Part, Span};

/// What was decided of some requests together, until it was on disk.
#[derive(Debug, Clone, Copy)]
pub struct JournalWrite {
    /// When the first was decided.
    pub(super) began: SystemTime,
    /// When what happened was kept.
    pub(super) ended: SystemTime,
    /// The requests.
    pub(super) requests: usize,
}

impl JournalWrite {
    /// A span of whatever asked.
    pub fn trace(&self) {
        let span = Span::child_since(Part::Coordinator, "journal.write", self.began);
        span.note_count("basin.requests", self.requests as u64);
        span.end_at(self.ended);
    }
}
