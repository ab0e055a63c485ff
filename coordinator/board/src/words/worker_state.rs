//! The state of a worker, for people: the first of these that is so.

use std::fmt;

use basin_proto::v1;

use super::number::span;
use super::sweep::waiting_text;

/// How long a worker is silent at most while all is well, in milliseconds: one that works calls every two seconds, an idle one is kept
/// waiting for an answer.
const LONGEST_PAUSE_MS: u64 = 5_000;
const LONGEST_WAIT_MS: u64 = 12_000;

/// The state of a worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WorkerState<'a> {
    /// Its process has ended.
    Ended,
    /// It should have called by now, and was silent for so many milliseconds.
    Silent(u64),
    /// It waits for an outage to end.
    Waiting(&'a v1::Waiting),
    /// It takes nothing new.
    Draining,
    /// It gets nothing for so many milliseconds, for its failures.
    Avoided(u64),
    /// It works, or could.
    Able,
}

impl<'a> WorkerState<'a> {
    /// That of this worker.
    pub fn of(worker: &'a v1::WorkerSummary) -> Self {
        match (silent_ms(worker), &worker.waiting, worker.avoided_for_ms) {
            _ if worker.exited => Self::Ended,
            (Some(ms), _, _) => Self::Silent(ms),
            (None, Some(waiting), _) => Self::Waiting(waiting),
            _ if worker.draining => Self::Draining,
            (None, None, Some(ms)) => Self::Avoided(ms),
            (None, None, None) => Self::Able,
        }
    }

    /// The state as a word, for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Silent(_) => "silent",
            Self::Waiting(_) => "waiting",
            Self::Draining => "draining",
            Self::Avoided(_) => "avoided",
            Self::Able => "able",
        }
    }
}

impl fmt::Display for WorkerState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(ms) => write!(f, "silent for {}", span(*ms as f64 / 1e3)),
            Self::Waiting(waiting) => f.write_str(&waiting_text(Some(waiting))),
            Self::Avoided(ms) => write!(f, "avoided for {}", span(*ms as f64 / 1e3)),
            Self::Ended | Self::Draining | Self::Able => f.write_str(self.word()),
        }
    }
}

/// For how long a worker has been silent that should have called by now, in milliseconds.
pub fn silent_ms(worker: &v1::WorkerSummary) -> Option<u64> {
    let most = if worker.leases > 0 { LONGEST_PAUSE_MS } else { LONGEST_WAIT_MS };
    worker.seen_ms_ago.filter(|ms| *ms > most && !worker.exited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_is_said_first() {
        let mut worker = v1::WorkerSummary { seen_ms_ago: Some(100), ..v1::WorkerSummary::default() };
        let said = |worker: &v1::WorkerSummary| WorkerState::of(worker).to_string();
        assert_eq!(said(&worker), "able");
        worker.avoided_for_ms = Some(3_000);
        assert_eq!(said(&worker), "avoided for 3 s");
        worker.draining = true;
        assert_eq!(said(&worker), "draining");
        worker.waiting = Some(v1::Waiting::default());
        assert_eq!(WorkerState::of(&worker).word(), "waiting");
        worker.seen_ms_ago = Some(20_000);
        assert_eq!(said(&worker), "silent for 20 s");
        worker.exited = true;
        assert_eq!(said(&worker), "ended");
    }
}
