//! `basin data list`: the data sets of a store with their versions, and those that Basin makes from their names.

use basin_domain::data::{self, Contents, Dataset, TargetKind};
use basin_domain::digest::Digest;
use basin_domain::escape::line;
use basin_domain::utc::Utc;
use basin_storage::{DatasetVersions, Store, StoredDataset};
use serde_json::json;

use super::super::arguments::StoreArguments;
use super::super::command_error::CommandResult;
use super::super::failures::{OrStore, no_store};
use super::super::output::{Output, table};
use crate::hints;

/// Where a version of a data set stands.
fn version_status(versions: &DatasetVersions, digest: &Digest) -> &'static str {
    let name_means = versions.current().ok().flatten().map(|current| current.dataset.digest);
    match (name_means, versions.last_recorded(digest)) {
        (Some(current), _) if current == *digest => "current",
        (_, Some(_)) => "older",
        (_, None) => "never current",
    }
}

/// Shape, targets and sizes; unknown where the file is none.
fn cells(contents: Option<&Contents>) -> [String; 4] {
    let Some(Contents { sizes, example, target }) = contents else {
        return ["?", "?", "?", "?"].map(str::to_owned);
    };
    [example.to_string(), target.to_string(), sizes.train.to_string(), sizes.test.to_string()]
}

/// The number of classes; none where the targets are values.
fn classes(contents: &Contents) -> Option<u32> {
    match contents.target {
        TargetKind::Classes(classes) => Some(classes),
        TargetKind::Values(_) => None,
    }
}

/// Lists them.
pub(super) async fn list(store: &StoreArguments, output: Output) -> CommandResult {
    let url = store.url();
    let store = match Store::open_existing(&url) {
        // A store that nothing was put into yet has no data sets; one that was named should be there.
        Err(_) if store.store.is_none() => Store::open("memory://list"),
        opened => opened,
    };
    let store = store.map_err(|error| no_store(error, &url))?;
    let what = format!("cannot list the data sets of {url}");
    let stored = store.list_dataset_versions().await.or_store(what.clone())?;
    let mut rows: Vec<Vec<String>> = data::BUILT_IN
        .iter()
        .filter_map(|(name, _)| {
            let start = [(*name).to_owned(), data::built_in_digest(name)?.short(), "current".to_owned()];
            let end = ["made by basin".to_owned(), "-".to_owned()];
            Some(start.into_iter().chain(cells(Contents::of_built_in(name).as_ref())).chain(end).collect())
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
            let contents = store.dataset_contents(&it.dataset).await.or_store(what.clone())?;
            let start = [name.to_string(), digest.short(), status.to_owned()];
            let end = [format!("{:.1} MiB", it.size as f64 / f64::from(1 << 20)), shown];
            rows.push(start.into_iter().chain(cells(contents.as_ref())).chain(end).collect());
            value.push(json!({ "name": name.to_string(), "digest": digest.to_string(), "size": it.size,
                "description": it.description, "imported_from": it.imported_from, "current": status == "current",
                "version": number(&it), "since_unix_ms": since, "shape": contents.as_ref().map(|it| it.example.image()),
                "classes": contents.as_ref().and_then(classes), "train": contents.as_ref().map(|it| it.sizes.train),
                "test": contents.as_ref().map(|it| it.sizes.test) }));
        }
    }
    output.result(
        &value,
        &table(&["name", "version", "is", "examples", "targets", "train", "test", "size", "since"], &rows),
    )?;
    for versions in &stored {
        if let Err(error) = versions.current() {
            output.say(&format!("{}\nhint: {}", line(&error.to_string()), hints::dataset(&error)));
        }
    }
    Ok(())
}
