//! How many slots each of the sweeps that wait can hope for: what packs are measured by.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::Ledger;
use crate::ledger::state::SweepIndex;

/// The slots that each of these sweeps would have if leases were handed out afresh: `slots` less those of sweeps that don't wait, by
/// priority; of one priority shared evenly among users and among the sweeps of each, as far as they have tasks and may (max-min
/// fairness; Bertsekas and Gallager 1992, Data Networks, section 6.5).
pub(super) fn hoped_for(ledger: &Ledger, slots: u64, waiting: &[SweepIndex]) -> BTreeMap<SweepIndex, u64> {
    let occupancy = &ledger.index.occupancy;
    let held = |sweep: SweepIndex| u64::from(occupancy.of_sweep(sweep));
    let held_by_all = ledger.index.expiries.len() as u64;
    let held_by_these: u64 = waiting.iter().map(|sweep| held(*sweep)).sum();
    let mut left = slots.saturating_sub(held_by_all.saturating_sub(held_by_these));
    let mut priorities: BTreeMap<Reverse<i32>, BTreeMap<_, Vec<SweepIndex>>> = BTreeMap::new();
    let mut most: BTreeMap<_, u64> = BTreeMap::new();
    for &sweep in waiting {
        let state = ledger.state.sweep(sweep);
        *most.entry(&state.user).or_insert_with(|| ledger.room_of_user(&state.user).into()) += held(sweep);
        let users = priorities.entry(Reverse(state.share.priority)).or_default();
        users.entry(&state.user).or_default().push(sweep);
    }
    let wants = |sweep: SweepIndex| {
        let tasks = ledger.index.queues.of(sweep).len() as u64;
        held(sweep) + tasks.min(ledger.room_of_sweep(sweep).into())
    };
    let mut shares = BTreeMap::new();
    for users in priorities.into_values() {
        let of_users: Vec<u64> = users
            .iter()
            .map(|(user, sweeps)| sweeps.iter().map(|sweep| wants(*sweep)).sum::<u64>().min(most[user]))
            .collect();
        for ((user, sweeps), share) in users.iter().zip(max_min(left, &of_users)) {
            left -= share;
            if let Some(most) = most.get_mut(user) {
                *most -= share;
            }
            let of_sweeps: Vec<u64> = sweeps.iter().map(|sweep| wants(*sweep)).collect();
            shares.extend(sweeps.iter().copied().zip(max_min(share, &of_sweeps)));
        }
    }
    shares
}

/// Shares `capacity` so that nobody gets more than they want, and what anybody lacks no other has more of than they, but for
/// the one that doesn't divide.
fn max_min(capacity: u64, wants: &[u64]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|number| wants[*number]);
    let mut shares = vec![0; wants.len()];
    let (mut left, mut others) = (capacity, wants.len() as u64);
    for number in order {
        shares[number] = wants[number].min(left.div_ceil(others));
        left -= shares[number];
        others -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_less_than_an_even_part_gets_it_and_the_others_share_the_rest() {
        assert_eq!(max_min(10, &[2, 8, 8]), [2, 4, 4]);
        assert_eq!(max_min(10, &[8, 1, 3]), [6, 1, 3]);
        assert_eq!(max_min(10, &[1, 2, 3]), [1, 2, 3], "nobody gets more than they want");
        assert_eq!(max_min(7, &[9, 9, 9]), [3, 2, 2]);
        assert_eq!(max_min(1, &[5, 5]), [1, 0]);
        assert_eq!(max_min(0, &[5]), [0]);
        assert_eq!(max_min(5, &[]), [0; 0]);
    }
}
