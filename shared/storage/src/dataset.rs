//! Data sets in the store: a decoded file for each contents, whose digest is the data set's, a note for people, and records
//! of which contents the name means.

mod import;
mod versions;

use std::path::Path;

use basin_domain::data::Dataset;
use basin_domain::key;
use serde::{Deserialize, Serialize};

use crate::transfer::{contents_of_file, unreadable};
use crate::{Contents, Result, StorageError, Store};

pub use import::{DatasetImport, ImportError, ImportOutcome};
pub use versions::{DatasetVersion, DatasetVersions, UnresolvedDataset};

/// The decoded file.
pub(crate) const DATA: &str = "data.basin";
/// The note.
const NOTE: &str = "dataset.json";
/// The longest note that makes sense, in bytes.
const NOTE_LIMIT: u64 = 64 << 10;

/// The note of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDataset {
    /// Its name, and the digest of its decoded file.
    #[serde(flatten)]
    pub dataset: Dataset,
    /// Bytes of the decoded file.
    pub size: u64,
    /// Its contents, for people (`50,000 training and 10,000 test images of 32×32×3`).
    pub description: String,
    /// The source that it was decoded from, for people.
    pub imported_from: String,
}

impl StoredDataset {
    fn contents(&self) -> Contents {
        Contents { size: self.size, digest: self.dataset.digest }
    }
}

impl Store {
    /// Brings a decoded data set into the store; its note last, which makes it one that is there. What its name means is
    /// [`Store::import_dataset`]'s to say.
    ///
    /// # Errors
    /// [`StorageError::OtherContents`] if the file hasn't the data set's digest, [`StorageError::File`], and as
    /// [`Store::put`].
    pub async fn put_dataset(
        &self,
        dataset: &Dataset,
        file: &Path,
        description: &str,
        imported_from: &str,
    ) -> Result<StoredDataset> {
        let found = contents_of_file(file).await.map_err(|error| unreadable(file, error))?;
        let stored = StoredDataset {
            dataset: dataset.clone(),
            size: found.size,
            description: description.to_owned(),
            imported_from: imported_from.to_owned(),
        };
        let other = |why| StorageError::OtherContents { path: file.to_path_buf(), why };
        if let Some(why) = stored.contents().differ_from(&found) {
            return Err(other(why));
        }
        let folder = key::dataset(dataset);
        let written = self.put_file(&format!("{folder}/{DATA}"), file).await?;
        if written != found {
            return Err(other("it changed while it was read".to_owned()));
        }
        let note = serde_json::to_vec_pretty(&stored).expect("a note is plain JSON");
        self.put(&format!("{folder}/{NOTE}"), note.into()).await?;
        Ok(stored)
    }

    /// The note of a data set, if it is there.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if something else is in the note's place, and as [`Store::get`].
    pub async fn read_dataset(&self, dataset: &Dataset) -> Result<Option<StoredDataset>> {
        let key = format!("{}/{NOTE}", key::dataset(dataset));
        let Some((stored, _)) = self.read_document::<StoredDataset>(&key, NOTE_LIMIT).await? else {
            return Ok(None);
        };
        if stored.dataset != *dataset {
            let Dataset { name, digest } = &stored.dataset;
            return Err(self.corrupt(&key, format!("it is the note of {name} {}…", digest.short())));
        }
        Ok(Some(stored))
    }

    /// Fetches a data set's decoded file to `to`; see [`Store::download`].
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if the store hasn't it, [`StorageError::Corrupt`] if the store's copy is damaged,
    /// [`StorageError::File`], and as [`Store::get`].
    pub async fn fetch_dataset(&self, dataset: &Dataset, to: &Path) -> Result<()> {
        let key = format!("{}/{DATA}", key::dataset(dataset));
        match self.read_dataset(dataset).await? {
            Some(stored) => self.download(&key, &stored.contents(), to).await.map(drop),
            None => Err(StorageError::NotFound { store: self.url().to_owned(), key }),
        }
    }

    /// The contents of data sets that are there, by name and digest.
    ///
    /// # Errors
    /// As [`Store::read_dataset`].
    pub async fn list_datasets(&self) -> Result<Vec<StoredDataset>> {
        let versions = self.list_dataset_versions().await?;
        Ok(versions.into_iter().flat_map(|versions| versions.contents).collect())
    }
}
