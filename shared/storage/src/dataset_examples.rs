//! How many examples a stored data set has.

use basin_domain::data::{Dataset, SplitSizes};
use basin_domain::key;

use crate::dataset::DATA;
use crate::{Result, StorageError, Store};

impl Store {
    /// How many examples a data set has: its decoded file says so itself, so that the same contents always have as many. None
    /// if the file isn't there, or is no decoded data set.
    ///
    /// # Errors
    /// As [`Store::get_range`].
    pub async fn dataset_examples(&self, dataset: &Dataset) -> Result<Option<SplitSizes>> {
        let key = format!("{}/{DATA}", key::dataset(dataset));
        match self.get_range(&key, 0..SplitSizes::START).await {
            Ok(start) => Ok(SplitSizes::of_decoded(&start)),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
