//! `basin data import`: what lies on disk, read and put into the store.

use std::path::Path;

use basin_domain::data::{self, Contents, Dataset, InputKind};
use basin_domain::id::DatasetName;
use basin_storage::{DatasetImport, ImportError, ImportOutcome, Store};
use basin_worker::OpenedDataset;
use basin_worker::preview::{ExampleQuery, Split};
use serde_json::json;

use super::super::arguments::{DataReading, StoreArguments};
use super::super::clock::unix_ms;
use super::super::command_error::{CommandError, CommandResult, OrFail};
use super::super::failures::OrStore;
use super::super::lookup;
use super::super::output::Output;
use super::show::SHOWN;
use super::shown::{Shown, not_drawn};
use crate::hints;

/// What is imported, and how.
pub(super) struct Import<'a> {
    /// Where it lies.
    pub(super) path: &'a Path,
    pub(super) reading: DataReading,
    /// Whether the name may change what it means.
    pub(super) replaces: bool,
    /// Where examples are drawn.
    pub(super) out: Option<&'a Path>,
}

/// Reads what is there, puts it into the store as `name`, and says what it holds.
pub(super) async fn import(
    name: &str,
    import: Import<'_>,
    store: &StoreArguments,
    output: Output,
) -> CommandResult {
    let Import { path, reading, replaces, out } = import;
    let name = DatasetName::new(name).map_err(CommandError::input)?;
    if data::is_made(name.as_str()) {
        return Err(CommandError::input(anyhow::anyhow!("{name} is made by Basin itself"))
            .hint("nothing has to be imported: just name it in a sweep file"));
    }
    let store = lookup::store(&store.url())?;
    let what = format!("cannot import {name} from {}", path.display());
    let folder = tempfile::tempdir().or_basin("cannot make a temporary folder")?;
    let decoded = folder.path().join("data.basin");
    let (from, to, which) = (path.to_owned(), decoded.clone(), name.clone());
    let options = import_options(reading)?;
    let imported =
        tokio::task::spawn_blocking(move || basin_worker::import_dataset(&which, &from, &options, &to))
            .await
            .or_basin(what.clone())?
            .map_err(|error| {
                let hint = hints::import(&error);
                CommandError::input(error).context(what.clone()).hint_if_any(hint)
            })?;
    let Contents { sizes, example, target } = &imported.contents;
    if out.is_some() && !matches!(example, InputKind::Image(_)) {
        return Err(not_drawn(example).context(what));
    }
    let description = format!("{} training and {} test {example}, {target}", sizes.train, sizes.test);
    let dataset = Dataset { name: name.clone(), digest: imported.digest };
    let import = DatasetImport {
        dataset: &dataset,
        file: &decoded,
        description: &description,
        imported_from: &path.display().to_string(),
        replaces,
        now_unix_ms: unix_ms(),
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
    let (headline, out) = (format!("{name} {}", imported.digest.short()), out.map(Path::to_owned));
    let look = move || {
        let dataset = OpenedDataset::open(&decoded).or_basin("cannot read what was imported")?;
        let query = ExampleQuery { split: Split::Train, seed: 0, class: None, most: SHOWN };
        Shown::of_dataset(&dataset, headline, query).remarked(before).drawn(out.as_deref())
    };
    // The data set is in the store by now, whatever becomes of its picture.
    let shown = tokio::task::spawn_blocking(look).await.or_basin("cannot look at what was imported")??;
    let value = json!({ "name": name.to_string(), "digest": imported.digest.to_string(), "size": note.size,
        "train": sizes.train, "test": sizes.test, "replaced": replaced, "found": shown.json() });
    shown.print(&value, output)
}

/// The options of the reading, checked.
fn import_options(reading: DataReading) -> Result<basin_worker::ImportOptions, CommandError> {
    let DataReading { split, coarse, image, target, predict, one_hot, skip, test_share, tokens } = reading;
    if test_share.is_some_and(|share| !(0.0..1.0).contains(&share)) {
        return Err(CommandError::input(anyhow::anyhow!(
            "`--test-share` is a number from 0 up to but not including 1"
        )));
    }
    Ok(basin_worker::ImportOptions {
        split,
        coarse,
        image,
        target,
        predict,
        one_hot,
        skip,
        test_share,
        tokens,
    })
}

/// The failure of an import that would change what a name means: what that would change.
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
