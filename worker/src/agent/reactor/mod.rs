//! The decisions of an agent: a state that messages change and that says what is to be done.
//!
//! There is no clock here, no I/O and no runtime: the moment is an argument of [`Reactor::handle`], and all that must be done is
//! an [`Effect`]. The [driver](super::driver) does it and sends what comes of it as the next [`Message`]; the simulation of the
//! tests does the same with a clock, a network and a store of its own.
//!
//! The coordinator is called again and again (`Sync`): held leases are named, and the answer says what to do. Lost messages heal
//! with the next call. A lease that can't be renewed is fenced by this machine's own clock, asleep or awake: its work stops
//! before the coordinator can grant it again. The one exception is that provably nobody leads: each coordinator's address
//! refuses connections, or its process says that it stands by. Then nobody grants anything, and who leads next gives live leases
//! a full lease duration, so training goes on.

mod boot_instant;
mod effect;
mod lease;
mod leases;
mod lifetime;
mod message;
mod outages;
mod pack;
mod settings;
mod sync_pacing;
#[cfg(test)]
mod tests;

use basin_domain::failure::ReleaseReason;
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::worker::RevocationReason;

pub use self::boot_instant::BootInstant;
pub use self::effect::{Effect, ExitReason, SyncRequest};
pub use self::lease::{Directive, ReleasedTask};
use self::leases::Leases;
use self::lifetime::Lifetime;
pub use self::message::{AttemptOutcome, Grant, Message, SyncFailure, SyncReply};
use self::outages::Outages;
use self::pack::PackSize;
pub use self::settings::ReactorSettings;
use self::sync_pacing::SyncPacing;

/// An agent, without anything around it.
#[derive(Debug)]
pub struct Reactor {
    settings: ReactorSettings,
    lifetime: Lifetime,
    leases: Leases,
    pacing: SyncPacing,
    outages: Outages,
    pack: PackSize,
    /// The number of the last answer.
    seen: u64,
    /// The moment since which the coordinator refuses its calls.
    refused_since: Option<BootInstant>,
    /// The moment of the timer that is set.
    timer: Option<BootInstant>,
    phase: Phase,
}

/// The phases of an agent's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Its attempts are being stopped.
    Stopping(ExitReason),
    Exited,
}

impl Reactor {
    /// An agent that begins now. Its first message is [`Message::Timer`].
    pub fn new(settings: ReactorSettings, now: BootInstant) -> Self {
        Self {
            lifetime: Lifetime::new(&settings, now),
            leases: Leases::new(settings.slots, settings.threads),
            pacing: SyncPacing::new(now),
            outages: Outages::default(),
            pack: PackSize::new(settings.pack, settings.threads),
            settings,
            seen: 0,
            refused_since: None,
            timer: None,
            phase: Phase::Serving,
        }
    }

