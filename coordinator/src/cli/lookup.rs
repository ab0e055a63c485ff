//! Stores and sweeps by what a person types.

#[cfg(feature = "worker")]
use std::collections::BTreeMap;

use basin_domain::id::SweepId;
#[cfg(feature = "worker")]
use basin_domain::{id::TaskId, task::Task};
use basin_storage::{StorageError, Store};

use super::failure::Failed;

/// The failure of a store.
pub(super) fn no_store(error: StorageError, url: &str) -> Failed {
    failed(error).context(format!("cannot use the store {url}"))
}

fn failed(error: StorageError) -> Failed {
    let hint = error.hint();
    let failed = if error.is_settings() { Failed::input(error) } else { Failed::basin(error) };
    failed.maybe_hint(hint)
}

/// Turns errors of a store into failures, with a headline and the store's own hint.
pub(super) trait OrStore<T> {
    /// The store failed.
    fn or_store(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, Failed>;
}

impl<T> OrStore<T> for Result<T, StorageError> {
    fn or_store(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, Failed> {
        self.map_err(|error| failed(error).context(what))
    }
}

/// Opens a store that must be there.
pub(super) fn existing_store(url: &str) -> Result<Store, Failed> {
    Store::open_existing(url).map_err(|error| no_store(error, url))
}

/// Opens a store, and makes it if it isn't there.
pub(super) fn store(url: &str) -> Result<Store, Failed> {
    Store::open(url).map_err(|error| no_store(error, url))
}

/// The one sweep of the store whose id is or begins with `text`.
pub(super) async fn sweep(store: &Store, text: &str) -> Result<SweepId, Failed> {
    let known = store.list_sweeps().await.or_store(format!("cannot list the sweeps of {}", store.url()))?;
    one_of(text, known.into_iter().map(|record| record.id).collect())
}

/// The one task of the store's sweeps whose id is or begins with `text`, with the sweep that has it.
#[cfg(feature = "worker")]
pub(super) async fn task(store: &Store, text: &str) -> Result<(SweepId, Task), Failed> {
    let what = format!("cannot look up task `{text}` in {}", store.url());
    let mut fitting: BTreeMap<TaskId, (SweepId, Task)> = BTreeMap::new();
    let mut known = 0;
    for sweep in store.list_sweeps().await.or_store(what.clone())? {
        for task in store.read_tasks(&sweep.id).await.or_store(what.clone())? {
            known += 1;
            if task.id.to_string().starts_with(text) {
                fitting.entry(task.id).or_insert_with(|| (sweep.id.clone(), task));
            }
        }
    }
    let count = fitting.len();
    match fitting.into_values().next() {
        Some(found) if count == 1 => Ok(found),
        Some(_) => {
            Err(Failed::input(anyhow::anyhow!("`{text}` fits {count} tasks")).hint("give more of the id"))
        }
        None => Err(Failed::input(anyhow::anyhow!(
            "there is no task `{text}` among the {known} of the store's sweeps"
        ))
        .hint("the ids stand in the report's results.csv")),
    }
}

fn one_of(text: &str, known: Vec<SweepId>) -> Result<SweepId, Failed> {
    let names = known.iter().map(SweepId::as_str).collect::<Vec<_>>().join(", ");
    let mut fitting: Vec<SweepId> = known.into_iter().filter(|id| id.as_str().starts_with(text)).collect();
    if let Some(exact) = fitting.iter().position(|id| id.as_str() == text) {
        return Ok(fitting.swap_remove(exact));
    }
    match fitting.len() {
        1 => Ok(fitting.swap_remove(0)),
        0 => Err(Failed::input(anyhow::anyhow!("there is no sweep `{text}` in the store")).hint(
            if names.is_empty() {
                "it has no sweeps at all; is it the right store?".to_owned()
            } else {
                format!("it has: {names}")
            },
        )),
        _ => Err(Failed::input(anyhow::anyhow!("`{text}` fits several sweeps"))
            .hint(format!("name one of: {names}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_enough_if_it_fits_one_sweep() {
        let known = || ["a-1", "ab-1", "ab"].map(|id| SweepId::new(id).unwrap()).to_vec();
        assert_eq!(one_of("a-", known()).unwrap().as_str(), "a-1");
        assert_eq!(one_of("ab", known()).unwrap().as_str(), "ab");
        assert!(one_of("a", known()).is_err());
        assert!(one_of("z", known()).is_err());
    }
}
