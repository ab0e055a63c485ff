//! The states of what a store alone knows, as words.

use basin_domain::metrics::Outcome;
use basin_proto::codes::Coded;
use basin_proto::v1;

/// The word of a task that isn't committed.
pub(crate) const NOT_COMMITTED: &str = "not-committed";
/// The word of a sweep that isn't all committed.
pub(crate) const INCOMPLETE: &str = "incomplete";

/// The state of a task that ended so, or isn't committed, as a word.
pub(crate) fn word(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => NOT_COMMITTED,
        Some(Outcome::Completed) => v1::TaskState::Completed.word(),
        Some(Outcome::Diverged { .. }) => v1::TaskState::Diverged.word(),
        Some(Outcome::Stopped { .. }) => v1::TaskState::Stopped.word(),
    }
}
