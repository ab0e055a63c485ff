//! The attempts that an agent has running: each task in its slot is followed with the training state that ships.

use std::collections::VecDeque;
use std::time::Duration;

use basin_domain::failure::{Failure, FailureKind, ReleaseReason};
use basin_domain::id::Attempt;
use basin_proto::executor::Checkpointed;
use basin_worker::agent::reactor::{AttemptOutcome, Directive, Message};
use basin_worker::agent::training::{Action, End, Event, Training};

use crate::checks::BrokenPromise;
use crate::executor::{Key, Lane, LaneStep, STEPS, checkpointed};
use crate::world::{Flaw, Millis, SimEvent, World};

/// How long an executor may be silent.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(20);
/// How many executors may die before they come to a task.
const MAX_EXECUTOR_DEATHS: u32 = 3;

/// An attempt that a worker works on.
pub(crate) struct Running {
    pub(crate) attempt: Attempt,
    pub(crate) slot: usize,
    pub(crate) training: Training,
    /// It is trained, and is being committed.
    pub(crate) is_trained: bool,
    /// The agent is to give it back.
    pub(crate) gives_back: Option<ReleaseReason>,
    /// The wait for the outage that its checkpoints met.
    pub(crate) outage: Option<u64>,
    /// Checkpoints that are on their way to the store, by the step that they are of.
    pub(crate) unkept: Vec<u64>,
    /// Executors that died before they came to any task.
    pub(crate) deaths: u32,
    pub(crate) lane: Lane,
}

impl Running {
    /// The attempt is being trained.
    pub(crate) fn trains(&self) -> bool {
        !self.is_trained
    }

    /// The wait for an outage, which ends with the attempt.
    pub(crate) fn take_outage(&mut self) -> Option<u64> {
        self.outage.take()
    }

    pub(crate) fn slot(&self) -> usize {
        self.slot
    }
}

impl World {
    /// The agent begins an attempt on the executor of a slot, from the newest checkpoint there is.
    pub(crate) fn attempt_begins(
        &mut self,
        number: usize,
        slot: usize,
        key: &Key,
        attempt: Attempt,
    ) -> Result<(), BrokenPromise> {
        let checkpoint = self.store.newest_checkpoint(&key.1, &[]).cloned();
        let timeout = if self.flaw == Some(Flaw::SilenceIsBorne) { Duration::ZERO } else { PROGRESS_TIMEOUT };
        let location = checkpoint.as_ref().map(|(location, _)| location.clone());
        let step_time = self.chance.between(50, 4_000);
        let (has_begun, resumed_from, step, stops) = (false, None, 0, false);
        let running = Running {
            attempt,
            slot,
            training: Training::new(location, timeout, self.instant()),
            is_trained: false,
            gives_back: None,
            outage: None,
            unkept: Vec::new(),
            deaths: 0,
            lane: Lane { run: 0, checkpoint, has_begun, resumed_from, step, step_time, stops },
        };
        self.workers[number].running.insert(key.clone(), running);
        self.lane_is_told_to_start(number, key);
        Ok(())
    }

    /// Another try of the same attempt, on another executor if the one before is gone.
    pub(crate) fn attempt_begins_again(
        &mut self,
        number: usize,
        key: &Key,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let Some(running) = self.workers[number].running.remove(key) else { return Ok(()) };
        if let Some(reason) = running.gives_back {
            self.workers[number].running.insert(key.clone(), running);
            self.attempt_is_over(number, key, AttemptOutcome::Released(reason), messages);
            return Ok(());
        }
        self.count("attempts begun again");
        self.attempt_begins(number, running.slot, key, running.attempt)?;
        if let Some(again) = self.workers[number].running.get_mut(key) {
            again.deaths = running.deaths;
        }
        Ok(())
    }

    pub(crate) fn agent_looks(
        &mut self,
        number: usize,
        key: &Key,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let worker = &self.workers[number];
        let running = &worker.running[key];
        let check = running.training.check_interval().as_millis() as Millis;
        let slot = running.slot;
        let others = worker.running.iter().filter(|(other, it)| *other != key && it.slot == slot);
        let others_train = others.filter(|(_, it)| it.trains()).any(|(_, it)| it.lane.has_begun);
        let heard = worker.executors.get(&slot).map(|executor| executor.last_message_at);
        let last_message_at = heard.unwrap_or_else(|| self.instant());
        self.lane_later(number, key, check, LaneStep::Checked);
        self.training_handles(number, key, Event::Checked { others_train, last_message_at }, messages)
    }

    /// The lease of a task that trains has a new directive.
    pub(crate) fn task_is_directed(
        &mut self,
        number: usize,
        key: &Key,
        directive: Directive,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let Some(running) = self.workers[number].running.get_mut(key).filter(|running| running.trains())
        else {
            return Ok(());
        };
        if let Directive::GiveBack(reason) = directive {
            running.gives_back = Some(reason);
        }
        self.training_handles(number, key, Event::Directed(directive), messages)
    }

