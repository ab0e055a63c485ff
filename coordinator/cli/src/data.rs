//! `basin data`: data sets into the store, in it, and out of it.

#[cfg(feature = "worker")]
mod described;
#[cfg(feature = "worker")]
mod import;
mod list;
#[cfg(feature = "worker")]
mod picture;
#[cfg(feature = "worker")]
mod show;
#[cfg(feature = "worker")]
mod shown;
mod stored;
#[cfg(feature = "worker")]
mod terminal;

use std::path::Path;

use basin_domain::escape::line;
use basin_storage::StorageError;
use serde_json::json;

use self::stored::{reference, resolved};
use super::arguments::{Data, StoreArguments};
use super::clock::unix_ms;
use super::command_error::{CommandError, CommandResult};
use super::failures::OrStore;
use super::kinds::ProgramKinds;
use super::lookup;
use super::output::Output;

/// Dispatches.
#[cfg_attr(
    not(feature = "worker"),
    expect(unused_variables, reason = "a program that trains nothing has no kinds of its own")
)]
pub(super) async fn data(arguments: Data, kinds: &ProgramKinds, output: Output) -> CommandResult {
    match arguments {
        #[cfg(feature = "worker")]
        Data::Import { name, path, reading, replace, out, store } => {
            let import = import::Import { path: &path, reading, replaces: replace, out: out.as_deref() };
            import::import(&name, import, &store, output).await
        }
        #[cfg(feature = "worker")]
        Data::Show(arguments) => show::show(arguments, kinds, output).await,
        Data::Use { version, store } => make_current(&version, &store, output).await,
        Data::List { store } => list::list(&store, output).await,
        Data::Fetch { name, to, store } => fetch(&name, &to, &store, output).await,
    }
}

/// Makes one version of a data set what its name means.
async fn make_current(text: &str, at: &StoreArguments, output: Output) -> CommandResult {
    let reference = reference(text)?;
    if reference.version.is_none() {
        return Err(CommandError::input(anyhow::anyhow!("`{text}` names no version"))
            .hint("give NAME@DIGEST, the beginning of its digest; `basin data list` shows them"));
    }
    let store = lookup::existing_store(&at.url())?;
    let what = format!("cannot make {text} the current version");
    loop {
        let versions = store.dataset_versions(&reference.name).await.or_store(what.clone())?;
        let digest = resolved(&versions, &reference, &store)?.dataset.digest;
        let is_recorded = versions.history.last().is_some_and(|last| last.digest == Some(digest));
        if is_recorded || store.make_current(&versions, digest, unix_ms()).await.or_store(what.clone())? {
            let name = &reference.name;
            let value = json!({ "name": name.to_string(), "digest": digest.to_string() });
            return output.result(&value, &format!("{name} means {} from now on", digest.short()));
        }
    }
}

async fn fetch(text: &str, to: &Path, store: &StoreArguments, output: Output) -> CommandResult {
    let reference = reference(text)?;
    let name = &reference.name;
    let store = lookup::existing_store(&store.url())?;
    let what = format!("cannot fetch {text}");
    let versions = store.dataset_versions(name).await.or_store(what.clone())?;
    let found = resolved(&versions, &reference, &store)?;
    store.fetch_dataset(&found.dataset, to).await.map_err(|error| {
        let damaged = matches!(error, StorageError::Corrupt { .. });
        let hint = damaged.then(|| format!("`basin data import {name} PATH` writes it again"));
        CommandError::basin(error).context(what).hint_if_any(hint)
    })?;
    let value = json!({ "name": name.to_string(), "digest": found.dataset.digest.to_string(), "file": to.display().to_string() });
    let file = to.display().to_string();
    output
        .result(&value, &format!("{}: {name} {}, digest checked", line(&file), found.dataset.digest.short()))
}
