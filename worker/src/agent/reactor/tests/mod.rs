//! Stories of an agent, told with a clock that is stepped: each says all that the reactor asks for, and so that nothing else
//! happened.

mod attempts;
mod fencing;
mod hostile;
mod leaving;
mod syncing;

use std::time::Duration;

use basin_domain::experiment::{
    Experiment, FitFunction, Function, PointLayout, StreamSeeds, TrainingSettings, TrainingTime,
};
use basin_domain::id::{Attempt, LeaseId, TaskId};
use basin_domain::optimizer::Optimizer;
use basin_domain::task::{LeasedTask, TaskSpec};

use super::*;

/// A lease's duration.
const LEASE: Duration = Duration::from_secs(30);
/// Its margin is a sixth of it.
const FENCE: Duration = Duration::from_secs(25);
/// The pause that the coordinator asks for.
const PAUSE: Duration = Duration::from_secs(3);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn settings() -> ReactorSettings {
    ReactorSettings {
        slots: 2,
        threads: 1,
        pack: 8,
        checkpoint_every: seconds(60),
        idle_exit: None,
        walltime: None,
        grace: seconds(20),
        token_grace: Duration::ZERO,
    }
}

/// An agent and its clock.
struct Story {
    reactor: Reactor,
    began: BootInstant,
    now: BootInstant,
    /// The number of its last call.
    call: u64,
}

impl Story {
    /// An agent that has just made its first call.
    fn of(settings: ReactorSettings) -> Self {
        let now = BootInstant::since_boot(seconds(1_000));
        let mut story = Self { reactor: Reactor::new(settings, now), began: now, now, call: 0 };
        let effects = story.hears(Message::Timer);
        assert!(matches!(&effects[..], [Effect::Sync { call: 1, .. }, ..]), "{effects:?}");
        story
    }

    /// An agent that holds a lease with these tasks, granted by the answer to its first call, with their attempts begun.
    fn holding(settings: ReactorSettings, lease: &str, tasks: &[u8]) -> Self {
        let mut story = Self::of(settings);
        let effects = story.is_answered(SyncReply { grants: vec![grant(lease, tasks)], ..pausing() });
        assert!(matches!(effects.first(), Some(Effect::BeginAttempt { .. })), "{effects:?}");
        story
    }

    /// The moment so long after the beginning.
    fn at(&self, since_began: Duration) -> BootInstant {
        self.began + since_began
    }

    /// Time passes, and nothing happens meanwhile.
    fn waits_until(&mut self, since_began: Duration) -> &mut Self {
        self.now = self.at(since_began);
        self
    }

    fn hears(&mut self, message: Message) -> Vec<Effect> {
        let effects = self.reactor.handle(message, self.now);
        for effect in &effects {
            if let Effect::Sync { call, .. } = effect {
                self.call = *call;
            }
        }
        effects
    }

    /// The call under way is answered.
    fn is_answered(&mut self, reply: SyncReply) -> Vec<Effect> {
        self.hears(Message::SyncAnswered { call: self.call, reply })
    }

    /// The call under way fails.
    fn is_not_answered(&mut self, failure: SyncFailure) -> Vec<Effect> {
        self.hears(Message::SyncFailed { call: self.call, failure })
    }

    /// The timer goes off, and the next call is made.
    fn calls(&mut self) -> SyncRequest {
        let effects = self.hears(Message::Timer);
        match &effects[..] {
            [Effect::Sync { request, .. }] | [Effect::Sync { request, .. }, Effect::SetTimer(_)] => {
                request.clone()
            }
            _ => panic!("{effects:?}"),
        }
    }
}

/// An answer that only says when to call again.
fn pausing() -> SyncReply {
    SyncReply { next_sync: PAUSE, ..SyncReply::default() }
}

fn id(lease: &str) -> LeaseId {
    LeaseId::new(lease).unwrap()
}

fn task_id(number: u8) -> TaskId {
    format!("{number:02x}").repeat(32).parse().unwrap()
}

fn task(number: u8) -> LeasedTask {
    let parameters = FitFunction {
        function: Function::Sin,
        hidden: vec![16],
        model: None,
        interval: (-3.0, 3.0),
        points: 64,
        layout: PointLayout::default(),
        seeds: StreamSeeds::default(),
        batch_size: None,
        budget: TrainingTime::Epochs(60),
        loss: Default::default(),
        training: TrainingSettings::of(Optimizer::adam(1e-3)),
    };
    let experiment = Experiment::FitFunction(parameters);
    let spec = TaskSpec {
        version: FitFunction::VERSION,
        experiment,
        seed: u64::from(number),
        data: None,
        inputs: std::collections::BTreeMap::new(),
    };
    LeasedTask { id: task_id(number), attempt: Attempt(1), spec }
}

fn grant(lease: &str, tasks: &[u8]) -> Grant {
    Grant { lease: id(lease), tasks: tasks.iter().copied().map(task).collect(), duration: LEASE }
}

fn begin(slot: usize, lease: &str, lanes: usize, number: u8) -> Effect {
    Effect::BeginAttempt { slot, lease: id(lease), lanes, task: Box::new(task(number)) }
}

fn direct(lease: &str, directive: Directive) -> Effect {
    Effect::Direct { lease: id(lease), directive }
}

fn ended(lease: &str, number: u8, outcome: AttemptOutcome) -> Message {
    Message::AttemptEnded { lease: id(lease), task: task_id(number), outcome }
}

fn reported(lease: &str, number: u8) -> Message {
    Message::OutcomeReported { lease: id(lease), task: task_id(number) }
}

fn report(lease: &str, number: u8, outcome: AttemptOutcome) -> Effect {
    Effect::Report { lease: id(lease), task: task_id(number), outcome }
}

/// The leases that a call names, each with the number of its tasks.
fn holds(request: &SyncRequest) -> Vec<(&str, usize)> {
    request.holds.iter().map(|held| (held.lease.as_str(), held.progress.len())).collect()
}