    /// Tells a task's training what has happened, and does what it wants.
    pub(crate) fn training_handles(
        &mut self,
        number: usize,
        key: &Key,
        event: Event,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let now = self.instant();
        let Some(running) = self.workers[number].running.get_mut(key) else { return Ok(()) };
        let mut actions = VecDeque::from(running.training.handle(event, now));
        while let Some(action) = actions.pop_front() {
            let (lease, task) = key.clone();
            let Some(running) = self.workers[number].running.get_mut(key) else { return Ok(()) };
            match action {
                Action::NoteBegun => {}
                Action::RequestCheckpoint => {
                    let lane = &running.lane;
                    let step = lane.step;
                    let slot = running.slot;
                    let is_heard = lane.has_begun && !lane.stops;
                    let hangs = self.workers[number].executors.get(&slot).is_none_or(|it| it.hangs);
                    if is_heard && !hangs {
                        self.says(number, key, checkpointed(step), messages)?;
                    }
                }
                Action::RequestStop => {
                    running.lane.stops = true;
                    let delay = self.chance.between(1, 500);
                    self.lane_later(number, key, delay, LaneStep::Stopped);
                }
                Action::StoreCheckpoint(Checkpointed { number: step, .. }) => {
                    running.unkept.push(step);
                    let delay = self.chance.between(50, 2_000);
                    self.lane_later(number, key, delay, LaneStep::CheckpointPut(step));
                }
                Action::Restore(refused) => {
                    let found = self.store.newest_checkpoint(&task, &refused).cloned();
                    let location = found.as_ref().map(|(location, _)| location.clone());
                    running.lane.checkpoint = found;
                    actions.extend(running.training.handle(Event::Restored(location), now));
                }
                Action::StartAgain => self.lane_is_told_to_start(number, key),
                Action::NoteProgress(progress) => {
                    messages.push_back(Message::Progressed { lease, task, progress });
                }
                // Nobody looks on.
                Action::NoteRecorded(_) => {}
                Action::NoteTrained => messages.push_back(Message::Trained { lease, task }),
                Action::NoteOutage { outage, holds_result } => match running.outage {
                    Some(wait) => messages.push_back(Message::OutageGoesOn { wait, outage }),
                    None => {
                        let wait = self.number();
                        if let Some(running) = self.workers[number].running.get_mut(key) {
                            running.outage = Some(wait);
                        }
                        messages.push_back(Message::OutageBegan { wait, outage, holds_result });
                    }
                },
                Action::EndOutage => {
                    if let Some(wait) = running.take_outage() {
                        messages.push_back(Message::OutageEnded { wait });
                    }
                }
                Action::End(end) => return self.training_ends(number, key, end, messages),
            }
        }
        Ok(())
    }

    pub(crate) fn training_ends(
        &mut self,
        number: usize,
        key: &Key,
        end: End,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let Some(running) = self.workers[number].running.get_mut(key) else { return Ok(()) };
        if let Some(wait) = running.take_outage() {
            messages.push_back(Message::OutageEnded { wait });
        }
        let (slot, deaths) = (running.slot, running.deaths);
        let unkept = std::mem::take(&mut running.unkept);
        if !matches!(end, End::Failed(_)) {
            for step in unkept {
                self.keep_checkpoint(key, step);
            }
        }
        let outcome = match end {
            End::Finished(_) => return self.task_is_trained(number, key, messages),
            End::Failed(failure) => AttemptOutcome::Failed(failure),
            End::Released(reason) => {
                self.count("tasks given back");
                AttemptOutcome::Released(reason)
            }
            End::Abandoned => AttemptOutcome::Abandoned,
            End::Crashed => AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, "simulated")),
            End::Hung(failure) => {
                self.attempt_is_over(number, key, AttemptOutcome::Failed(failure), messages);
                return self.executor_of_slot_dies(number, slot, true, messages);
            }
            End::NeverBegan { hangs: true } => {
                self.executor_of_slot_dies(number, slot, true, messages)?;
                return self.attempt_begins_again(number, key, messages);
            }
            End::NeverBegan { hangs: false } if deaths < MAX_EXECUTOR_DEATHS => {
                return self.attempt_begins_again(number, key, messages);
            }
            End::NeverBegan { hangs: false } => {
                self.checks.attempt_failed(&key.0, key.1, FailureKind::Crashed);
                AttemptOutcome::Failed(Failure::new(FailureKind::Crashed, "simulated"))
            }
            End::Interrupted => return self.attempt_begins_again(number, key, messages),
        };
        self.attempt_is_over(number, key, outcome, messages);
        Ok(())
    }

    /// What is said of its steps is true, and it is committed.
    pub(crate) fn task_is_trained(
        &mut self,
        number: usize,
        key: &Key,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let worker = &mut self.workers[number];
        let (life, (lease, task)) = (worker.life, key.clone());
        let Some(running) = worker.running.get_mut(key) else { return Ok(()) };
        running.is_trained = true;
        let (said, resumed_from) = (running.training.resumed_from_step(), running.lane.resumed_from);
        let steps = running.training.steps();
        if said != resumed_from || steps != STEPS - resumed_from.unwrap_or(0) {
            let what = format!(
                "{task} is said to have gone on from {said:?} for {steps} steps, and went on from {resumed_from:?}"
            );
            return Err(BrokenPromise { promise: 4, what });
        }
        messages.push_back(Message::Trained { lease: lease.clone(), task });
        self.after(50, SimEvent::Put { worker: number, life, lease, task, tries: 1 });
        Ok(())
    }

    /// An attempt has ended, which its agent is yet to hear.
    pub(crate) fn attempt_is_over(
        &mut self,
        number: usize,
        key: &Key,
        outcome: AttemptOutcome,
        messages: &mut VecDeque<Message>,
    ) {
        let running = self.workers[number].running.remove(key);
        if let Some(wait) = running.and_then(|mut running| running.take_outage()) {
            messages.push_back(Message::OutageEnded { wait });
        }
        messages.push_back(Message::AttemptEnded { lease: key.0.clone(), task: key.1, outcome });
    }
}
