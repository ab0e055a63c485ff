//! The versions of a data set: which contents a store has of it, and in which order they became the current ones.
//!
//! Contents lie under their digest and never change. Which of them a plain name means is said by numbered records beside
//! them, each written where there was none, the greatest number being what counts: the order needs no clock, and of two
//! writers of one number one has won. Stores of before have no records; there the only contents are the current ones.

use basin_domain::data::{Dataset, DatasetReference};
use basin_domain::digest::Digest;
use basin_domain::id::DatasetName;
use basin_domain::key;
use basin_domain::lookup::{self, LookupError};
use serde::{Deserialize, Serialize};

use super::StoredDataset;
use crate::{ListedObject, Result, StorageError, Store};

/// The longest record that makes sense, in bytes.
const RECORD_LIMIT: u64 = 4 << 10;

/// A record as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct VersionRecord {
    name: DatasetName,
    number: u64,
    digest: Digest,
    since_unix_ms: u64,
}

/// That contents became the current ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetVersion {
    /// Its place in the order, from 1.
    pub number: u64,
    /// The contents; none if the record is damaged.
    pub digest: Option<Digest>,
    /// When, by the clock of who did it, in milliseconds since the Unix epoch. For people: nothing is ordered by it.
    pub since_unix_ms: Option<u64>,
}

/// The contents and versions of a data set in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetVersions {
    /// The data set.
    pub name: DatasetName,
    /// Its contents, by digest.
    pub contents: Vec<StoredDataset>,
    /// The contents that became the current ones, in this order.
    pub history: Vec<DatasetVersion>,
}

/// Why a name doesn't say which contents are meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnresolvedDataset {
    /// There are several contents from before there were records.
    #[error("the store has {} contents of the data set {name} and no record of which are the current ones: {}", digests.len(), short(digests))]
    Unordered {
        /// The data set.
        name: DatasetName,
        /// The contents.
        digests: Vec<Digest>,
    },
    /// The current contents were removed.
    #[error("the current contents of the data set {name}, {}, are no longer in the store", digest.short())]
    Gone {
        /// The data set.
        name: DatasetName,
        /// The contents that are missing.
        digest: Digest,
        /// Those that are there.
        there: Vec<Digest>,
    },
    /// The record of the current contents is damaged.
    #[error("the record of which contents of the data set {name} are the current ones is damaged")]
    DamagedRecord {
        /// The data set.
        name: DatasetName,
        /// Those that are there.
        there: Vec<Digest>,
    },
    /// No contents of this version are there.
    #[error("the store has no version {wanted}; it has {}", short(there))]
    NoVersion {
        /// The version.
        wanted: DatasetReference,
        /// Those that are there.
        there: Vec<Digest>,
    },
    /// The version fits several contents.
    #[error("{wanted} fits several versions: {}", digests.iter().map(Digest::to_string).collect::<Vec<_>>().join(", "))]
    SeveralVersions {
        /// The version.
        wanted: DatasetReference,
        /// The contents that it fits.
        digests: Vec<Digest>,
    },
}

fn short(digests: &[Digest]) -> String {
    digests.iter().map(Digest::short).collect::<Vec<_>>().join(", ")
}

impl DatasetVersions {
    /// The contents that the plain name means, if there are any.
    ///
    /// # Errors
    /// If there are several and no record says which, or those that are recorded are gone.
    pub fn current(&self) -> Result<Option<&StoredDataset>, UnresolvedDataset> {
        let name = || self.name.clone();
        match (self.history.last(), self.contents.as_slice()) {
            (None, []) => Ok(None),
            (None, [only]) => Ok(Some(only)),
            (None, _) => Err(UnresolvedDataset::Unordered { name: name(), digests: self.digests() }),
            (Some(DatasetVersion { digest: None, .. }), _) => {
                Err(UnresolvedDataset::DamagedRecord { name: name(), there: self.digests() })
            }
            (Some(DatasetVersion { digest: Some(digest), .. }), _) => match self.contents_of(digest) {
                Some(current) => Ok(Some(current)),
                None => Err(UnresolvedDataset::Gone { name: name(), digest: *digest, there: self.digests() }),
            },
        }
    }