    /// Something has happened: what is to be done now, in this order.
    pub fn handle(&mut self, message: Message, now: BootInstant) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.apply(message, now, &mut effects);
        if self.phase == Phase::Serving {
            self.proceed(now, &mut effects);
        }
        effects
    }

    fn apply(&mut self, message: Message, now: BootInstant, effects: &mut Vec<Effect>) {
        match message {
            Message::Timer => self.timer = None,
            Message::Shutdown => self.lifetime.tell_to_leave(),
            Message::SyncAnswered { call, reply } => {
                if let Some(sent) = self.pacing.sent(call) {
                    self.pacing.answered(reply.next_sync, now);
                    self.apply_reply(reply, sent, now, effects);
                }
            }
            Message::SyncFailed { call, failure } => {
                if let Some(sent) = self.pacing.sent(call) {
                    self.sync_failed(failure, sent, now);
                }
            }
            Message::Active { lease, task } => {
                self.leases.get_mut(&lease).into_iter().for_each(|lease| lease.note_activity(task, now));
            }
            Message::Progressed { lease, task, progress } => {
                self.leases
                    .get_mut(&lease)
                    .into_iter()
                    .for_each(|lease| lease.note_progress(task, progress, now));
            }
            Message::Trained { lease, task } => {
                self.leases.get_mut(&lease).into_iter().for_each(|lease| lease.note_trained(task));
            }
            Message::AttemptEnded { lease, task, outcome } => {
                self.attempt_ended(lease, task, outcome, effects);
            }
            Message::OutcomeReported { lease, task } => self.leases.settle(&lease, task),
            Message::OutageBegan { wait, outage, holds_result } => {
                self.outages.begin(wait, outage, holds_result, now);
            }
            Message::OutageGoesOn { wait, outage } => self.outages.update(wait, outage),
            Message::OutageEnded { wait } => self.outages.end(wait),
            Message::AttemptsStopped => self.deregister(now, effects),
        }
    }

    /// Does what an answer says.
    fn apply_reply(
        &mut self,
        reply: SyncReply,
        sent: BootInstant,
        now: BootInstant,
        effects: &mut Vec<Effect>,
    ) {
        self.refused_since = None;
        self.seen = self.seen.max(reply.answer);
        for (lease, remaining) in reply.renewed {
            self.leases.get_mut(&lease).into_iter().for_each(|lease| lease.renew(sent, remaining));
        }
        for (lease, reason) in reply.stop {
            let directive = match reason {
                RevocationReason::Cancelled => Directive::GiveBack(ReleaseReason::Stopped),
                RevocationReason::Lost => Directive::Abandon,
            };
            self.leases.direct(&lease, directive, effects);
        }
        for grant in reply.grants {
            let is_leaving = self.lifetime.is_leaving();
            let directive =
                if is_leaving { Directive::GiveBack(ReleaseReason::Drain) } else { Directive::Train };
            self.leases.take(grant, directive, sent);
        }
        if reply.drain && !self.lifetime.is_leaving() {
            self.leave(ExitReason::Drained, ReleaseReason::Drain, now, effects);
        }
    }

    fn sync_failed(&mut self, failure: SyncFailure, sent: BootInstant, now: BootInstant) {
        if failure.nobody_leads {
            tracing::debug!("nobody leads, training goes on");
            self.leases.outlive_coordinator(sent, now);
        }
        if failure.is_refused && failure.retry_after.is_none() {
            self.refused_since.get_or_insert(now);
        }
        let until_fence = self.leases.next_fence().map(|fence| fence - now);
        self.pacing.failed(SyncPacing::pause_after_failure(failure.retry_after, until_fence), now);
    }

    fn attempt_ended(
        &mut self,
        lease: LeaseId,
        task: TaskId,
        outcome: AttemptOutcome,
        effects: &mut Vec<Effect>,
    ) {
        if outcome == AttemptOutcome::Abandoned {
            tracing::warn!(%task, %lease, "abandoned, since the lease was lost");
            self.leases.settle(&lease, task);
        } else if self.phase == Phase::Serving {
            effects.push(Effect::Report { lease, task, outcome });
        }
    }

    /// Does what is due, whatever the message was.
    fn proceed(&mut self, now: BootInstant, effects: &mut Vec<Effect>) {
        if !self.leases.is_empty() {
            self.lifetime.note_lease(now);
        }
        let was_serving = !self.lifetime.is_leaving();
        let is_due = self.next_change().is_some_and(|at| now >= at);
        self.leases.fence(now, effects);
        self.consider_leaving(now, effects);
        if let Some(reason) = self.lifetime.exits(!self.leases.is_empty(), now) {
            return self.stop(reason, effects);
        }
        if self.refused_since.is_some_and(|since| now - since >= self.settings.token_grace) {
            self.phase = Phase::Exited;
            return effects.push(Effect::ExitRefused);
        }
        self.settle_leases(now, effects);
        // With its last lease settled it may have nothing more to stay for, unless a call that was never answered brought another.
        if self.pacing.is_answered() {
            self.consider_leaving(now, effects);
        }
        if let Some(reason) = self.lifetime.exits(!self.leases.is_empty(), now) {
            return self.stop(reason, effects);
        }
        let begins_to_leave = was_serving && self.lifetime.is_leaving();
        // The state that a call under way reported of this worker is no more true.
        if (is_due || begins_to_leave) && self.pacing.restart(now) {
            effects.push(Effect::CancelSync);
        }
        if let Some(call) = self.pacing.begin(now) {
            effects.push(Effect::Sync { call, request: self.request(now) });
        }
        self.set_timer(effects);
    }

    /// Begins to leave when there is a reason: no new leases, running ones are given back with a checkpoint.
    fn consider_leaving(&mut self, now: BootInstant, effects: &mut Vec<Effect>) {
        let Some(exit) = self.lifetime.reason_to_leave(!self.leases.is_empty(), now) else { return };
        self.leave(exit, exit.release_reason(), now, effects);
    }

    fn leave(
        &mut self,
        exit: ExitReason,
        reason: ReleaseReason,
        now: BootInstant,
        effects: &mut Vec<Effect>,
    ) {
        tracing::info!(departure = ?exit, leases = self.leases.len(), "worker leaving");
        self.lifetime.leave(exit, now);
        self.leases.direct_all(Directive::GiveBack(reason), effects);
    }

    /// Begins attempts, and forgets leases that are settled, which lets others begin.
    fn settle_leases(&mut self, now: BootInstant, effects: &mut Vec<Effect>) {
        loop {
            self.leases.begin_attempts(effects);
            let Some(lease) = self.leases.take_settled() else { return };
            if lease.directive() == Directive::Train && lease.tasks > 0 {
                self.pack.learn(lease.tasks, lease.age(now));
            }
            self.pacing.hasten(now);
            effects.push(Effect::ForgetLease(lease.id));
        }
    }

    fn stop(&mut self, reason: ExitReason, effects: &mut Vec<Effect>) {
        self.phase = Phase::Stopping(reason);
        effects.push(Effect::StopAttempts);
    }

    /// Gives back the tasks that the grace was too short for, and says so: no leases, no slots.
    fn deregister(&mut self, now: BootInstant, effects: &mut Vec<Effect>) {
        let Phase::Stopping(exit) = self.phase else { return };
        let releases = self.leases.left_over(exit.release_reason(), now);
        self.leases.clear();
        self.phase = Phase::Exited;
        effects.push(Effect::Deregister { exit, releases, request: self.request(now) });
    }

    fn request(&self, now: BootInstant) -> SyncRequest {
        let waiting = self.outages.current(now);
        let is_leaving = self.lifetime.is_leaving();
        let takes_more = !is_leaving && !self.lifetime.is_too_late_for_more(now) && waiting.is_none();
        let free_slots = if takes_more { self.leases.free_slots() } else { 0 };
        SyncRequest {
            holds: self.leases.held(now),
            free_slots: u32::try_from(free_slots).unwrap_or(u32::MAX),
            max_pack: self.pack.current(),
            draining: is_leaving,
            waiting,
            seen: self.seen,
        }
    }

    /// The next moment at which something changes by itself: a lease to fence, or the time to leave or to have left.
    fn next_change(&self) -> Option<BootInstant> {
        let leave = self.lifetime.next_change(!self.leases.is_empty());
        leave.into_iter().chain(self.leases.next_fence()).min()
    }

    fn set_timer(&mut self, effects: &mut Vec<Effect>) {
        let refused = self.refused_since.map(|since| since + self.settings.token_grace);
        let moments = [self.pacing.due(), self.next_change(), refused];
        let next = moments.into_iter().flatten().min();
        if let Some(at) = next
            && self.timer != next
        {
            effects.push(Effect::SetTimer(at));
        }
        self.timer = next;
    }
}
