//! The training of one task on an executor, as its agent follows it: a state that events change and that says what is to be done.
//!
//! Like the [reactor](super::reactor) it does nothing itself, and the moment is an argument; the [attempt](super::attempt) does
//! what it says. The clock here is one that stands still while the machine sleeps, as the executor does.

mod progress_deadline;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::live_series::LiveSeries;
use basin_domain::outage::{Outage, OutageKind};
use basin_domain::worker::Progress;
use basin_proto::executor::{Checkpointed, Finished, Started, from_executor};
use basin_proto::live_series;
use basin_storage::CheckpointLocation;

use self::progress_deadline::ProgressDeadline;
use super::reactor::Directive;

/// Something that has happened to a task that trains.
#[derive(Debug)]
pub enum Event {
    /// The lease has a new directive.
    Directed(Directive),
    /// The executor said something of the task.
    Heard(from_executor::Message),
    /// The executor died; because it was killed, if it hung with any task.
    Died {
        /// Whether it was.
        was_hung: bool,
    },
    /// The store took a checkpoint, or didn't because of an outage.
    CheckpointStored(Option<Outage>),
    /// A checkpoint was looked for that isn't among those refused.
    Restored(Option<CheckpointLocation>),
    /// It is time to look at the clock, while other tasks of the executor train or not, of any of which it last spoke then.
    Checked {
        /// Whether the executor has begun with another.
        others_train: bool,
        /// When it last spoke.
        last_message_at: Instant,
    },
}

/// Something to be done for a task that trains.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// The executor has begun with it.
    NoteBegun,
    /// Tell the executor to write a checkpoint.
    RequestCheckpoint,
    /// Tell the executor to stop.
    RequestStop,
    /// Upload a checkpoint.
    StoreCheckpoint(Checkpointed),
    /// Look for a checkpoint that isn't one of these; [`Event::Restored`] follows.
    Restore(Vec<CheckpointLocation>),
    /// Tell the executor to begin again, from the checkpoint that was restored last.
    StartAgain,
    /// Tell the agent of its progress.
    NoteProgress(Progress),
    /// Tell the agent what it has recorded.
    NoteRecorded(Vec<LiveSeries>),
    /// Tell the agent that it is trained.
    NoteTrained,
    /// An outage was met, or goes on.
    NoteOutage {
        /// The outage as it was met last.
        outage: Outage,
        /// Whether a finished result waits for its end.
        holds_result: bool,
    },
    /// The outage is over.
    EndOutage,
    /// Nothing more is to be done for it but this.
    End(End),
}

/// The end of a task's training.
#[derive(Debug, PartialEq)]
pub enum End {
    /// It is trained.
    Finished(Finished),
    /// It failed, by the executor's word.
    Failed(Failure),
    /// The executor stopped with it: it is given back.
    Released(ReleaseReason),
    /// The executor stopped with it, and the lease is lost.
    Abandoned,
    /// The executor died of it.
    Crashed,
    /// The executor hangs with it, and is to be killed.
    Hung(Failure),
    /// The executor hangs or died before it began: that says nothing against the task. It is to be killed if it hangs.
    NeverBegan {
        /// Whether it hangs.
        hangs: bool,
    },
    /// The executor was killed because it hung with another task.
    Interrupted,
}

/// The state of a task that trains.
#[derive(Debug)]
pub struct Training {
    directive: Directive,
    deadline: ProgressDeadline,
    began: bool,
    /// Whether the checkpoint that it should go on from could not be used.
    began_anew: bool,
    /// The step that it began at.
    first_step: Option<u64>,
    last: Progress,
    /// The checkpoint that it goes on from.
    resumed: Option<CheckpointLocation>,
    /// Checkpoints that the executor could not use.
    refused: Vec<CheckpointLocation>,
    /// An older checkpoint was found: it is begun with that once the executor has let go of the run that it began without.
    has_older: bool,
}

impl Training {
    /// A task that the executor is told to begin now.
    pub fn new(resumed: Option<CheckpointLocation>, progress_timeout: Duration, now: Instant) -> Self {
        Self {
            directive: Directive::Train,
            deadline: ProgressDeadline::new(progress_timeout, now),
            began: false,
            began_anew: false,
            first_step: None,
            last: Progress::default(),
            resumed,
            refused: Vec::new(),
            has_older: false,
        }
    }

    /// The time until the clock is to be looked at, if nothing happens meanwhile.
    pub fn check_interval(&self) -> Duration {
        self.deadline.check_interval()
    }

    /// The step that it was resumed from, if it was.
    pub fn resumed_from_step(&self) -> Option<u64> {
        self.first_step.filter(|_| self.resumed.is_some() && !self.began_anew)
    }

