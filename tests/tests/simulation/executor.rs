//! Executors: processes that train the tasks of a lease side by side, say how far they are, hang and die.

use std::collections::VecDeque;
use std::time::Instant;

use basin_domain::failure::FailureKind;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::outage::{Outage, OutageKind};
use basin_proto::executor::{Checkpointed, Failed, Finished, Started, Stopped, from_executor};
use basin_proto::v1;
use basin_storage::CheckpointLocation;
use basin_worker::agent::reactor::Message;
use basin_worker::agent::training::Event;

use crate::checks::BrokenPromise;
use crate::plan::Fate;
use crate::running::Running;
use crate::world::{Flaw, Millis, SimEvent, World};

/// The steps of every task.
pub(crate) const STEPS: u64 = 10;
/// A checkpoint is written after so many.
const CHECKPOINT_EVERY: u64 = 3;

/// The lease and the task of an attempt.
pub(crate) type Key = (LeaseId, TaskId);

/// An executor of a slot.
pub(crate) struct Executor {
    pub(crate) hangs: bool,
    pub(crate) has_trained: bool,
    pub(crate) last_message_at: Instant,
}

/// A task in its executor.
pub(crate) struct Lane {
    /// A number that no other run of any task in any executor has.
    pub(crate) run: u64,
    /// The checkpoint that it is told to begin with, and the step that this is of.
    pub(crate) checkpoint: Option<(CheckpointLocation, u64)>,
    pub(crate) has_begun: bool,
    /// The step of the checkpoint that it began with, if that could be used.
    pub(crate) resumed_from: Option<u64>,
    pub(crate) step: u64,
    pub(crate) step_time: Millis,
    /// It was told to stop.
    pub(crate) stops: bool,
}

/// A moment in the run of a lane.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LaneStep {
    /// The executor begins with it.
    Begins,
    /// A step of training is done.
    Advances,
    /// It has stopped, as it was told.
    Stopped,
    /// The store has a checkpoint of this step, or says why not.
    CheckpointPut(u64),
    /// The agent looks at the clock.
    Checked,
}

impl World {
    pub(crate) fn lane_is_told_to_start(&mut self, number: usize, key: &Key) {
        let (run, now) = (self.number(), self.instant());
        let worker = &mut self.workers[number];
        let Some(running) = worker.running.get_mut(key) else { return };
        let fresh = || Executor { hangs: false, has_trained: false, last_message_at: now };
        worker.executors.entry(running.slot).or_insert_with(fresh);
        running.lane.run = run;
        running.lane.stops = false;
        let check = running.training.check_interval().as_millis() as Millis;
        let delay = self.chance.between(10, 3_000);
        self.lane_later(number, key, delay, LaneStep::Begins);
        self.lane_later(number, key, check, LaneStep::Checked);
    }

    pub(crate) fn lane_later(&mut self, number: usize, key: &Key, delay: Millis, step: LaneStep) {
        let worker = &self.workers[number];
        let Some(run) = worker.running.get(key).map(|running| running.lane.run) else { return };
        let ((lease, task), life) = (key.clone(), worker.life);
        self.after(delay, SimEvent::Lane { worker: number, life, run, lease, task, step });
    }

    /// Whether a lane is still in this run, and its executor not told of an end.
    pub(crate) fn is_in_run(&self, number: usize, key: &Key, run: u64) -> bool {
        let running = self.workers[number].running.get(key);
        running.is_some_and(|running| running.lane.run == run && running.trains())
    }

    pub(crate) fn lane_steps(
        &mut self,
        number: usize,
        life: u32,
        run: u64,
        key: &Key,
        step: LaneStep,
    ) -> Result<(), BrokenPromise> {
        if !self.workers[number].lives(life) || !self.is_in_run(number, key, run) {
            return Ok(());
        }
        let mut messages = VecDeque::new();
        let slot = self.workers[number].running[key].slot;
        let hangs = self.workers[number].executors.get(&slot).is_none_or(|executor| executor.hangs);
        match step {
            LaneStep::Checked => self.agent_looks(number, key, &mut messages)?,
            LaneStep::CheckpointPut(of) => self.checkpoint_is_put(number, key, of, &mut messages)?,
            // It says nothing any more.
            LaneStep::Begins | LaneStep::Advances | LaneStep::Stopped if hangs => {}
            LaneStep::Begins => self.lane_begins(number, key, run, &mut messages)?,
            LaneStep::Advances => self.lane_advances(number, key, run, &mut messages)?,
            LaneStep::Stopped => {
                self.says(number, key, from_executor::Message::Stopped(Stopped {}), &mut messages)?;
            }
        }
        self.worker_hears(number, messages)
    }

