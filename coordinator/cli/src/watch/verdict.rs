//! How a sweep has ended.

use basin_proto::codes::Coded;
use basin_proto::v1;

use crate::command_error::{CommandError, CommandResult};
use crate::output::counted;

/// The end of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every task is committed.
    Done,
    /// So many tasks failed.
    Failed(u64),
    /// A person ended it.
    Cancelled,
}

impl Verdict {
    /// That of a sweep, if nothing more happens to it.
    pub(super) fn of(sweep: &v1::SweepSummary) -> Option<Self> {
        let failed = sweep.counts.unwrap_or_default().failed;
        match v1::SweepState::read(sweep.state_code, &sweep.state)? {
            v1::SweepState::Cancelled => Some(Self::Cancelled),
            v1::SweepState::Done if failed > 0 => Some(Self::Failed(failed)),
            v1::SweepState::Done => Some(Self::Done),
            v1::SweepState::Running | v1::SweepState::Paused | v1::SweepState::Unspecified => None,
        }
    }

    /// The verdict as a word, for programs.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a command that waited for the end of the sweep ends with.
    pub(super) fn result(self, sweep: &v1::SweepSummary) -> CommandResult {
        let id = &sweep.sweep_id;
        match self {
            Self::Done => Ok(()),
            Self::Cancelled => Err(CommandError::input(anyhow::anyhow!("{id} was cancelled"))),
            Self::Failed(failed) => {
                let failed = counted(failed, "task", "tasks");
                Err(CommandError::input(anyhow::anyhow!("{failed} of {id} failed"))
                    .hint(format!("`basin status {id}` names them")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_has_a_verdict_once_nothing_more_happens_to_it() {
        use v1::SweepState::{Cancelled, Done, Paused, Running};
        let of = |state: v1::SweepState, failed| {
            let counts = Some(v1::Counts { failed, ..v1::Counts::default() });
            let sweep = v1::SweepSummary { state_code: state.into(), counts, ..v1::SweepSummary::default() };
            Verdict::of(&sweep)
        };
        assert_eq!([of(Running, 1), of(Paused, 0)], [None, None]);
        assert_eq!([of(Done, 0), of(Done, 2)], [Some(Verdict::Done), Some(Verdict::Failed(2))]);
        assert_eq!(of(Cancelled, 1), Some(Verdict::Cancelled));
    }

    #[test]
    fn what_failed_is_said_with_what_to_type() {
        let sweep = v1::SweepSummary { sweep_id: "a-1".to_owned(), ..v1::SweepSummary::default() };
        assert!(Verdict::Done.result(&sweep).is_ok());
        let failed = Verdict::Failed(1).result(&sweep).unwrap_err();
        assert_eq!(failed.code, 1);
        assert_eq!(failed.text(), "error: 1 task of a-1 failed\nhint: `basin status a-1` names them\n");
    }
}
