//! The connections that there is room for, and who has them: callers who have not authenticated a part, each token a part of the rest.
//!
//! Whoever connects is an unauthenticated caller until one of its calls is let through. When callers who have not authenticated have all that they may, the one that has been there
//! longest makes room: who has a token proves it at once, and who holds connections open loses them to those who come.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{Caller, Role, TokenId};

/// How many connections there may be.
#[derive(Debug)]
pub struct ConnectionLimits {
    max_connections: usize,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    /// By age.
    unauthenticated: BTreeMap<u64, (IpAddr, CancellationToken)>,
    by_address: BTreeSet<(IpAddr, u64)>,
    authenticated: usize,
    by_token: HashMap<Option<TokenId>, usize>,
}

impl ConnectionLimits {
    /// Room for so many connections.
    pub fn new(max_connections: usize) -> Arc<Self> {
        Arc::new(Self { max_connections, open: Mutex::default() })
    }

    fn max_unauthenticated(&self) -> usize {
        (self.max_connections / 8).max(2)
    }

    fn max_of_address(&self) -> usize {
        (self.max_unauthenticated() / 2).max(1)
    }

    fn max_of_token(&self, role: Role) -> usize {
        match role {
            // A token may be that of a whole site's workers.
            Role::Worker => self.max_connections - self.max_connections / 4,
            Role::Viewer | Role::Admin => (self.max_connections / 16).max(2),
        }
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for an unauthenticated caller; another's, if there is none left.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> ConnectionSlot {
        let mut open = self.open();
        let of_address = open.by_address.range((address, 0)..=(address, u64::MAX));
        let oldest = of_address.clone().next().map(|(_, number)| *number);
        let evicted = if of_address.count() >= self.max_of_address() {
            oldest
        } else if open.unauthenticated.len() >= self.max_unauthenticated() {
            open.unauthenticated.first_key_value().map(|(number, _)| *number)
        } else {
            None
        };
        if let Some(number) = evicted
            && let Some(evict) = open.remove_unauthenticated(number)
        {
            evict.cancel();
        }
        let number = open.next;
        open.next += 1;
        let evict = CancellationToken::new();
        open.unauthenticated.insert(number, (address, evict.clone()));
        open.by_address.insert((address, number));
        ConnectionSlot { limits: Arc::clone(self), number, evict, authenticated: Mutex::new(None) }
    }
}

impl OpenConnections {
    /// Takes an unauthenticated caller off the list.
    fn remove_unauthenticated(&mut self, number: u64) -> Option<CancellationToken> {
        let (address, evict) = self.unauthenticated.remove(&number)?;
        self.by_address.remove(&(address, number));
        Some(evict)
    }
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub struct ConnectionSlot {
    limits: Arc<ConnectionLimits>,
    number: u64,
    evict: CancellationToken,
    /// Whose it is.
    authenticated: Mutex<Option<Option<TokenId>>>,
}

impl ConnectionSlot {
    /// Cancelled when this one must make room.
    pub const fn evict(&self) -> &CancellationToken {
        &self.evict
    }

    /// Whether it is known whose it is.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// A call of this connection was let through: it may stay, if there is room among its token's. False: there is none.
    pub fn authenticate(&self, caller: &Caller) -> bool {
        let mut authenticated = self.authenticated.lock().unwrap_or_else(PoisonError::into_inner);
        if authenticated.is_some() {
            return true;
        }
        let mut open = self.limits.open();
        let of_token = open.by_token.get(&caller.token).copied().unwrap_or(0);
        let is_full = open.authenticated >= self.limits.max_connections - self.limits.max_unauthenticated()
            || of_token >= self.limits.max_of_token(caller.role);
        // One that was told to make room meanwhile has no place any more.
        if is_full || open.remove_unauthenticated(self.number).is_none() {
            return false;
        }
        open.authenticated += 1;
        *open.by_token.entry(caller.token.clone()).or_default() += 1;
        *authenticated = Some(caller.token.clone());
        true
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let authenticated = self.authenticated.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut open = self.limits.open();
        open.remove_unauthenticated(self.number);
        if let Some(token) = authenticated {
            open.authenticated -= 1;
            if let Some(count) = open.by_token.get_mut(&token) {
                *count -= 1;
                if *count == 0 {
                    open.by_token.remove(&token);
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
    fn unauthenticated_connections_are_evicted_by_those_who_come() {
        let limits = ConnectionLimits::new(64);
        let crowd: Vec<ConnectionSlot> = (0..8).map(|number| limits.enter(address(number))).collect();
        assert!(crowd.iter().all(|slot| !slot.evict().is_cancelled()));
        let newest = limits.enter(address(100));
        let gone =
            |limits: &[ConnectionSlot]| limits.iter().filter(|slot| slot.evict().is_cancelled()).count();
        assert!(crowd[0].evict().is_cancelled() && gone(&crowd) == 1, "the oldest makes room");
        assert!(newest.authenticate(&caller("ab", Role::Viewer)) && newest.is_authenticated());
        assert!(!crowd[0].authenticate(&caller("ab", Role::Viewer)), "it came too late");
        // Whoever comes from one address loses its own.
        let one: Vec<ConnectionSlot> = (0..20).map(|_| limits.enter(address(200))).collect();
        assert_eq!(gone(&one), 16);
        assert!(!newest.evict().is_cancelled());
        drop((crowd, one, newest));
        let open = limits.open();
        assert!(open.unauthenticated.is_empty() && open.by_address.is_empty() && open.by_token.is_empty());
        assert_eq!(open.authenticated, 0);
    }

    #[test]
    fn a_viewers_token_has_a_small_part_and_workers_the_rest() {
        let limits = ConnectionLimits::new(64);
        let authenticated = |token: &str, role| {
            let slot = limits.enter(address(1));
            slot.authenticate(&caller(token, role)).then_some(slot)
        };
        let viewers: Vec<ConnectionSlot> =
            (0..64).filter_map(|_| authenticated("aa", Role::Viewer)).collect();
        assert_eq!(viewers.len(), 4);
        let workers: Vec<ConnectionSlot> =
            (0..64).filter_map(|_| authenticated("bb", Role::Worker)).collect();
        assert_eq!(workers.len(), 48);
        assert!(authenticated("cc", Role::Admin).is_some(), "others find a slot");
        drop(viewers);
        assert!(authenticated("aa", Role::Viewer).is_some());
    }
}
