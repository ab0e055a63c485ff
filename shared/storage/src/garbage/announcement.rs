//! A collection of garbage says in the store that it is under way, so that no launch reuses what it frees.
//!
//! A launch looks up which of its tasks are committed, and then puts its sweep into the store. A collection reads the sweeps, and
//! then frees what none lists. So it announces itself *before* it reads the sweeps, each time that it frees something, and a
//! launch compares the announcement that it found before it looked with the one that it finds *after* its sweep is there. Are
//! they the same, and none is under way, no collection has judged in between; else the launch looks again, and whoever
//! collects from then on finds its sweep. `docs/decisions/0047-clean-up.md` has the proof.

use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basin_domain::digest::Digest;
use basin_domain::key::COLLECTION;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::commit_state::ObjectVersion;
use crate::{CommitMode, Result, StorageError, Store, backend};

/// How long an announcement holds at most: a collection that was killed keeps launches waiting for no longer.
const HOLDS_FOR: Duration = Duration::from_secs(60);
/// How long a collection begins to free things under one announcement. What is left of its time is for the calls under way, and
/// for clocks that differ.
const WORKS_FOR: Duration = Duration::from_secs(20);
/// How often is looked whether a collection has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The longest announcement that makes sense, in bytes.
const LIMIT: u64 = 4 << 10;
/// The file in a store that is a folder which is locked for as long as a collection is under way: who is killed gives it back.
const LOCK: &str = "collection";

/// An announcement as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Announcement {
    /// Made up anew for each.
    id: String,
    /// The end of it, by the clock of whoever collects.
    until_unix_ms: u64,
    /// Whether all was freed that was to be.
    has_ended: bool,
}

/// The last collection of garbage that was announced in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectionMark(Option<Announcement>);

impl CollectionMark {
    /// Whether no collection was under way, and none began, from the look that found this one until the look that found `later`.
    pub fn is_undisturbed(&self, later: &Self) -> bool {
        self == later && self.0.as_ref().is_none_or(|announcement| announcement.has_ended)
    }
}

/// A collection that is announced.
pub(super) struct Announced<'a> {
    store: &'a Store,
    announcement: Announcement,
    version: ObjectVersion,
    mode: CommitMode,
    works_until: Instant,
    /// Held until the end, where the store is a folder.
    _lock: Option<File>,
}

impl Store {
    /// The last collection of garbage that was announced, whether or not it is over.
    ///
    /// # Errors
    /// As [`Store::get`], without [`StorageError::NotFound`].
    pub async fn last_collection(&self) -> Result<CollectionMark> {
        Ok(CollectionMark(self.announcement().await?.map(|(announcement, _)| announcement)))
    }

    /// The same, once none is under way.
    ///
    /// # Errors
    /// As [`Store::last_collection`].
    pub async fn settled_collection(&self) -> Result<CollectionMark> {
        // Whatever the clocks say: none holds for longer.
        let patience = Instant::now() + HOLDS_FOR;
        loop {
            let last = self.last_collection().await?;
            match &last.0 {
                Some(announcement) if Instant::now() < patience && self.is_under_way(announcement).await => {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
                Some(_) | None => return Ok(last),
            }
        }
    }

    /// Announces a collection, once no other one is under way.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub(super) async fn announce_collection(&self, mode: CommitMode) -> Result<Announced<'_>> {
        let lock = self.lock_collections().await?;
        let patience = Instant::now() + HOLDS_FOR;
        loop {
            let last = self.announcement().await?;
            if let Some((other, _)) = &last
                && lock.is_none()
                && Instant::now() < patience
                && self.is_under_way(other).await
            {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            let until = unix_ms().saturating_add(u64::try_from(HOLDS_FOR.as_millis()).unwrap_or(u64::MAX));
            let id = uuid::Uuid::new_v4().simple().to_string();
            let announcement = Announcement { id, until_unix_ms: until, has_ended: false };
            // Its time begins before it is heard of.
            let works_until = Instant::now() + WORKS_FOR;
            let over = last.as_ref().map(|(_, version)| version);
            match self.write_announcement(&announcement, over, mode).await {
                // Another one came first.
                Err(StorageError::AlreadyExists { .. }) => continue,
                written => written?,
            }
            // What can be read back was announced.
            if let Some((found, version)) = self.announcement().await?
                && found == announcement
            {
                return Ok(Announced { store: self, announcement, version, mode, works_until, _lock: lock });
            }
        }
    }

    /// What is announced, with the version of its object. One that is damaged is of nobody, and has not ended.
    async fn announcement(&self) -> Result<Option<(Announcement, ObjectVersion)>> {
        let (bytes, store_version) = match self.get_versioned(COLLECTION, LIMIT).await {
            Err(StorageError::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let bytes = bytes.unwrap_or_default();
        let version = ObjectVersion { store_version, digest: Some(Digest::of(&bytes)) };
        let announcement = serde_json::from_slice(&bytes).unwrap_or_else(|_| Announcement {
            id: String::new(),
            until_unix_ms: 0,
            has_ended: false,
        });
        Ok(Some((announcement, version)))
    }

    async fn write_announcement(
        &self,
        announcement: &Announcement,
        over: Option<&ObjectVersion>,
        mode: CommitMode,
    ) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(announcement).expect("an announcement is plain JSON");
        // Whoever has the lock of a folder is alone, and so is who writes all commits.
        if self.folder().is_some() || mode == CommitMode::Serialised {
            return self.put(COLLECTION, bytes.into()).await;
        }
        match over {
            Some(over) => self.replace(COLLECTION, over, bytes).await,
            None => self.put_if_absent(COLLECTION, bytes.into()).await.map(drop),
        }
    }

    /// Whether whoever announced it may be freeing things still.
    async fn is_under_way(&self, announcement: &Announcement) -> bool {
        if announcement.has_ended || unix_ms() >= announcement.until_unix_ms {
            return false;
        }
        // If the lock can be had, nobody has it. If it can't be asked for, time must tell.
        !matches!(self.try_lock_collections().await, Ok(Some(_)))
    }

    /// The lock on collections, where the store is a folder, once it is free.
    async fn lock_collections(&self) -> Result<Option<File>> {
        while self.folder().is_some() {
            if let Some(lock) = self.try_lock_collections().await? {
                return Ok(Some(lock));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(None)
    }

    async fn try_lock_collections(&self) -> Result<Option<File>> {
        let Some(root) = self.folder() else { return Ok(None) };
        let root = root.to_path_buf();
        self.on_blocking_thread(COLLECTION, move || backend::try_lock(&root, LOCK)).await
    }
}

impl Announced<'_> {
    /// Whether more may be freed under this announcement.
    pub(super) fn lasts(&self) -> bool {
        Instant::now() < self.works_until
    }

    /// Says that all is freed that was to be.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub(super) async fn end(self) -> Result<()> {
        let ended = Announcement { has_ended: true, ..self.announcement };
        match self.store.write_announcement(&ended, Some(&self.version), self.mode).await {
            // Whoever came after it waited until its time was over.
            Err(StorageError::AlreadyExists { .. }) => Ok(()),
            written => written,
        }
    }
}

/// The time by this machine's clock, in milliseconds since the Unix epoch.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
