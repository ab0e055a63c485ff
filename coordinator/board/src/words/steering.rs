//! The outcome of steering a sweep: what changed, what didn't and why, and what to type next.

use basin_coordinator::client::{CallError, Client};
use basin_domain::escape::line;
use basin_proto::codes::Coded;
use basin_proto::v1::{self, Steering, SweepState};

use super::number::counted;

/// A sweep that was steered.
#[derive(Debug, Clone, PartialEq)]
pub struct SteeredSweep {
    /// What came of it.
    pub outcome: SteeringOutcome,
    /// How the sweep stands now.
    pub now: v1::SweepSummary,
}

impl SteeredSweep {
    /// What came of it, in a line.
    pub fn line(&self) -> String {
        let SteeringOutcome { sentence, next, .. } = &self.outcome;
        let next = next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
        line(&format!("{sentence}{next}")).into_owned()
    }

    /// The same of a run on this machine (`basin run`): other commands don't steer it, and it ends with its sweep.
    pub fn line_of_run(&self) -> String {
        let SteeringOutcome { changed, sentence, .. } = &self.outcome;
        let is_cancelled =
            SweepState::read(self.now.state_code, &self.now.state) == Some(SweepState::Cancelled);
        let next = if *changed && is_cancelled { END_OF_RUN } else { "" };
        line(&format!("{sentence}{next}")).into_owned()
    }
}

/// What follows for a run on this machine once its sweep is cancelled, or its worker leaves.
pub const END_OF_RUN: &str = "; the run ends, and the same command goes on where it was";

/// Steers a sweep.
///
/// # Errors
/// If there is none, the coordinator isn't there, or it refuses.
pub async fn steered(client: &Client, sweep: &str, steering: Steering) -> Result<SteeredSweep, CallError> {
    let found = client.sweep(sweep).await?;
    let hopeless = found.failed.iter().filter(|task| is_hopeless(task)).count() as u64;
    let before = found.sweep.unwrap_or_default();
    // By its id: a sweep of this name may be launched meanwhile.
    let now = client.steer(&before.sweep_id, steering).await?;
    Ok(SteeredSweep { outcome: SteeringOutcome::of(steering, &before, &now, hopeless), now })
}

/// Whether another try at a failed task would end as the first did.
fn is_hopeless(task: &v1::FailedTask) -> bool {
    let kind = v1::FailureKind::read(task.kind_code, &task.kind);
    matches!(kind, Some(v1::FailureKind::InvalidParameters | v1::FailureKind::Damaged))
}

/// The outcome, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteeringOutcome {
    /// Whether anything is otherwise than before.
    pub changed: bool,
    /// What changed, or why nothing did.
    pub sentence: String,
    /// What to type next, if there is something.
    pub next: Option<String>,
}

impl SteeringOutcome {
    /// That of a sweep that stood so before and stands so now; so many of its failed tasks can't do better in another try, as far as
    /// is known.
    pub fn of(steering: Steering, before: &v1::SweepSummary, now: &v1::SweepSummary, hopeless: u64) -> Self {
        let id = &now.sweep_id;
        let counts = now.counts.unwrap_or_default();
        let was = SweepState::read(before.state_code, &before.state);
        let launch = "`basin launch` with its file takes it up again: what is committed counts";
        match (steering, was) {
            (Steering::Pause, Some(SweepState::Running)) => Self::changed(
                format!(
                    "paused: {}, {} and {} wait",
                    counted(
                        counts.running,
                        "running task goes on to its end",
                        "running tasks go on to their ends"
                    ),
                    counted(counts.queued, "queued", "queued"),
                    counted(counts.blocked, "blocked", "blocked")
                ),
                format!("`basin resume {id}` lets it go on"),
            ),
            (Steering::Resume, Some(SweepState::Paused)) => Self::changed(
                format!("resumed: {}", counted(counts.queued, "task is queued", "tasks are queued")),
                format!("`basin watch {id}` follows it"),
            ),
            (Steering::Cancel, Some(SweepState::Running | SweepState::Paused)) => Self::changed(
                format!(
                    "cancelled: {}, {}",
                    counted(counts.committed, "committed task stays", "committed tasks stay"),
                    counted(unfinished(&counts), "other is given up", "others are given up")
                ),
                format!("`basin collect {id}` fetches what is committed; {launch}"),
            ),
            (Steering::RetryFailed, _) => {
                let failed = before.counts.unwrap_or_default().failed;
                let outcome = match (failed, was) {
                    (0, _) => Self::unchanged("no task failed", None),
                    (_, Some(SweepState::Cancelled)) => Self::changed(
                        format!(
                            "{} start over once it goes on: it was cancelled",
                            counted(failed, "failed task may", "failed tasks may")
                        ),
                        launch.to_owned(),
                    ),
                    (_, Some(SweepState::Paused)) => Self::changed(
                        format!(
                            "{} over once it goes on: it is paused",
                            counted(failed, "failed task starts", "failed tasks start")
                        ),
                        format!("`basin resume {id}` lets it go on"),
                    ),
                    _ => Self::changed(
                        format!("{} over", counted(failed, "failed task starts", "failed tasks start")),
                        format!("`basin watch {id}` follows it"),
                    ),
                };
                outcome.beside_hopeless(hopeless, failed)
            }
            (Steering::Pause, Some(SweepState::Paused)) => {
                Self::unchanged("it was paused already", Some(format!("`basin resume {id}` lets it go on")))
            }
            (Steering::Resume, Some(SweepState::Running)) => Self::unchanged("it isn't paused", None),
            (Steering::Resume, Some(SweepState::Cancelled)) => {
                Self::unchanged("it was cancelled, not paused", Some(launch.to_owned()))
            }
            (Steering::Pause, Some(SweepState::Cancelled)) => {
                Self::unchanged("it was cancelled: nothing of it runs", None)
            }
            (Steering::Cancel, Some(SweepState::Cancelled)) => {
                Self::unchanged("it was cancelled already", None)
            }
            (_, Some(SweepState::Done)) => {
                Self::unchanged("it is done", Some(format!("`basin collect {id}` fetches its results")))
            }
            // A state that this version doesn't know.
            (_, _) => Self { changed: before.state != now.state, sentence: now.state.clone(), next: None },
        }
    }

