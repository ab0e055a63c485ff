//! Contents of data sets that their name doesn't mean, and that no sweep reads.

use basin_domain::data::Dataset;
use basin_domain::key;

use super::Space;
use super::collector::Collector;
use super::removal::remove;
use super::stored_sweeps::is_older;
use super::task_objects::bytes_of;
use crate::dated_object::DatedObject;
use crate::{CommitMode, DatasetVersions, Result};

impl Collector<'_> {
    /// Collects them.
    pub(super) async fn collect_datasets(&mut self) -> Result<()> {
        for versions in self.store.list_dataset_versions().await? {
            for stored in &versions.contents {
                self.collect_contents(&stored.dataset, &versions).await?;
            }
        }
        Ok(())
    }

    async fn collect_contents(&mut self, dataset: &Dataset, versions: &DatasetVersions) -> Result<()> {
        if may_be_meant(dataset, versions) || self.sweeps.needs_contents(&dataset.digest) {
            return Ok(());
        }
        let objects = self.store.list_dated(&key::dataset(dataset)).await?;
        let space = Space::of_one(bytes_of(&objects));
        if !is_older(&objects, self.oldest_leftover_unix_ms) {
            self.collected.young += space;
        } else if self.collection.is_dry_run {
            self.collected.freed.datasets += space;
        } else if let Some(mode) = self.commit_mode().await? {
            if self.free_contents(dataset, objects, mode).await? {
                self.collected.freed.datasets += space;
            }
        } else {
            self.collected.irreplaceable += space;
        }
        Ok(())
    }

    /// Frees contents, if nobody needs them now that a collection is announced; whether it did.
    async fn free_contents(
        &mut self,
        dataset: &Dataset,
        objects: Vec<DatedObject>,
        mode: CommitMode,
    ) -> Result<bool> {
        let announced = self.store.announce_collection(mode).await?;
        let freed = self.free_contents_announced(dataset, objects).await;
        announced.end().await?;
        freed
    }

    async fn free_contents_announced(
        &mut self,
        dataset: &Dataset,
        objects: Vec<DatedObject>,
    ) -> Result<bool> {
        self.refresh().await?;
        let versions = self.store.dataset_versions(&dataset.name).await?;
        if may_be_meant(dataset, &versions) || self.sweeps.needs_contents(&dataset.digest) {
            return Ok(false);
        }
        // Its note first: without that it isn't there.
        let (note, file): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object.key.ends_with(".json"));
        remove(self.store, note).await?;
        remove(self.store, file).await?;
        self.store.remove_empty_folders(&key::dataset(dataset)).await?;
        Ok(true)
    }
}

/// Whether the plain name may mean these contents. Where it isn't known what it means, it may mean any.
fn may_be_meant(dataset: &Dataset, versions: &DatasetVersions) -> bool {
    match versions.current() {
        Ok(Some(current)) => current.dataset.digest == dataset.digest,
        Ok(None) | Err(_) => true,
    }
}