    /// The contents that a sweep file's name means: the current ones, or the version that it names. None if nothing of the
    /// data set is there.
    ///
    /// # Errors
    /// As [`DatasetVersions::current`], and if the version fits none or several.
    pub fn resolve(&self, wanted: &DatasetReference) -> Result<Option<&StoredDataset>, UnresolvedDataset> {
        let Some(version) = &wanted.version else { return self.current() };
        if self.contents.is_empty() {
            return Ok(None);
        }
        match lookup::find(version.as_str(), self.digests()) {
            Ok(digest) => Ok(self.contents_of(&digest)),
            Err(LookupError::NotFound) => {
                Err(UnresolvedDataset::NoVersion { wanted: wanted.clone(), there: self.digests() })
            }
            Err(LookupError::Ambiguous(digests)) => {
                Err(UnresolvedDataset::SeveralVersions { wanted: wanted.clone(), digests })
            }
        }
    }

    /// When contents last became the current ones, if that was recorded.
    pub fn last_recorded(&self, digest: &Digest) -> Option<&DatasetVersion> {
        self.history.iter().rev().find(|version| version.digest == Some(*digest))
    }

    fn digests(&self) -> Vec<Digest> {
        self.contents.iter().map(|stored| stored.dataset.digest).collect()
    }

    fn contents_of(&self, digest: &Digest) -> Option<&StoredDataset> {
        self.contents.iter().find(|stored| stored.dataset.digest == *digest)
    }
}

impl Store {
    /// The contents and versions of a data set in the store.
    ///
    /// # Errors
    /// As [`Store::read_dataset`].
    pub async fn dataset_versions(&self, name: &DatasetName) -> Result<DatasetVersions> {
        // The records first: contents are there before their record is.
        let mut history = Vec::new();
        for ListedObject { key, .. } in self.list(&key::dataset_versions(name)).await? {
            let Some(number) = key::dataset_version_number(&key) else { continue };
            let record = match self.read_document::<VersionRecord>(&key, RECORD_LIMIT).await {
                Ok(Some((record, _))) if record.name == *name && record.number == number => Some(record),
                Ok(Some(_)) | Err(StorageError::Corrupt { .. }) => {
                    tracing::warn!(key, "record of a data set's version is damaged");
                    None
                }
                Ok(None) => continue,
                Err(error) => return Err(error),
            };
            history.push(DatasetVersion {
                number,
                digest: record.as_ref().map(|record| record.digest),
                since_unix_ms: record.map(|record| record.since_unix_ms),
            });
        }
        history.sort_unstable_by_key(|version| version.number);
        let mut contents = Vec::new();
        for digest in self.list_folders(&key::dataset_contents(name)).await? {
            let Ok(digest) = digest.parse() else { continue };
            contents.extend(self.read_dataset(&Dataset { name: name.clone(), digest }).await?);
        }
        Ok(DatasetVersions { name: name.clone(), contents, history })
    }

    /// All data sets of the store, by name: those of which it has contents.
    ///
    /// # Errors
    /// As [`Store::dataset_versions`].
    pub async fn list_dataset_versions(&self) -> Result<Vec<DatasetVersions>> {
        let mut found = Vec::new();
        for name in self.list_folders("datasets").await? {
            let Ok(name) = DatasetName::new(name) else { continue };
            found.push(self.dataset_versions(&name).await?);
        }
        found.retain(|versions| !versions.contents.is_empty() || !versions.history.is_empty());
        Ok(found)
    }

    /// Records that contents are the current ones from now on, as the next version after those that were `seen`; whether
    /// they are. If not, somebody else recorded a version meanwhile.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub async fn make_current(
        &self,
        seen: &DatasetVersions,
        digest: Digest,
        now_unix_ms: u64,
    ) -> Result<bool> {
        let number = seen.history.last().map_or(1, |version| version.number + 1);
        let record = VersionRecord { name: seen.name.clone(), number, digest, since_unix_ms: now_unix_ms };
        let bytes = serde_json::to_vec_pretty(&record).expect("a record is plain JSON");
        self.put_if_absent(&key::dataset_version(&seen.name, number), bytes.into()).await
    }
}
