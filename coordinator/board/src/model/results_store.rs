//! The store that results are read from.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use basin_domain::error_chain::with_causes;
use basin_storage::Store;

use crate::settings::StoreChoice;

/// After how long it is tried again to open a store that couldn't be opened.
const RETRY: Duration = Duration::from_secs(30);

/// The store that results are read from, opened when it is first needed.
#[derive(Debug)]
pub(crate) struct ResultsStore {
    given: Option<Store>,
    opened: Mutex<Option<Opened>>,
}

/// What came of opening the store that a coordinator named.
#[derive(Debug, Clone)]
struct Opened {
    url: String,
    at: Instant,
    store: Result<Store, String>,
}

impl ResultsStore {
    /// The one that is given, or the one that the coordinator will name.
    pub(crate) fn new(choice: StoreChoice) -> Self {
        let given = match choice {
            StoreChoice::Given(store) => Some(store),
            StoreChoice::AsTheCoordinatorSays => None,
        };
        Self { given, opened: Mutex::default() }
    }

    /// The store, where the coordinator says that it is at `url`.
    ///
    /// # Errors
    /// Why it can't be used from here, in words.
    pub(crate) fn open(&self, url: &str) -> Result<Store, String> {
        if let Some(store) = &self.given {
            return Ok(store.clone());
        }
        if url.is_empty() {
            return Err("the coordinator hasn't said where its store is".to_owned());
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |it: &&Opened| it.url == url && (it.store.is_ok() || it.at.elapsed() < RETRY);
        if let Some(known) = opened.as_ref().filter(is_known) {
            return known.store.clone();
        }
        let store = Store::open_existing(url);
        let store = store.map_err(|error| {
            format!("results can't be read from here, since the store isn't: {}", with_causes(&error))
        });
        *opened = Some(Opened { url: url.to_owned(), at: Instant::now(), store: store.clone() });
        store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_elsewhere_says_so() {
        let store = ResultsStore::new(StoreChoice::AsTheCoordinatorSays);
        assert_eq!(store.open("").unwrap_err(), "the coordinator hasn't said where its store is");
        assert!(store.open("/nowhere/at/all").unwrap_err().starts_with("results can't be read from here"));
    }
}
