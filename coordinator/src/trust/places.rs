//! The connections that there is room for, and who has them: strangers a part, each token a part of the rest.
//!
//! Whoever connects is a stranger until one of its calls is let through. When strangers have all that they may, the one that has been there
//! longest makes room: who has a token proves it at once, and who holds connections open loses them to those who come.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{Caller, Role, TokenId};

/// How many connections there may be.
#[derive(Debug)]
pub struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// By age.
    strangers: BTreeMap<u64, (IpAddr, CancellationToken)>,
    of_addresses: BTreeSet<(IpAddr, u64)>,
    proven: usize,
    of_tokens: HashMap<Option<TokenId>, usize>,
}

impl Places {
    /// Room for so many connections.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    fn of_strangers(&self) -> usize {
        (self.most / 8).max(2)
    }

    fn of_address(&self) -> usize {
        (self.of_strangers() / 2).max(1)
    }

    fn of_token(&self, role: Role) -> usize {
        match role {
            // A token may be that of a whole site's workers.
            Role::Worker => self.most - self.most / 4,
            Role::Viewer | Role::Admin => (self.most / 16).max(2),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a stranger; another's, if there is none left.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Place {
        let mut taken = self.taken();
        let of_address = taken.of_addresses.range((address, 0)..=(address, u64::MAX));
        let oldest = of_address.clone().next().map(|(_, number)| *number);
        let evicted = if of_address.count() >= self.of_address() {
            oldest
        } else if taken.strangers.len() >= self.of_strangers() {
            taken.strangers.first_key_value().map(|(number, _)| *number)
        } else {
            None
        };
        if let Some(number) = evicted
            && let Some(leave) = taken.forget(number)
        {
            leave.cancel();
        }
        let number = taken.next;
        taken.next += 1;
        let leave = CancellationToken::new();
        taken.strangers.insert(number, (address, leave.clone()));
        taken.of_addresses.insert((address, number));
        Place { places: Arc::clone(self), number, leave, proven: Mutex::new(None) }
    }
}

impl Taken {
    /// Takes a stranger off the list.
    fn forget(&mut self, number: u64) -> Option<CancellationToken> {
        let (address, leave) = self.strangers.remove(&number)?;
        self.of_addresses.remove(&(address, number));
        Some(leave)
    }
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    number: u64,
    leave: CancellationToken,
    /// Whose it is.
    proven: Mutex<Option<Option<TokenId>>>,
}

impl Place {
    /// Cancelled when this one must make room.
    pub const fn leave(&self) -> &CancellationToken {
        &self.leave
    }

    /// Whether it is known whose it is.
    pub fn is_proven(&self) -> bool {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// A call of this connection was let through: it may stay, if there is room among its token's. False: there is none.
    pub fn prove(&self, caller: &Caller) -> bool {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.is_some() {
            return true;
        }
        let mut taken = self.places.taken();
        let of_token = taken.of_tokens.get(&caller.token).copied().unwrap_or(0);
        let is_full = taken.proven >= self.places.most - self.places.of_strangers()
            || of_token >= self.places.of_token(caller.role);
        // One that was told to make room meanwhile has no place any more.
        if is_full || taken.forget(self.number).is_none() {
            return false;
        }
        taken.proven += 1;
        *taken.of_tokens.entry(caller.token.clone()).or_default() += 1;
        *proven = Some(caller.token.clone());
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut taken = self.places.taken();
        taken.forget(self.number);
        if let Some(token) = proven {
            taken.proven -= 1;
            if let Some(count) = taken.of_tokens.get_mut(&token) {
                *count -= 1;
                if *count == 0 {
                    taken.of_tokens.remove(&token);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(token: &str, role: Role) -> Caller {
        Caller { name: token.to_owned(), token: TokenId::new(token).ok(), role }
    }

    fn address(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    #[test]
    fn strangers_lose_their_places_to_those_who_come() {
        let places = Places::new(64);
        let crowd: Vec<Place> = (0..8).map(|number| places.enter(address(number))).collect();
        assert!(crowd.iter().all(|place| !place.leave().is_cancelled()));
        let newest = places.enter(address(100));
        let gone = |places: &[Place]| places.iter().filter(|place| place.leave().is_cancelled()).count();
        assert!(crowd[0].leave().is_cancelled() && gone(&crowd) == 1, "the oldest makes room");
        assert!(newest.prove(&caller("ab", Role::Viewer)) && newest.is_proven());
        assert!(!crowd[0].prove(&caller("ab", Role::Viewer)), "it came too late");
        // Whoever comes from one address loses its own.
        let one: Vec<Place> = (0..20).map(|_| places.enter(address(200))).collect();
        assert_eq!(gone(&one), 16);
        assert!(!newest.leave().is_cancelled());
        drop((crowd, one, newest));
        let taken = places.taken();
        assert!(taken.strangers.is_empty() && taken.of_addresses.is_empty() && taken.of_tokens.is_empty());
        assert_eq!(taken.proven, 0);
    }

    #[test]
    fn a_viewers_token_has_a_small_part_and_workers_the_rest() {
        let places = Places::new(64);
        let proven = |token: &str, role| {
            let place = places.enter(address(1));
            place.prove(&caller(token, role)).then_some(place)
        };
        let viewers: Vec<Place> = (0..64).filter_map(|_| proven("aa", Role::Viewer)).collect();
        assert_eq!(viewers.len(), 4);
        let workers: Vec<Place> = (0..64).filter_map(|_| proven("bb", Role::Worker)).collect();
        assert_eq!(workers.len(), 48);
        assert!(proven("cc", Role::Admin).is_some(), "others find a place");
        drop(viewers);
        assert!(proven("aa", Role::Viewer).is_some());
    }
}
