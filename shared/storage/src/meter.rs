//! What a process asked of a store: how long it took, and what came between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use basin_domain::outage::OutageKind;

use crate::{Histogram, StorageError};

/// What a store is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreCall {
    /// An object, or a range of one, until its bytes begin to come.
    Get,
    /// The bytes of an object; of a large one, those that come next.
    Read,
    /// The size of an object, or whether there is one.
    Head,
    /// The objects or folders under a prefix, all of them.
    List,
    /// To write an object, or to begin or end one that is written in parts.
    Put,
    /// To write a part of a large object.
    Part,
    /// To copy an object.
    Copy,
    /// To remove an object.
    Delete,
}

impl StoreCall {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Get, Self::Read, Self::Head, Self::List, Self::Put, Self::Part, Self::Copy, Self::Delete];

    /// The kind as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Read => "read",
            Self::Head => "head",
            Self::List => "list",
            Self::Put => "put",
            Self::Part => "part",
            Self::Copy => "copy",
            Self::Delete => "delete",
        }
    }
}

/// Counters of the tries that calls to a store take, since it was opened; they only rise. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct StoreMeter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    took: [Histogram; StoreCall::ALL.len()],
    /// By the kind of outage.
    outages: [AtomicU64; OutageKind::ALL.len()],
    /// For another reason.
    others: AtomicU64,
}

impl StoreMeter {
    /// How long each kind of call took: every try of it, whether or not it succeeded.
    pub fn took(&self) -> impl Iterator<Item = (StoreCall, &Histogram)> {
        StoreCall::ALL.into_iter().zip(&self.0.took)
    }

    /// Tries that met an outage, by its kind.
    pub fn outages(&self) -> impl Iterator<Item = (OutageKind, u64)> {
        OutageKind::ALL.into_iter().zip(self.0.outages.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Tries that failed otherwise: the store refused them, or can't do what they asked for.
    pub fn other_failures(&self) -> u64 {
        self.0.others.load(Ordering::Relaxed)
    }

    /// Counts a try that took so long, and what it failed of.
    pub(crate) fn note(&self, call: StoreCall, took: Duration, failed: Option<&StorageError>) {
        if let Some((_, histogram)) = self.took().find(|(kind, _)| *kind == call) {
            histogram.note(took);
        }
        let Some(error) = failed else { return };
        // That something isn't there, or is, is an answer.
        if matches!(error, StorageError::NotFound { .. } | StorageError::AlreadyExists { .. }) {
            return;
        }
        let outage = error.outage_kind();
        let place = outage.and_then(|outage| OutageKind::ALL.iter().position(|kind| *kind == outage));
        let counters = &*self.0;
        let count = place.map_or(&counters.others, |place| &counters.outages[place]);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fault, FaultyStore, InjectedError, Operation};
    use crate::{Retry, Store};

    /// How often what was asked, but for what wasn't.
    fn asked(store: &Store) -> Vec<(&'static str, u64)> {
        let asked = store.meter().took().map(|(call, took)| (call.as_str(), took.counts().count));
        asked.filter(|(_, count)| *count > 0).collect()
    }

    /// How often an outage of each kind was met, but for those that weren't.
    fn outages(store: &Store) -> Vec<(&'static str, u64)> {
        let outages = store.meter().outages().map(|(kind, count)| (kind.as_str(), count));
        outages.filter(|(_, count)| *count > 0).collect()
    }

    #[tokio::test]
    async fn each_kind_of_call_is_counted_by_the_store_and_its_clones_together() {
        let store = Store::open("memory://metered").unwrap();
        let clone = store.clone().with_retry(Retry { tries: 1, ..Retry::default() });
        store.put("a/b", "text".into()).await.unwrap();
        clone.get("a/b").await.unwrap();
        assert_eq!(store.list("a").await.unwrap().len(), 1);
        assert!(!store.exists("a/c").await.unwrap());
        store.delete("a/b").await.unwrap();
        assert_eq!(
            asked(&store),
            [("get", 1), ("read", 1), ("head", 1), ("list", 1), ("put", 1), ("delete", 1)]
        );
        assert_eq!(asked(&store), asked(&clone));
        assert_eq!(
            (outages(&store), store.meter().other_failures()),
            (vec![], 0),
            "that nothing is there is an answer"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_try_is_counted_with_what_it_met() {
        let faulty = FaultyStore::in_memory();
        let store = faulty.store();
        faulty.on(Operation::Put, "k", 2, Fault::Fail(InjectedError::Unavailable));
        faulty.on(Operation::Put, "k", 1, Fault::Hang);
        store.put("k", "text".into()).await.unwrap();
        assert_eq!(asked(&store), [("put", 4)]);
        assert_eq!(outages(&store), [("unreachable", 3)]);
        faulty.on(Operation::Put, "k", 1, Fault::Fail(InjectedError::Denied));
        store.put("k", "text".into()).await.unwrap_err();
        faulty.on(Operation::Put, "k", 1, Fault::Fail(InjectedError::Full));
        store.put("k", "text".into()).await.unwrap_err();
        assert_eq!(outages(&store), [("unreachable", 3), ("full", 1), ("denied", 1)]);
        assert_eq!(store.meter().other_failures(), 0);
    }
}
