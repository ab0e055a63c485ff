//! The ends of a local run before its sweep is done.

use basin_domain::id::SweepId;

use crate::command_error::CommandError;

/// Why a run ends before its sweep is done, by the will of whoever started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EarlyEnd {
    /// By a signal.
    Stopped,
    /// The sweep was cancelled, at the run's board.
    Cancelled,
    /// The worker was drained, at the run's board.
    Drained,
}

impl EarlyEnd {
    /// What a run of this sweep says of it.
    pub(super) fn of(self, sweep: &SweepId) -> CommandError {
        let how = match self {
            Self::Stopped => "was stopped",
            Self::Cancelled => "was cancelled",
            Self::Drained => "was stopped: its worker was drained",
        };
        CommandError::input(anyhow::anyhow!("{sweep} {how}; what is done is kept"))
            .hint("run the same command again to go on where it was")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_ends_a_run_early_is_told_that_it_goes_on_where_it_was() {
        let sweep = SweepId::new("a-1").unwrap();
        for (end, how) in [
            (EarlyEnd::Stopped, "a-1 was stopped; what is done is kept"),
            (EarlyEnd::Cancelled, "a-1 was cancelled; what is done is kept"),
            (EarlyEnd::Drained, "a-1 was stopped: its worker was drained; what is done is kept"),
        ] {
            let failed = end.of(&sweep);
            assert_eq!(failed.code, 1, "{end:?}");
            let text = format!("error: {how}\nhint: run the same command again to go on where it was\n");
            assert_eq!(failed.text(), text);
        }
    }
}
