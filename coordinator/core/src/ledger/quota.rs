//! How many slots of workers sweeps and users may still take.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use basin_domain::scheduling::UserName;

use super::Ledger;
use super::state::SweepIndex;

impl Ledger {
    /// The most slots that a sweep's tasks may take at once: the sweep's own limit or everybody's, whichever is less.
    pub(crate) fn limit_of_sweep(&self, sweep: SweepIndex) -> Option<u32> {
        let limits = [self.state.sweep(sweep).share.max_slots, self.policy.max_slots_of_sweep];
        limits.into_iter().flatten().map(NonZeroU32::get).min()
    }

    /// How many more slots a sweep's tasks may take.
    pub(crate) fn room_of_sweep(&self, sweep: SweepIndex) -> u32 {
        room(self.limit_of_sweep(sweep), self.index.occupancy.of_sweep(sweep))
    }

    /// How many tasks workers could be given now, or as soon as they may be tried again, if each trained alone. What waits
    /// because its sweep or user has all the slots that it may have doesn't count: more workers wouldn't help it.
    pub fn queue_depth(&self) -> u64 {
        let mut users: BTreeMap<&Option<UserName>, u64> = BTreeMap::new();
        for sweep in self.index.queues.waiting() {
            let tasks = self.index.queues.of(sweep).len() as u64;
            let grantable = tasks.min(self.room_of_sweep(sweep).into());
            *users.entry(&self.state.sweep(sweep).user).or_default() += grantable;
        }
        let grantable: u64 =
            users.into_iter().map(|(user, tasks)| tasks.min(self.room_of_user(user).into())).sum();
        // Tasks that several sweeps list were counted with each of them.
        grantable.min(self.index.queues.tasks() as u64)
    }

    /// How many more slots the tasks of a user's sweeps may take.
    pub(crate) fn room_of_user(&self, user: &Option<UserName>) -> u32 {
        room(self.policy.max_slots_of_user.map(NonZeroU32::get), self.index.occupancy.of_user(user))
    }
}

fn room(limit: Option<u32>, taken: u32) -> u32 {
    limit.map_or(u32::MAX, |limit| limit.saturating_sub(taken))
}
