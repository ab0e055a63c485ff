//! `basin data`: data sets into the store, in it, and out of it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use basin_domain::data::{self, Dataset, DatasetReference};
use basin_domain::digest::Digest;
use basin_domain::escape::line;
use basin_domain::id::DatasetName;
use basin_domain::utc::Utc;
#[cfg(feature = "worker")]
use basin_storage::{DatasetImport, ImportError, ImportOutcome};
use basin_storage::{DatasetVersions, StorageError, Store, StoredDataset, UnresolvedDataset};
use serde_json::json;

use super::arguments::{Data, StoreArguments};
#[cfg(feature = "worker")]
use super::command_error::OrFail;
use super::command_error::{CommandError, CommandResult};
use super::failures::{OrStore, no_store};
use super::lookup;
use super::output::{Output, table};
use crate::hints;

/// The data set of this name, if Basin knows one.
fn known(name: &str) -> Result<DatasetName, CommandError> {
    let refused = || {
        let near = data::KNOWN
            .into_iter()
            .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
        CommandError::input(anyhow::anyhow!("`{name}` is no data set that Basin knows")).hint(format!(
            "did you mean `{}`? There are: {}",
            near.unwrap_or_default(),
            data::KNOWN.join(", ")
        ))
    };
    if !data::KNOWN.contains(&name) {
        return Err(refused());
    }
    DatasetName::new(name).map_err(|_| refused())
}

/// The data set, or the version of one, that was typed.
fn reference(text: &str) -> Result<DatasetReference, CommandError> {
    known(text.split_once('@').map_or(text, |(name, _)| name))?;
    text.parse().map_err(CommandError::input)
}

/// The failure of a name that doesn't say which contents are meant.
fn unresolved(error: UnresolvedDataset) -> CommandError {
    let hint = hints::dataset(&error);
    CommandError::input(error).hint(hint)
}

/// The contents of the store that a reference means.
fn resolved<'a>(
    versions: &'a DatasetVersions,
    reference: &DatasetReference,
    store: &Store,
) -> Result<&'a StoredDataset, CommandError> {
    versions.resolve(reference).map_err(unresolved)?.ok_or_else(|| {
        let name = &reference.name;
        CommandError::input(anyhow::anyhow!("the store {} has no data set {name}", store.url()))
            .hint(format!("`basin data import {name} PATH` puts it there"))
    })
}

/// The time, in milliseconds since the Unix epoch.
fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Dispatches.
pub(super) async fn data(arguments: Data, output: Output) -> CommandResult {
    match arguments {
        #[cfg(feature = "worker")]
        Data::Import { name, path, replace, store } => import(&name, &path, replace, &store, output).await,
        Data::Use { version, store } => make_current(&version, &store, output).await,
        Data::List { store } => list(&store, output).await,
        Data::Fetch { name, to, store } => fetch(&name, &to, &store, output).await,
    }
}

#[cfg(feature = "worker")]
async fn import(
    name: &str,
    path: &Path,
    replaces: bool,
    store: &StoreArguments,
    output: Output,
) -> CommandResult {
    let name = known(name)?;
    if data::built_in_digest(name.as_str()).is_some() {
        return Err(CommandError::input(anyhow::anyhow!("{name} is made by Basin itself"))
            .hint("nothing has to be imported: just name it in a sweep file"));
    }
    let store = lookup::store(&store.url())?;
    let what = format!("cannot import {name} from {}", path.display());
    let folder = tempfile::tempdir().or_basin("cannot make a temporary folder")?;
    let decoded = folder.path().join("data.basin");
    let (from, to, which) = (path.to_owned(), decoded.clone(), name.clone());
    let imported = tokio::task::spawn_blocking(move || basin_worker::import_dataset(&which, &from, &to))
        .await
        .or_basin(what.clone())?
        .or_input(what.clone())?;
    let [channels, height, width] = imported.shape;
    let description = format!(
        "{} training and {} test images of {channels}×{height}×{width}, {} classes",
        imported.train,
        imported.test,
        imported.classes.len()
    );
    let dataset = Dataset { name: name.clone(), digest: imported.digest };
    let import = DatasetImport {
        dataset: &dataset,
        file: &decoded,
        description: &description,
        imported_from: &path.display().to_string(),
        replaces,
        now_unix_ms: now_unix_ms(),
    };
    let (note, did) = match store.import_dataset(import).await {
        Ok(imported) => imported,
        Err(ImportError::Storage(error)) => return Err(error).or_store(what),
        Err(error) => return Err(not_imported(error, &store).await.context(what)),
    };
    let before = match &did {
        ImportOutcome::New => String::new(),
        ImportOutcome::Unchanged => "; as before".to_owned(),
        ImportOutcome::Replaced { before } => format!("; {name}@{} names those of before", before.short()),
    };
    let replaced = match &did {
        ImportOutcome::Replaced { before } => Some(before.to_string()),
        ImportOutcome::New | ImportOutcome::Unchanged => None,
    };
    let value = json!({ "name": name.to_string(), "digest": imported.digest.to_string(), "size": note.size,
        "train": imported.train, "test": imported.test, "replaced": replaced });
    output.result(&value, &format!("{name} {}: {}{before}", imported.digest.short(), line(&note.description)))
}

