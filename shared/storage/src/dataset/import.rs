//! An import: contents into the store, and the name that means them from then on.

use std::path::Path;

use basin_domain::data::Dataset;
use basin_domain::digest::Digest;

use super::StoredDataset;
use super::versions::{DatasetVersions, UnresolvedDataset};
use crate::{StorageError, Store};

/// The import.
#[derive(Debug, Clone, Copy)]
pub struct DatasetImport<'a> {
    /// Its name, and the digest of its decoded file.
    pub dataset: &'a Dataset,
    /// The decoded file.
    pub file: &'a Path,
    /// Its contents, for people.
    pub description: &'a str,
    /// Its source, for people.
    pub imported_from: &'a str,
    /// Whether the name may change what it means.
    pub replaces: bool,
    /// The time, in milliseconds since the Unix epoch; for people.
    pub now_unix_ms: u64,
}

/// The outcome of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The name meant nothing before.
    New,
    /// The name means the same contents as before; they were written again.
    Unchanged,
    /// The name meant other contents, which stay.
    Replaced {
        /// Those.
        before: Digest,
    },
}

/// Why an import was refused, or failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The name means other contents, and may not change.
    #[error(
        "the store has other contents of {} already: {} ({}), imported from {}; these are {}",
        there.dataset.name, there.dataset.digest.short(), there.description, there.imported_from, offered.short()
    )]
    OtherContents {
        /// The contents that the name means.
        there: Box<StoredDataset>,
        /// The contents that were to be imported.
        offered: Digest,
    },
    /// It isn't known what the name means, and it may not change.
    #[error(transparent)]
    Unresolved(#[from] UnresolvedDataset),
}

impl Store {
    /// Brings a decoded data set into the store and makes it what its name means. Ended at any point, the name means what it
    /// meant before or what was imported; of several imports at once, one is first, and the others are refused or replace it.
    ///
    /// # Errors
    /// [`ImportError::OtherContents`] if the name means something else and may not change; otherwise as
    /// [`Store::put_dataset`].
    pub async fn import_dataset(
        &self,
        import: DatasetImport<'_>,
    ) -> Result<(StoredDataset, ImportOutcome), ImportError> {
        let DatasetImport { dataset, now_unix_ms, .. } = import;
        let seen = self.dataset_versions(&dataset.name).await?;
        let before = admit(&seen, &import)?;
        // Contents of before there were records get theirs first: ended after the next step, the import would otherwise
        // leave two contents without an order.
        if let Some(before) = before.filter(|before| *before != dataset.digest && seen.history.is_empty()) {
            self.make_current(&seen, before, now_unix_ms).await?;
        }
        let stored = self.put_dataset(dataset, import.file, import.description, import.imported_from).await?;
        loop {
            let seen = self.dataset_versions(&dataset.name).await?;
            match seen.history.last() {
                Some(last) if last.digest == Some(dataset.digest) => break,
                // Whoever writes the first record is first.
                None => {}
                Some(_) => drop(admit(&seen, &import)?),
            }
            if self.make_current(&seen, dataset.digest, now_unix_ms).await? {
                break;
            }
        }
        let imported = match before {
            None => ImportOutcome::New,
            Some(before) if before == dataset.digest => ImportOutcome::Unchanged,
            Some(before) => ImportOutcome::Replaced { before },
        };
        Ok((stored, imported))
    }
}

/// The contents that the name means before the import, if it may go on.
fn admit(seen: &DatasetVersions, import: &DatasetImport<'_>) -> Result<Option<Digest>, ImportError> {
    let offered = import.dataset.digest;
    match seen.current() {
        Ok(None) => Ok(None),
        Ok(Some(current)) if import.replaces || current.dataset.digest == offered => {
            Ok(Some(current.dataset.digest))
        }
        Ok(Some(current)) => Err(ImportError::OtherContents { there: Box::new(current.clone()), offered }),
        // A removed version comes back.
        Err(UnresolvedDataset::Gone { digest, .. }) if import.replaces || digest == offered => {
            Ok(Some(digest))
        }
        Err(_) if import.replaces => Ok(None),
        Err(error) => Err(error.into()),
    }
}