    pub(crate) fn lane_begins(
        &mut self,
        number: usize,
        key: &Key,
        run: u64,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        if self.chance.happens(self.faults.executors / 2.0) {
            self.count("executors dead early");
            return self.executor_dies(number, key, false, messages);
        }
        let is_refused = self.chance.happens(self.faults.store);
        let Some(running) = self.workers[number].running.get_mut(key) else { return Ok(()) };
        let slot = running.slot;
        let stored = running.lane.checkpoint.as_ref().map(|(_, step)| *step);
        let is_refused = is_refused && stored.is_some();
        running.lane.has_begun = true;
        running.lane.resumed_from = stored.filter(|_| !is_refused);
        running.lane.step = running.lane.resumed_from.unwrap_or(0);
        let is_resumed = running.lane.resumed_from.is_some();
        if let Some(executor) = self.workers[number].executors.get_mut(&slot) {
            executor.has_trained = true;
        }
        if is_resumed {
            self.count("runs resumed");
        }
        if is_refused {
            self.count("checkpoints refused");
        }
        let checkpoint_refused = is_refused.then(|| "damaged".to_owned());
        self.says(number, key, from_executor::Message::Started(Started { checkpoint_refused }), messages)?;
        if !self.is_in_run(number, key, run) {
            return Ok(());
        }
        if self.plan.fates[&key.1] == Fate::Invalid {
            return self.says_that_it_failed(number, key, FailureKind::InvalidParameters, messages);
        }
        self.says_how_far_it_is(number, key, messages)?;
        let Some(running) = self.workers[number].running.get(key) else { return Ok(()) };
        let step_time = running.lane.step_time;
        self.lane_later(number, key, step_time, LaneStep::Advances);
        Ok(())
    }

    pub(crate) fn lane_advances(
        &mut self,
        number: usize,
        key: &Key,
        run: u64,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        if self.chance.happens(self.faults.executors / STEPS as f64) {
            self.executor_hangs(number, key);
            return Ok(());
        }
        let Some(running) = self.workers[number].running.get_mut(key) else { return Ok(()) };
        if running.lane.stops {
            return Ok(());
        }
        running.lane.step += 1;
        let (step, step_time) = (running.lane.step, running.lane.step_time);
        self.says_how_far_it_is(number, key, messages)?;
        if step % CHECKPOINT_EVERY == 0 && self.is_in_run(number, key, run) {
            self.says(number, key, checkpointed(step), messages)?;
        }
        if !self.is_in_run(number, key, run) {
            return Ok(());
        }
        if step < STEPS {
            self.lane_later(number, key, step_time, LaneStep::Advances);
            return Ok(());
        }
        match self.plan.fates[&key.1] {
            Fate::Flaky if !self.is_healed && self.chance.happens(0.4) => {
                let kinds = [FailureKind::Experiment, FailureKind::OutOfMemory, FailureKind::MissingData];
                let kind = self.chance.pick(&kinds);
                self.says_that_it_failed(number, key, kind, messages)
            }
            Fate::Completes | Fate::Diverges | Fate::Flaky | Fate::Invalid => {
                self.says(number, key, from_executor::Message::Finished(Finished::default()), messages)
            }
            Fate::Poison => self.executor_dies(number, key, false, messages),
        }
    }

    /// The executor of a lane stands still, and says nothing of any of its tasks any more.
    pub(crate) fn executor_hangs(&mut self, number: usize, key: &Key) {
        self.count("executors hung");
        let worker = &mut self.workers[number];
        let slot = worker.running[key].slot;
        if let Some(executor) = worker.executors.get_mut(&slot) {
            executor.hangs = true;
        }
        for (lease, task) in self.tasks_begun_on(number, slot) {
            self.checks.attempt_failed(&lease, task, FailureKind::Hung);
        }
    }

