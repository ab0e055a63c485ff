//! A person who launches the sweeps and changes their mind, and asks again until they have an answer.

use std::num::NonZeroU32;

use basin_core::command::Adjust;
use basin_domain::scheduling::{SchedulingChange, SlotLimit};

use crate::command::Command;
use crate::world::{Ask, Caller, Happening, Said, World};

#[derive(Default)]
pub(crate) struct Client {
    launched: usize,
    /// The call under way, and what it asks.
    waiting: Option<(u64, Command)>,
    /// What is still to ask once things work: last first.
    last_words: Option<Vec<Command>>,
}

impl Client {
    /// Whether everything was asked that will be.
    pub(crate) fn is_content(&self) -> bool {
        self.waiting.is_none() && self.last_words.as_ref().is_some_and(Vec::is_empty)
    }
}

impl World {
    pub(crate) fn client_acts(&mut self) {
        if self.is_healed && self.client.last_words.is_none() {
            let all = || self.plan.launches.iter();
            let retries = all().map(|launch| Command::RetryFailed(launch.sweep.clone()));
            let resumes = all().map(|launch| Command::Resume(launch.sweep.clone()));
            let launches = all().map(|launch| Command::Launch(launch.clone()));
            self.client.last_words = Some(retries.chain(resumes).chain(launches).collect());
        }
        let command = match &mut self.client.last_words {
            Some(words) => match words.pop() {
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
        match self.chance.between(0, 10) {
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
        self.send(Caller::Client, call, Ask::Steer(command));
    }

    pub(crate) fn client_hears(&mut self, call: u64, said: &Said) {
        let Some((_, command)) = self.client.waiting.take_if(|(waiting, _)| *waiting == call) else { return };
        match said {
            Said::Answer(Ok(_), _) => {
                self.checks.client_was_answered(&command);
                // Between the last words all that was lost in the bad times is found out: only then a retry helps.
                let pause = if self.is_healed { 30_000 } else { self.chance.between(100, 20_000) };
                self.after(pause, Happening::ClientActs);
            }
            // Only a worker that nobody heard of can be unknown.
            Said::Answer(Err(_), _) => self.after(100, Happening::ClientActs),
            Said::ConnectionRefused | Said::ConnectionLost | Said::StoreDown | Said::NoSuchCommit => {
                self.ask_again_later(command);
            }
        }
    }

    pub(crate) fn client_waited_in_vain(&mut self, call: u64) {
        if let Some((_, command)) = self.client.waiting.take_if(|(waiting, _)| *waiting == call) {
            self.client_asks(command);
        }
    }

    /// The call has ended, and what was asked stays to be asked: when this call's patience is over.
    fn ask_again_later(&mut self, command: Command) {
        let call = self.number();
        self.client.waiting = Some((call, command));
        self.after(1_000, Happening::CallEnds { to: Caller::Client, call });
    }
}
