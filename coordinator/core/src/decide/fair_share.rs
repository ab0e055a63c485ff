//! The fair share of each sweep that waits, in slots: packs are measured by it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use basin_domain::id::WorkerId;
use basin_domain::scheduling::UserName;
use basin_domain::time::Timestamp;

use super::eligible::Eligible;
use crate::Ledger;
use crate::command::{Sync, WorkerDescription};
use crate::ledger::state::SweepIndex;

/// The slots that each of these sweeps would have if leases were handed out afresh to the workers that are able, and to this one:
/// by priority; of one priority shared evenly among users and among the sweeps of each, as far as they have tasks and may (max-min
/// fairness; Bertsekas and Gallager 1992, Data Networks, section 6.5). A task that several of them list counts for each.
pub(super) fn fair_shares(
    ledger: &Ledger,
    now: Timestamp,
    sync: &Sync,
    waiting: &[SweepIndex],
) -> BTreeMap<SweepIndex, u64> {
    let workers = Workers::of(ledger, now, sync);
    let is_waiting: BTreeSet<SweepIndex> = waiting.iter().copied().collect();
    let held = |sweep: SweepIndex| u64::from(ledger.index.occupancy.of_sweep(sweep));
    let mut left = workers.slots(|_| true).saturating_sub(workers.held_by_others(ledger, &is_waiting));
    let mut priorities: BTreeMap<Reverse<i32>, BTreeMap<_, Vec<SweepIndex>>> = BTreeMap::new();
    let mut users: BTreeMap<&Option<UserName>, UserCapacity> = BTreeMap::new();
    for &sweep in waiting {
        let state = ledger.state.sweep(sweep);
        let user = users.entry(&state.user).or_insert_with(|| UserCapacity {
            beside: ledger.index.occupancy.of_user(&state.user).into(),
            most: ledger.room_of_user(&state.user).into(),
        });
        user.beside = user.beside.saturating_sub(held(sweep));
        user.most += held(sweep);
        let of_users = priorities.entry(Reverse(state.share.priority)).or_default();
        of_users.entry(&state.user).or_default().push(sweep);
    }
    let wants = |sweep: SweepIndex| {
        let tasks = ledger.index.queues.of(sweep).due(now) as u64;
        let state = ledger.state.sweep(sweep);
        let slots = match state.needs.is_empty() {
            true => u64::MAX,
            false => workers.slots(|worker| Eligible::of(ledger, sweep, worker).is_some()),
        };
        (held(sweep) + tasks.min(ledger.room_of_sweep(sweep).into())).min(slots)
    };
    let mut shares = BTreeMap::new();
    for of_users in priorities.into_values() {
        let of_sweeps: Vec<Vec<u64>> =
            of_users.values().map(|sweeps| sweeps.iter().map(|sweep| wants(*sweep)).collect()).collect();
        let asked: Vec<Demand> = of_users
            .keys()
            .zip(&of_sweeps)
            .map(|(user, wants)| {
                let UserCapacity { beside, most } = users[user];
                Demand { has: beside, wants: wants.iter().sum::<u64>().min(most) }
            })
            .collect();
        for (((user, sweeps), wants), share) in of_users.iter().zip(&of_sweeps).zip(max_min(left, &asked)) {
            left -= share;
            if let Some(user) = users.get_mut(user) {
                user.beside += share;
                user.most -= share;
            }
            let wants: Vec<Demand> = wants.iter().map(|wants| Demand { has: 0, wants: *wants }).collect();
            shares.extend(sweeps.iter().copied().zip(max_min(share, &wants)));
        }
    }
    shares
}

/// The slots of a user, where some of the user's sweeps wait.
#[derive(Debug, Clone, Copy)]
struct UserCapacity {
    /// Those beside the sweeps that wait.
    beside: u64,
    /// The most that the sweeps that wait may have.
    most: u64,
}

/// The slots of one among whom some are shared.
#[derive(Debug, Clone, Copy)]
struct Demand {
    /// Those that it has.
    has: u64,
    /// Those that it wants beside.
    wants: u64,
}

/// The workers whose slots are shared.
struct Workers<'a>(Vec<(&'a WorkerId, &'a WorkerDescription)>);

