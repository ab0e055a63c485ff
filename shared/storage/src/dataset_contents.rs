//! What a stored data set holds.

use basin_domain::data::{Contents, Dataset, SplitSizes};
use basin_domain::key;

use crate::dataset::DATA;
use crate::{Result, StorageError, Store};

impl Store {
    /// What a data set holds: its decoded file says so itself, so that the same contents always have the same. None
    /// if the file isn't there, or is no decoded data set.
    ///
    /// # Errors
    /// As [`Store::get_range`].
    pub async fn dataset_contents(&self, dataset: &Dataset) -> Result<Option<Contents>> {
        let key = format!("{}/{DATA}", key::dataset(dataset));
        match self.get_range(&key, 0..SplitSizes::START).await {
            Ok(start) => Ok(Contents::of_decoded(&start)),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
