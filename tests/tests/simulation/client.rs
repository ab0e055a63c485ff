//! A person who launches the sweeps and changes their mind, and asks again until they have an answer.

use std::num::NonZeroU32;

use basin_core::command::Adjust;
use basin_domain::scheduling::{SchedulingChange, SlotLimit};

use crate::command::Command;
use crate::world::{Caller, Request, Response, SimEvent, World};

#[derive(Default)]
pub(crate) struct Client {
    launched: usize,
    /// The call under way, and what it asks.
    waiting: Option<(u64, Command)>,
    /// The commands that are still to be sent once things work: last first.
    final_commands: Option<Vec<Command>>,
}

impl Client {
    /// Whether everything was asked that will be.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_none() && self.final_commands.as_ref().is_some_and(Vec::is_empty)
    }
}

impl World {
    pub(crate) fn client_next(&mut self) {
        if self.is_healed && self.client.final_commands.is_none() {
            let all = || self.plan.launches.iter();
            let retries = all().map(|launch| Command::RetryFailed(launch.sweep.clone()));
            let resumes = all().map(|launch| Command::Resume(launch.sweep.clone()));
            let launches = all().map(|launch| Command::Launch(launch.clone()));
            self.client.final_commands = Some(retries.chain(resumes).chain(launches).collect());
        }
        let command = match &mut self.client.final_commands {
            Some(commands) => match commands.pop() {
                Some(command) => command,
                None => return,
            },
            None if self.client.launched < self.plan.launches.len() => {
                self.client.launched += 1;
                Command::Launch(self.plan.launches[self.client.launched - 1].clone())
            }
            None => self.change_of_mind(),
        };
        self.client_asks(command);
    }

    fn change_of_mind(&mut self) -> Command {
        let launch = self.chance.pick(&self.plan.launches);
        let sweep = launch.sweep.clone();
        match self.chance.between(0, 11) {
            0 => Command::Pause(sweep),
            1 | 2 => Command::Resume(sweep),
            3 => Command::Cancel(sweep),
            4 | 5 => Command::Launch(launch),
            6 => Command::RetryFailed(sweep),
            7 | 8 => {
                let priority = Some(self.chance.between(0, 3) as i32);
                let slots = NonZeroU32::new(self.chance.between(0, 4) as u32);
                let max_slots = Some(slots.map_or(SlotLimit::None, SlotLimit::AtMost));
                Command::Adjust(Adjust { sweep, adjustment: SchedulingChange { priority, max_slots } })
            }
            9 => Command::Forget(sweep),
            _ => {
                let worker = self.chance.between(0, self.workers.len() as u64) as usize;
                Command::Drain(self.workers[worker].id(worker))
            }
        }
    }

    fn client_asks(&mut self, command: Command) {
        let call = self.number();
        self.client.waiting = Some((call, command.clone()));
        self.checks.client_asks(&command);
        self.send(Caller::Client, call, Request::Steer(command));
    }

    pub(crate) fn client_receives(&mut self, call: u64, said: &Response) {
        let Some((_, command)) = self.client.waiting.take_if(|(waiting, _)| *waiting == call) else { return };
        match said {
            Response::Answer(Ok(_), _) => {
                self.checks.client_was_answered(&command);
                // Between the last commands all that was lost in the bad times is found out: only then a retry helps.
                let pause = if self.is_healed { 30_000 } else { self.chance.between(100, 20_000) };
                self.after(pause, SimEvent::ClientNext);
            }
            // A worker that nobody heard of, a sweep that was forgotten, or one that isn't over and can't be.
            Response::Answer(Err(_), _) => self.after(100, SimEvent::ClientNext),
            Response::ConnectionRefused
            | Response::ConnectionLost
            | Response::StoreDown
            | Response::NoSuchCommit => {
                self.retry_later(command);
            }
        }
    }

    pub(crate) fn client_call_timed_out(&mut self, call: u64) {
        if let Some((_, command)) = self.client.waiting.take_if(|(waiting, _)| *waiting == call) {
            self.client_asks(command);
        }
    }

    /// The call has ended, and what was asked stays to be asked: when this call's patience is over.
    fn retry_later(&mut self, command: Command) {
        let call = self.number();
        self.client.waiting = Some((call, command));
        self.after(1_000, SimEvent::CallEnds { to: Caller::Client, call });
    }
}