impl<'a> Workers<'a> {
    fn of(ledger: &'a Ledger, now: Timestamp, sync: &'a Sync) -> Self {
        let others = ledger.able_workers(now).filter(|(worker, _)| **worker != sync.worker);
        let others = others.map(|(worker, heartbeat)| (worker, &heartbeat.description));
        Self(others.chain([(&sync.worker, &sync.description)]).collect())
    }

    /// The slots of those of a kind.
    fn slots(&self, is_meant: impl Fn(&WorkerDescription) -> bool) -> u64 {
        let meant = self.0.iter().filter(|(_, worker)| is_meant(worker));
        meant.map(|(_, worker)| u64::from(worker.slots.max(1))).sum()
    }

    /// The slots that other sweeps than these have.
    fn held_by_others(&self, ledger: &Ledger, these: &BTreeSet<SweepIndex>) -> u64 {
        let index = &ledger.index;
        let held_by_these: u64 = these.iter().map(|sweep| u64::from(index.occupancy.of_sweep(*sweep))).sum();
        if held_by_these == index.expiries.len() as u64 {
            // Theirs are all there are, as where one sweep is at work: nothing to look through.
            return 0;
        }
        let held = self.0.iter().filter_map(|(worker, _)| ledger.index.held.get(*worker)).flatten();
        let leases = held.map(|id| &ledger.state.leases[id]).filter(|lease| lease.is_live());
        leases.filter(|lease| lease.sweep.is_none_or(|sweep| !these.contains(&sweep))).count() as u64
    }
}

/// Shares `capacity` among those who have something and want some more: nobody gets more than they want, and who
/// lacks anything has, with what they get, no less than anybody who gets some, but for the one that doesn't divide.
fn max_min(capacity: u64, asked: &[Demand]) -> Vec<u64> {
    // Up to which level everybody can be filled, by bisection.
    let up_to = |level: u64| asked.iter().map(move |of| level.saturating_sub(of.has).min(of.wants));
    let (mut fits, mut too_high) = (0, asked.iter().map(|of| of.has + of.wants).max().unwrap_or(0) + 1);
    while too_high - fits > 1 {
        let level = fits + (too_high - fits) / 2;
        if up_to(level).sum::<u64>() <= capacity { fits = level } else { too_high = level }
    }
    let mut shares: Vec<u64> = up_to(fits).collect();
    let mut rest = capacity - shares.iter().sum::<u64>();
    for (share, of) in shares.iter_mut().zip(asked) {
        if rest > 0 && *share < of.wants && of.has + *share == fits {
            *share += 1;
            rest -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares among those who have and want so many.
    fn share_out(capacity: u64, asked: &[(u64, u64)]) -> Vec<u64> {
        let asked: Vec<Demand> = asked.iter().map(|&(has, wants)| Demand { has, wants }).collect();
        max_min(capacity, &asked)
    }

    fn from_nothing(capacity: u64, wants: &[u64]) -> Vec<u64> {
        share_out(capacity, &wants.iter().map(|wants| (0, *wants)).collect::<Vec<_>>())
    }

    #[test]
    fn who_wants_less_than_an_even_part_gets_it_and_the_others_share_the_rest() {
        assert_eq!(from_nothing(10, &[2, 8, 8]), [2, 4, 4]);
        assert_eq!(from_nothing(10, &[8, 1, 3]), [6, 1, 3]);
        assert_eq!(from_nothing(10, &[1, 2, 3]), [1, 2, 3], "nobody gets more than they want");
        assert_eq!(from_nothing(7, &[9, 9, 9]), [3, 2, 2]);
        assert_eq!(from_nothing(1, &[5, 5]), [1, 0]);
        assert_eq!(from_nothing(0, &[5]), [0]);
        assert_eq!(from_nothing(5, &[]), [0; 0]);
    }

    #[test]
    fn who_has_something_already_gets_so_much_less() {
        assert_eq!(share_out(10, &[(10, 10), (0, 10)]), [0, 10]);
        assert_eq!(share_out(10, &[(4, 10), (0, 10)]), [3, 7]);
        assert_eq!(share_out(11, &[(4, 10), (0, 10), (30, 1)]), [4, 7, 0]);
        assert_eq!(share_out(9, &[(4, 2), (0, 3)]), [2, 3]);
    }
}