    /// The same, with those of the tasks that are tried again which will fail again.
    fn beside_hopeless(self, hopeless: u64, failed: u64) -> Self {
        let which = match hopeless {
            0 => return self,
            _ if hopeless >= failed => "each will fail again".to_owned(),
            _ => format!("{hopeless} of them will fail again"),
        };
        let why = "parameters that can't work, or something damaged in the store, don't change by themselves";
        Self { sentence: format!("{}; {which}: {why}", self.sentence), ..self }
    }

    fn changed(sentence: String, next: String) -> Self {
        Self { changed: true, sentence, next: Some(next) }
    }

    fn unchanged(why: &str, next: Option<String>) -> Self {
        Self { changed: false, sentence: format!("nothing changed: {why}"), next }
    }
}

/// The tasks that are neither committed nor failed.
fn unfinished(counts: &v1::Counts) -> u64 {
    counts.blocked + counts.queued + counts.running + counts.upstream_failed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(state: SweepState, failed: u64) -> v1::SweepSummary {
        let counts = v1::Counts { running: 1, queued: 2, committed: 3, failed, ..v1::Counts::default() };
        v1::SweepSummary {
            sweep_id: "a-1".to_owned(),
            state: state.word().to_owned(),
            state_code: state.into(),
            counts: Some(counts),
            ..v1::SweepSummary::default()
        }
    }

    fn said(steering: Steering, was: SweepState, is: SweepState, failed: u64) -> String {
        let outcome = SteeringOutcome::of(steering, &sweep(was, failed), &sweep(is, failed), 0);
        assert_eq!(outcome.changed, !outcome.sentence.starts_with("nothing changed"), "{outcome:?}");
        format!("{}; {}", outcome.sentence, outcome.next.as_deref().unwrap_or("-"))
    }

    #[test]
    fn a_run_on_this_machine_is_told_nothing_to_type_that_would_not_reach_it() {
        let steered = |steering, was, is| {
            let now = sweep(is, 0);
            SteeredSweep { outcome: SteeringOutcome::of(steering, &sweep(was, 0), &now, 0), now }
        };
        let paused = steered(Steering::Pause, SweepState::Running, SweepState::Paused);
        assert!(paused.line().contains("`basin resume a-1`"), "{}", paused.line());
        assert!(
            paused.line_of_run().starts_with("paused: ") && !paused.line_of_run().contains("basin"),
            "{}",
            paused.line_of_run()
        );
        let cancelled = steered(Steering::Cancel, SweepState::Running, SweepState::Cancelled).line_of_run();
        assert!(cancelled.starts_with("cancelled: ") && cancelled.ends_with(END_OF_RUN), "{cancelled}");
        let again = steered(Steering::Cancel, SweepState::Cancelled, SweepState::Cancelled).line_of_run();
        assert_eq!(again, "nothing changed: it was cancelled already");
    }

    #[test]
    fn a_retry_says_how_many_tasks_will_fail_again() {
        let (before, now) = (sweep(SweepState::Done, 4), sweep(SweepState::Running, 0));
        let said = |hopeless| SteeringOutcome::of(Steering::RetryFailed, &before, &now, hopeless).sentence;
        assert_eq!(said(0), "4 failed tasks start over");
        assert!(
            said(1).starts_with("4 failed tasks start over; 1 of them will fail again: parameters"),
            "{}",
            said(1)
        );
        assert!(said(4).starts_with("4 failed tasks start over; each will fail again: "), "{}", said(4));
    }

    #[test]
    fn every_steering_of_every_state_says_what_changed_or_why_nothing_did() {
        use SweepState::{Cancelled, Done, Paused, Running};
        let mut all = Vec::new();
        for (steering, leads_to) in [
            (Steering::Pause, Paused),
            (Steering::Resume, Running),
            (Steering::Cancel, Cancelled),
            (Steering::RetryFailed, Running),
        ] {
            for was in [Running, Paused, Cancelled, Done] {
                for failed in if steering == Steering::RetryFailed { vec![0, 4] } else { vec![0] } {
                    let said = said(steering, was, leads_to, failed);
                    all.push(format!("{steering:?} of {was:?}, {failed} failed: {said}"));
                }
            }
        }
        insta::assert_snapshot!(all.join("\n"));
    }
}
