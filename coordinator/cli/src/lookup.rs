//! Stores and sweeps by what a person types.

use std::collections::BTreeMap;

use basin_domain::id::{SweepId, TaskId};
use basin_domain::lookup::{self, LookupError};
use basin_domain::task::{Task, is_meant};
use basin_storage::Store;

use super::command_error::CommandError;
use crate::failures::{OrStore, no_store};

/// Opens a store that must be there.
pub(super) fn existing_store(url: &str) -> Result<Store, CommandError> {
    Store::open_existing(url).map_err(|error| no_store(error, url))
}

/// Opens a store, and makes it if it isn't there.
pub(super) fn store(url: &str) -> Result<Store, CommandError> {
    Store::open(url).map_err(|error| no_store(error, url))
}

/// The one sweep of the store that `text` names.
pub(super) async fn sweep(store: &Store, text: &str) -> Result<SweepId, CommandError> {
    let known = store.list_sweeps().await.or_store(format!("cannot list the sweeps of {}", store.url()))?;
    let known: Vec<SweepId> = known.into_iter().map(|record| record.id).collect();
    one_of(text, &known)
}

/// The one sweep that has a folder in the store and that `text` names, whether or not it can be read.
pub(super) async fn stored_sweep(store: &Store, text: &str) -> Result<SweepId, CommandError> {
    let known = store.sweep_folders().await;
    one_of(text, &known.or_store(format!("cannot list the sweeps of {}", store.url()))?)
}

/// The one task of the store's sweeps that `text` names, by its id or words of its name, with the sweep that has it. Of a name that several
/// sweeps have it is the newest's.
pub(super) async fn task(store: &Store, text: &str) -> Result<(SweepId, Task), CommandError> {
    let what = format!("cannot look up task `{text}` in {}", store.url());
    let mut sweeps = store.list_sweeps().await.or_store(what.clone())?;
    sweeps.sort_by_key(|sweep| std::cmp::Reverse(sweep.launched_unix_ms));
    let is_name = text.contains([' ', '=']);
    let mut known: BTreeMap<TaskId, (SweepId, Task)> = BTreeMap::new();
    for sweep in sweeps {
        let tasks = store.read_tasks(&sweep.id).await.or_store(what.clone())?;
        if is_name && let Some(task) = of_name(&tasks, text, &sweep.id)? {
            return Ok((sweep.id, task.clone()));
        }
        for task in tasks {
            known.entry(task.id).or_insert_with(|| (sweep.id.clone(), task));
        }
    }
    let not_found = || {
        let count = known.len();
        let failed = anyhow::anyhow!("there is no task `{text}` among the {count} of the store's sweeps");
        CommandError::input(failed).hint("ids and names stand in the report's results.csv")
    };
    if is_name {
        return Err(not_found());
    }
    let found = lookup::find(text, known.keys().copied()).map_err(|unfound| match unfound {
        LookupError::NotFound => not_found(),
        LookupError::Ambiguous(fitting) => {
            CommandError::input(anyhow::anyhow!("`{text}` fits {} tasks", fitting.len()))
                .hint("give more of the id")
        }
    })?;
    Ok(known.remove(&found).expect("it was found among them"))
}

/// The one task of a sweep that has this name, or these words in its name; none if no task has.
fn of_name<'a>(tasks: &'a [Task], words: &str, sweep: &SweepId) -> Result<Option<&'a Task>, CommandError> {
    let mut fitting: BTreeMap<TaskId, &Task> = BTreeMap::new();
    for task in tasks.iter().filter(|task| is_meant(&task.name(), words)) {
        if task.name() == words {
            return Ok(Some(task));
        }
        fitting.insert(task.id, task);
    }
    if fitting.len() > 1 {
        let names: Vec<_> = fitting.values().take(5).map(|task| format!("`{}`", task.name())).collect();
        return Err(CommandError::input(anyhow::anyhow!(
            "`{words}` fits {} tasks of {sweep}",
            fitting.len()
        ))
        .hint(format!("give more of the name: {}", names.join(", "))));
    }
    Ok(fitting.into_values().next())
}

fn one_of(text: &str, known: &[SweepId]) -> Result<SweepId, CommandError> {
    let names = |of: &[SweepId]| of.iter().map(SweepId::as_str).collect::<Vec<_>>().join(", ");
    lookup::find(text, known.iter().cloned()).map_err(|unfound| match unfound {
        LookupError::NotFound => {
            let failed = CommandError::input(anyhow::anyhow!("there is no sweep `{text}` in the store"));
            failed.hint(match known.is_empty() {
                true => "it has no sweeps at all; is it the right store?".to_owned(),
                false => format!("it has: {}", names(known)),
            })
        }
        LookupError::Ambiguous(fitting) => {
            CommandError::input(anyhow::anyhow!("`{text}` fits several sweeps"))
                .hint(format!("name one of: {}", names(&fitting)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, known: &[&str]) -> Result<String, String> {
        let known: Vec<SweepId> = known.iter().map(|id| SweepId::new(*id).unwrap()).collect();
        one_of(text, &known).map(|id| id.to_string()).map_err(|failed| failed.text())
    }

    #[test]
    fn a_beginning_is_enough_if_it_fits_one_sweep() {
        let known = ["a-1", "ab-1", "abc-1"];
        assert_eq!(found("a-", &known).unwrap(), "a-1");
        assert_eq!(found("abc", &known).unwrap(), "abc-1");
        assert!(found("z", &known).unwrap_err().ends_with("hint: it has: a-1, ab-1, abc-1\n"));
    }

    #[test]
    fn a_sweep_whose_name_begins_anothers_can_be_said_and_of_one_name_all_are_named() {
        assert_eq!(found("Cas", &["Cas-0123456789", "Case-0123456789"]).unwrap(), "Cas-0123456789");
        let said = found("Cas", &["Cas-0", "Cas-1", "Case-0"]).unwrap_err();
        assert!(said.ends_with("hint: name one of: Cas-0, Cas-1\n"), "{said}");
    }
}
