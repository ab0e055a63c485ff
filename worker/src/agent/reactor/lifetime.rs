//! When a worker leaves: at the end of its walltime, after being idle, or when it is told to.

use std::time::Duration;

use super::boot_instant::BootInstant;
use super::effect::ExitReason;
use super::settings::ReactorSettings;

/// Within this time a task that begins does nothing worth keeping.
const SHORTEST_REACH: Duration = Duration::from_secs(5);

/// The life of a worker.
#[derive(Debug)]
pub(super) struct Lifetime {
    /// The moment at which it last held a lease.
    idle_since: BootInstant,
    /// The moment at which it must begin to leave, so that the grace fits into its walltime.
    walltime_ends: Option<BootInstant>,
    /// The moment from which on it takes no more leases: what began later would not reach a checkpoint before it is given
    /// back. A short walltime is used for half of it all the same, since leaving writes a checkpoint too.
    last_call: Option<BootInstant>,
    idle_exit: Option<Duration>,
    grace: Duration,
    /// Set once it is leaving: the reason, and the moment at which it has left at the latest.
    leaving: Option<(ExitReason, BootInstant)>,
    was_told_to_leave: bool,
}

impl Lifetime {
    pub(super) fn new(settings: &ReactorSettings, now: BootInstant) -> Self {
        let walltime_ends = settings.walltime.map(|walltime| now + walltime.saturating_sub(settings.grace));
        let reach = settings.checkpoint_every.max(SHORTEST_REACH);
        Self {
            idle_since: now,
            walltime_ends,
            last_call: walltime_ends.map(|end| end - reach.min((end - now) / 2)),
            idle_exit: settings.idle_exit,
            grace: settings.grace,
            leaving: None,
            was_told_to_leave: false,
        }
    }

    /// A signal told the worker to leave.
    pub(super) const fn tell_to_leave(&mut self) {
        self.was_told_to_leave = true;
    }

    /// The worker holds a lease now.
    pub(super) const fn note_lease(&mut self, now: BootInstant) {
        self.idle_since = now;
    }

    /// Whether it is leaving.
    pub(super) const fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Whether it takes no more leases.
    pub(super) fn is_too_late_for_more(&self, now: BootInstant) -> bool {
        self.last_call.is_some_and(|last| now >= last)
    }

    /// The reason to leave, if it isn't leaving yet and there is one.
    pub(super) fn reason_to_leave(&self, has_leases: bool, now: BootInstant) -> Option<ExitReason> {
        if self.is_leaving() {
            return None;
        }
        if self.was_told_to_leave {
            return Some(ExitReason::Drained);
        }
        let walltime_is_over = self.walltime_ends.is_some_and(|end| now >= end);
        if walltime_is_over || !has_leases && self.is_too_late_for_more(now) {
            return Some(ExitReason::Walltime);
        }
        let is_idle = self.idleness_ends(has_leases).is_some_and(|end| now >= end);
        is_idle.then_some(ExitReason::Idle)
    }

    /// It leaves from now on.
    pub(super) fn leave(&mut self, reason: ExitReason, now: BootInstant) {
        self.leaving = Some((reason, now + self.grace));
    }

    /// The reason for which it exits now: it is leaving, and has given back everything or had its grace.
    pub(super) fn exits(&self, has_leases: bool, now: BootInstant) -> Option<ExitReason> {
        self.leaving.filter(|(_, latest)| !has_leases || now >= *latest).map(|(reason, _)| reason)
    }

    fn idleness_ends(&self, has_leases: bool) -> Option<BootInstant> {
        self.idle_exit.filter(|_| !has_leases).map(|span| self.idle_since + span)
    }

    /// The next moment at which something above changes.
    pub(super) fn next_change(&self, has_leases: bool) -> Option<BootInstant> {
        match self.leaving {
            Some((_, latest)) => Some(latest),
            None if has_leases => self.walltime_ends,
            None => [self.last_call, self.idleness_ends(false)].into_iter().flatten().min(),
        }
    }
}
