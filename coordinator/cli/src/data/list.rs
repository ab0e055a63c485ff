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

/// The same cells for programs.
fn described(contents: Option<&Contents>) -> serde_json::Map<String, serde_json::Value> {
    let entries = [
        ("examples", json!(contents.map(|it| it.example.to_string()))),
        ("targets", json!(contents.map(|it| it.target.to_string()))),
        ("shape", json!(contents.map(|it| it.example.image()))),
        ("classes", json!(contents.and_then(classes))),
        ("train", json!(contents.map(|it| it.sizes.train))),
        ("test", json!(contents.map(|it| it.sizes.test))),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
    let (mut value, mut made) = (Vec::new(), Vec::new());
    for (name, _) in data::BUILT_IN {
        let (Some(digest), contents) = (data::built_in_digest(name), Contents::of_built_in(name)) else {
            continue;
        };
        let mut of_it = described(contents.as_ref());
        of_it.extend([
            ("name".to_owned(), json!(name)),
            ("digest".to_owned(), json!(digest.to_string())),
            ("made_by_basin".to_owned(), json!(true)),
            ("status".to_owned(), json!("current")),
            ("current".to_owned(), json!(true)),
        ]);
        made.push(serde_json::Value::Object(of_it));
    }
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
            let mut of_it = described(contents.as_ref());
            of_it.extend([
                ("name".to_owned(), json!(name.to_string())),
                ("digest".to_owned(), json!(digest.to_string())),
                ("made_by_basin".to_owned(), json!(false)),
                ("status".to_owned(), json!(status)),
                ("current".to_owned(), json!(status == "current")),
                ("size".to_owned(), json!(it.size)),
                ("description".to_owned(), json!(it.description)),
                ("imported_from".to_owned(), json!(it.imported_from)),
                ("version".to_owned(), json!(number(&it))),
                ("since_unix_ms".to_owned(), json!(since)),
            ]);
            value.push(serde_json::Value::Object(of_it));
        }
    }
    // Those of the store come first, as they did before the others were listed.
    value.extend(made);
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
