//! What processes left that were killed: probes, staged files, and what was kept of sweeps that never came to be.

use basin_domain::id::SweepId;
use basin_domain::key;

use super::Space;
use super::collector::Collector;
use super::removal::remove;
use super::stored_sweeps::is_older;
use crate::dated_object::DatedObject;
use crate::{Result, backend};

impl Collector<'_> {
    /// Collects it.
    pub(super) async fn collect_leftovers(&mut self) -> Result<()> {
        let mut probes = self.store.list_dated(key::PROBES).await?;
        probes.retain(|probe| probe.modified_unix_ms <= self.oldest_leftover_unix_ms);
        self.add_leftovers(&probes);
        if !self.collection.is_dry_run {
            remove(self.store, &probes).await?;
        }
        self.collect_abandoned_sweeps().await?;
        self.collect_staged().await
    }

    /// Those without a record that nobody has written to of late.
    async fn collect_abandoned_sweeps(&mut self) -> Result<()> {
        if self.collection.is_dry_run {
            for sweep in self.sweeps.abandoned().to_vec() {
                let objects = self.store.list_dated(&key::sweep(&sweep)).await?;
                self.add_leftovers(&objects);
            }
            return Ok(());
        }
        if self.sweeps.abandoned().is_empty() {
            return Ok(());
        }
        let Some(mode) = self.commit_mode().await? else { return Ok(()) };
        let announced = self.store.announce_collection(mode).await?;
        let removed = self.remove_abandoned_sweeps().await;
        announced.end().await?;
        removed
    }

    async fn remove_abandoned_sweeps(&mut self) -> Result<()> {
        // Whoever launches one of them from now on puts it there once more.
        self.refresh().await?;
        let abandoned: Vec<SweepId> = self.sweeps.abandoned().to_vec();
        for sweep in abandoned {
            let folder = key::sweep(&sweep);
            let objects = self.store.list_dated(&folder).await?;
            if is_older(&objects, self.oldest_leftover_unix_ms) {
                remove(self.store, &objects).await?;
                self.store.remove_empty_folders(&folder).await?;
                self.add_leftovers(&objects);
            }
        }
        Ok(())
    }

    /// Staged files, where the store is a folder. A part of an upload is written within minutes.
    async fn collect_staged(&mut self) -> Result<()> {
        let Some(root) = self.store.folder().map(std::path::Path::to_path_buf) else { return Ok(()) };
        let (age, is_dry_run) = (self.leftover_age, self.collection.is_dry_run);
        let staged = self.store.on_blocking_thread("", move || {
            let staged = backend::staged_before(&root, age)?;
            if !is_dry_run {
                for file in &staged {
                    backend::remove_file_if_there(&file.path)?;
                }
            }
            Ok(staged.into_iter().map(|file| file.size).collect::<Vec<u64>>())
        });
        for size in staged.await? {
            self.collected.freed.leftovers += Space::of_one(size);
        }
        Ok(())
    }

    fn add_leftovers(&mut self, objects: &[DatedObject]) {
        for object in objects {
            self.collected.freed.leftovers += Space::of_one(object.size);
        }
    }
}
