//! `basin data`: data sets into the store, in it, and out of it.

use std::path::Path;

use basin_domain::data;
use basin_domain::id::DatasetName;
use basin_storage::StorageError;
use serde_json::json;

use super::arguments::{Data, StoreAt};
#[cfg(feature = "worker")]
use super::failure::OrFail;
use super::failure::{Done, Failed};
use super::lookup::{self, OrStore};
use super::output::{Output, table};

/// The data set of this name, if Basin knows one.
fn known(name: &str) -> Result<DatasetName, Failed> {
    let refused = || {
        let near = data::KNOWN
            .into_iter()
            .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
        Failed::input(anyhow::anyhow!("`{name}` is no data set that Basin knows")).hint(format!(
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

/// Dispatches.
pub(super) async fn data(arguments: Data, output: Output) -> Done {
    match arguments {
        #[cfg(feature = "worker")]
        Data::Import { name, path, store } => import(&name, &path, &store, output).await,
        Data::List { store } => list(&store, output).await,
        Data::Fetch { name, to, store } => fetch(&name, &to, &store, output).await,
    }
}

#[cfg(feature = "worker")]
async fn import(name: &str, path: &Path, store: &StoreAt, output: Output) -> Done {
    let name = known(name)?;
    if data::built_in_digest(name.as_str()).is_some() {
        return Err(Failed::input(anyhow::anyhow!("{name} is made by Basin itself"))
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
    let dataset = data::Dataset { name: name.clone(), digest: imported.digest };
    let note = store
        .put_dataset(&dataset, &decoded, &description, &path.display().to_string())
        .await
        .or_store(what)?;
    let value = json!({ "name": name.to_string(), "digest": imported.digest.to_string(), "size": note.size,
        "train": imported.train, "test": imported.test });
    output.result(&value, &format!("{name} {}: {}", imported.digest.short(), note.description));
    Ok(())
}

async fn list(store: &StoreAt, output: Output) -> Done {
    let url = store.url();
    let stored = match basin_storage::Store::open_existing(&url) {
        Ok(store) => store.list_datasets().await.or_store(format!("cannot list the data sets of {url}"))?,
        // A store that nothing was put into yet has no data sets; one that was named should be there.
        Err(_) if store.store.is_none() => Vec::new(),
        Err(error) => return Err(lookup::no_store(error, &url)),
    };
    let mut rows: Vec<Vec<String>> = data::BUILT_IN
        .iter()
        .filter_map(|(name, recipe)| {
            let digest = data::built_in_digest(name)?;
            Some(vec![(*name).to_owned(), digest.short(), format!("made by basin ({recipe})")])
        })
        .collect();
    rows.extend(
        stored
            .iter()
            .map(|it| vec![it.dataset.name.to_string(), it.dataset.digest.short(), it.description.clone()]),
    );
    let value: Vec<_> = stored
        .iter()
        .map(|it| {
            json!({ "name": it.dataset.name.to_string(), "digest": it.dataset.digest.to_string(), "size": it.size,
                "description": it.description, "imported_from": it.imported_from })
        })
        .collect();
    output.result(&value, &table(&["name", "digest", "what"], &rows));
    Ok(())
}

async fn fetch(name: &str, to: &Path, store: &StoreAt, output: Output) -> Done {
    let name = known(name)?;
    let store = lookup::existing_store(&store.url())?;
    let what = format!("cannot fetch {name}");
    let stored = store.list_datasets().await.or_store(what.clone())?;
    let Some(found) = stored.iter().find(|it| it.dataset.name == name) else {
        return Err(Failed::input(anyhow::anyhow!("the store {} has no data set {name}", store.url()))
            .hint(format!("`basin data import {name} PATH` puts it there")));
    };
    store.fetch_dataset(&found.dataset, to).await.map_err(|error| {
        let damaged = matches!(error, StorageError::Corrupt { .. });
        let hint = damaged.then(|| format!("`basin data import {name} PATH` writes it again"));
        Failed::basin(error).context(what).maybe_hint(hint)
    })?;
    let value = json!({ "name": name.to_string(), "digest": found.dataset.digest.to_string(), "file": to.display().to_string() });
    output.result(
        &value,
        &format!("{}: {} {}, digest checked", to.display(), name, found.dataset.digest.short()),
    );
    Ok(())
}