    /// The steps that were done since it began.
    pub fn steps(&self) -> u64 {
        self.last.iteration.saturating_sub(self.first_step.unwrap_or(0))
    }

    /// The seconds that a step takes at present.
    pub const fn step_seconds(&self) -> Option<f64> {
        self.last.step_seconds
    }

    /// Something has happened: what is to be done now, in this order.
    pub fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Directed(directive) => {
                self.directive = directive;
                match directive {
                    Directive::GiveBack(_) => vec![Action::RequestCheckpoint, Action::RequestStop],
                    Directive::Train | Directive::Abandon => vec![],
                }
            }
            Event::Heard(message) => {
                self.deadline.progressed(now);
                self.heard(message)
            }
            Event::Died { was_hung: true } => vec![Action::End(End::Interrupted)],
            Event::Died { was_hung: false } if self.began => vec![Action::End(End::Crashed)],
            Event::Died { was_hung: false } => vec![Action::End(End::NeverBegan { hangs: false })],
            Event::CheckpointStored(None) => vec![Action::EndOutage],
            Event::CheckpointStored(Some(outage)) => {
                vec![Action::NoteOutage { outage, holds_result: false }]
            }
            Event::Restored(None) => vec![],
            Event::Restored(Some(location)) => {
                self.resumed = Some(location);
                self.has_older = true;
                vec![Action::RequestStop]
            }
            Event::Checked { others_train, last_message_at } => {
                self.check(others_train, last_message_at, now).into_iter().map(Action::End).collect()
            }
        }
    }

    fn heard(&mut self, message: from_executor::Message) -> Vec<Action> {
        match message {
            from_executor::Message::Ready(_)
            | from_executor::Message::Working(_)
            | from_executor::Message::Traced(_) => vec![],
            from_executor::Message::Started(started) => self.started(started),
            from_executor::Message::Progressed(progressed) => {
                self.last = progressed.into();
                self.deadline.note_step(self.last.step_seconds);
                self.first_step.get_or_insert(self.last.iteration);
                vec![Action::NoteProgress(self.last)]
            }
            from_executor::Message::Recorded(recorded) => {
                vec![Action::NoteRecorded(live_series::read(&recorded.series))]
            }
            from_executor::Message::Checkpointed(checkpointed) => vec![Action::StoreCheckpoint(checkpointed)],
            from_executor::Message::Hindered(hindered) => {
                let outage = Outage::new(OutageKind::LocalDisk, hindered.why);
                vec![Action::NoteOutage { outage, holds_result: true }, Action::NoteTrained]
            }
            from_executor::Message::Failed(failed) => {
                let failure = basin_proto::convert::failure(failed.kind_code, &failed.kind, failed.message)
                    .unwrap_or_else(|error| Failure::new(FailureKind::Crashed, error.to_string()));
                vec![Action::End(End::Failed(failure))]
            }
            from_executor::Message::Finished(finished) => vec![Action::End(End::Finished(finished))],
            from_executor::Message::Stopped(_) => self.stopped(),
        }
    }

    fn started(&mut self, started: Started) -> Vec<Action> {
        self.began = true;
        let Some(why) = started.checkpoint_refused else { return vec![Action::NoteBegun] };
        tracing::warn!(why, "a checkpoint was refused, the run began anew");
        self.began_anew = true;
        self.refused.extend(self.resumed.take());
        vec![Action::NoteBegun, Action::Restore(self.refused.clone())]
    }

    fn stopped(&mut self) -> Vec<Action> {
        let end = match self.directive {
            Directive::Train if self.has_older => {
                self.has_older = false;
                self.began_anew = false;
                self.first_step = None;
                self.last = Progress::default();
                return vec![Action::StartAgain];
            }
            Directive::Train => End::Released(ReleaseReason::Stopped),
            Directive::GiveBack(reason) => End::Released(reason),
            Directive::Abandon => End::Abandoned,
        };
        vec![Action::End(end)]
    }

    /// A task that waits for its turn behind others on its executor is as silent as they let it be.
    fn check(&mut self, others_train: bool, last_message_at: Instant, now: Instant) -> Option<End> {
        let at_its_turn = self.began || !others_train;
        if !self.began {
            self.deadline.progressed(last_message_at);
        }
        let silent = self.deadline.check(now).filter(|_| at_its_turn)?;
        if !self.began {
            return Some(End::NeverBegan { hangs: true });
        }
        let Progress { iteration, iterations, epoch, epochs, .. } = self.last;
        let message = format!(
            "no progress for {:.0} s, where {:.0} s were allowed, and the executor was killed; it was at step {iteration} of \
             {iterations}, epoch {epoch} of {epochs}",
            silent.as_secs_f64(),
            self.deadline.limit().as_secs_f64()
        );
        Some(End::Hung(Failure::new(FailureKind::Hung, message)))
    }
}