/// The failure of an import that would change what a name means: what that would change.
#[cfg(feature = "worker")]
async fn not_imported(error: ImportError, store: &Store) -> CommandError {
    let hint = match &error {
        ImportError::Unresolved(unresolved) => {
            Some(format!("{}; or import these with `--replace`", hints::dataset(unresolved)))
        }
        ImportError::Storage(_) => None,
        ImportError::OtherContents { there, offered } => {
            let Dataset { name, digest } = &there.dataset;
            // An unknown count isn't mentioned: the refusal stands without it.
            let sweeps = store.list_sweeps().await.unwrap_or_default();
            let using =
                sweeps.iter().filter(|sweep| sweep.datasets.values().any(|used| used == digest)).count();
            let sweeps = match using {
                0 => String::new(),
                1 => ", as the sweep here that was launched with those".to_owned(),
                using => format!(", as {using} sweeps here that were launched with those"),
            };
            Some(format!(
                "with `--replace`, {name} means {} from then on: sweeps that name it train anew{sweeps}; what is \
                 committed stays, and \"{name}@{}\" still names what is there now",
                offered.short(),
                digest.short()
            ))
        }
    };
    CommandError::input(error).hint_if_any(hint)
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
        if is_recorded || store.make_current(&versions, digest, now_unix_ms()).await.or_store(what.clone())? {
            let name = &reference.name;
            let value = json!({ "name": name.to_string(), "digest": digest.to_string() });
            return output.result(&value, &format!("{name} means {} from now on", digest.short()));
        }
    }
}

/// Where a version of a data set stands.
fn version_status(versions: &DatasetVersions, digest: &Digest) -> &'static str {
    let name_means = versions.current().ok().flatten().map(|current| current.dataset.digest);
    match (name_means, versions.last_recorded(digest)) {
        (Some(current), _) if current == *digest => "current",
        (_, Some(_)) => "older",
        (_, None) => "never current",
    }
}

async fn list(store: &StoreArguments, output: Output) -> CommandResult {
    let url = store.url();
    let stored = match Store::open_existing(&url) {
        Ok(store) => {
            store.list_dataset_versions().await.or_store(format!("cannot list the data sets of {url}"))?
        }
        // A store that nothing was put into yet has no data sets; one that was named should be there.
        Err(_) if store.store.is_none() => Vec::new(),
        Err(error) => return Err(no_store(error, &url)),
    };
    let mut rows: Vec<Vec<String>> = data::BUILT_IN
        .iter()
        .filter_map(|(name, recipe)| {
            let digest = data::built_in_digest(name)?;
            let what = format!("made by basin ({recipe})");
            Some(vec![(*name).to_owned(), digest.short(), "current".to_owned(), "-".to_owned(), what])
        })
        .collect();
    let mut value = Vec::new();
    for versions in &stored {
        let number = |it: &&StoredDataset| versions.last_recorded(&it.dataset.digest).map(|last| last.number);
        let mut newest_first: Vec<&StoredDataset> = versions.contents.iter().collect();
        newest_first.sort_by_key(|it| std::cmp::Reverse(number(it)));
        for it in newest_first {
            let Dataset { name, digest } = &it.dataset;
            let status = version_status(versions, digest);
            let since = versions.last_recorded(digest).and_then(|last| last.since_unix_ms);
            let shown = since.map_or_else(|| "-".to_owned(), |ms| Utc::from_unix(ms / 1000).to_string());
            rows.push(vec![
                name.to_string(),
                digest.short(),
                status.to_owned(),
                shown,
                it.description.clone(),
            ]);
            value.push(json!({ "name": name.to_string(), "digest": digest.to_string(), "size": it.size,
                "description": it.description, "imported_from": it.imported_from, "current": status == "current",
                "version": number(&it), "since_unix_ms": since }));
        }
    }
    output.result(&value, &table(&["name", "version", "is", "since", "what"], &rows))?;
    for versions in &stored {
        if let Err(error) = versions.current() {
            output.say(&format!("{}\nhint: {}", line(&error.to_string()), hints::dataset(&error)));
        }
    }
    Ok(())
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