    pub(crate) fn tasks_begun_on(&self, number: usize, slot: usize) -> Vec<Key> {
        let on_it = self.workers[number].running.iter().filter(|(_, it)| it.slot == slot && it.trains());
        on_it.filter(|(_, it)| it.lane.has_begun).map(|(key, _)| key.clone()).collect()
    }

    /// The executor of a lane is gone, by itself or because it was killed for hanging with that lane.
    pub(crate) fn executor_dies(
        &mut self,
        number: usize,
        of: &Key,
        was_hung: bool,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let Some(slot) = self.workers[number].running.get(of).map(Running::slot) else { return Ok(()) };
        self.executor_of_slot_dies(number, slot, was_hung, messages)
    }

    pub(crate) fn executor_of_slot_dies(
        &mut self,
        number: usize,
        slot: usize,
        was_hung: bool,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        if !was_hung {
            for (lease, task) in self.tasks_begun_on(number, slot) {
                self.checks.attempt_failed(&lease, task, FailureKind::Crashed);
            }
        }
        let worker = &mut self.workers[number];
        let Some(executor) = worker.executors.remove(&slot) else { return Ok(()) };
        let lanes = worker.running.iter_mut().filter(|(_, it)| it.slot == slot && it.trains());
        let mut keys = Vec::new();
        for (key, running) in lanes {
            if !was_hung && !executor.has_trained {
                running.deaths += 1;
            }
            keys.push(key.clone());
        }
        let is_said_to_have_hung = was_hung && self.flaw != Some(Flaw::HangsChargeEveryLane);
        for key in keys {
            self.training_handles(number, &key, Event::Died { was_hung: is_said_to_have_hung }, messages)?;
        }
        Ok(())
    }

    pub(crate) fn says_how_far_it_is(
        &mut self,
        number: usize,
        key: &Key,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let Some(running) = self.workers[number].running.get(key) else { return Ok(()) };
        let step_seconds = Some(running.lane.step_time as f64 / 1e3);
        let iteration = running.lane.step;
        let progress = v1::Progress { iteration, iterations: STEPS, step_seconds, ..v1::Progress::default() };
        self.says(number, key, from_executor::Message::Progressed(progress), messages)
    }

    pub(crate) fn says_that_it_failed(
        &mut self,
        number: usize,
        key: &Key,
        kind: FailureKind,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        self.checks.attempt_failed(&key.0, key.1, kind);
        let failed =
            Failed { kind: kind.as_str().to_owned(), message: "simulated".to_owned(), ..Failed::default() };
        self.says(number, key, from_executor::Message::Failed(failed), messages)
    }

    /// The executor says something of a task.
    pub(crate) fn says(
        &mut self,
        number: usize,
        key: &Key,
        message: from_executor::Message,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let now = self.instant();
        let worker = &mut self.workers[number];
        let Some(slot) = worker.running.get(key).map(Running::slot) else { return Ok(()) };
        if let Some(executor) = worker.executors.get_mut(&slot) {
            executor.last_message_at = now;
        }
        if !matches!(message, from_executor::Message::Progressed(_)) {
            messages.push_back(Message::Active { lease: key.0.clone(), task: key.1 });
        }
        self.training_handles(number, key, Event::Heard(message), messages)
    }

    pub(crate) fn checkpoint_is_put(
        &mut self,
        number: usize,
        key: &Key,
        step: u64,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), BrokenPromise> {
        let Some(running) = self.workers[number].running.get_mut(key) else { return Ok(()) };
        running.unkept.retain(|unkept| *unkept != step);
        let is_taken = !self.chance.happens(self.faults.store);
        if is_taken {
            self.keep_checkpoint(key, step);
        } else {
            self.count("outages of checkpoints");
        }
        let outage = (!is_taken).then(|| Outage::new(OutageKind::Unreachable, "simulated"));
        self.training_handles(number, key, Event::CheckpointStored(outage), messages)
    }

    pub(crate) fn keep_checkpoint(&mut self, (lease, task): &Key, step: u64) {
        let location = CheckpointLocation { folder: lease.to_string(), number: step };
        self.store.keep_checkpoint(*task, location, step);
    }
}

pub(crate) fn checkpointed(step: u64) -> from_executor::Message {
    from_executor::Message::Checkpointed(Checkpointed { number: step, path: String::new(), digest: None })
}
