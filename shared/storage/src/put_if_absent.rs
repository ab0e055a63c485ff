//! Objects that are written where there is none, and never over another.

use std::path::Path;

use bytes::Bytes;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

use crate::{Result, Retry, StorageError, Store, StoreCall, backend};

impl Store {
    /// Writes a small object if nothing is at its key; whether what is there now is it. On a store that ignores conditions
    /// the last of several writers wins, and those that read back before it believe that they did.
    ///
    /// # Errors
    /// As [`Store::put`]; with [`StorageError::Unavailable`] it may have been written, and the same call says so later.
    pub(crate) async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool> {
        let path = crate::key::path(key)?;
        self.sync_folders_above(key).await?;
        // Reads back once per write: the loop here is the retry.
        let once = self.clone().with_retry(Retry { tries: 1, ..*self.retry() });
        let mut tries = 0;
        loop {
            let payload = PutPayload::from_bytes(bytes.clone());
            let create = self.objects().put_opts(&path, payload, PutMode::Create.into());
            let mut said = self.timed(StoreCall::Put, key, self.retry().timeout, create).await.map(drop);
            if matches!(said, Err(StorageError::NotSupported { .. })) && !once.exists(key).await? {
                let put = self.objects().put(&path, PutPayload::from_bytes(bytes.clone()));
                said = self.timed(StoreCall::Put, key, self.retry().timeout, put).await.map(drop);
            }
            // Whatever the store said of the write, only what can be read back counts.
            let cause = match (once.get(key).await, said) {
                (Ok(found), _) => return Ok(found == bytes),
                (Err(StorageError::NotFound { .. }), Err(said)) => said,
                (Err(error), _) => error,
            };
            tries += 1;
            let passes = cause.is_transient() || matches!(cause, StorageError::AlreadyExists { .. });
            if !passes || !self.retry().wait_after(tries).await {
                return Err(cause.without_condition());
            }
        }
    }

    /// Puts the folders above a key on disk, where the store is a folder. See [`backend::sync_to_root`].
    async fn sync_folders_above(&self, key: &str) -> Result<()> {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let synced = self.sync_folder(folder, backend::sync_to_root).await;
        synced.map_err(|error| self.unavailable(key, error.into()))
    }

    /// Puts the folder of this key on disk, where the store is a folder, by `sync` (the folder, the store's own).
    pub(crate) async fn sync_folder(
        &self,
        key: &str,
        sync: impl FnOnce(&Path, &Path) -> std::io::Result<()> + Send + 'static,
    ) -> std::io::Result<()> {
        let Some(root) = self.folder().map(Path::to_path_buf) else {
            return Ok(());
        };
        let folder = root.join(key);
        tokio::task::spawn_blocking(move || sync(&folder, &root))
            .await
            .map_err(std::io::Error::other)
            .and_then(|synced| synced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fault, FaultyStore, InjectedError, Operation};

    #[tokio::test(start_paused = true)]
    async fn of_a_write_counts_what_can_be_read_back_whatever_was_said() {
        for said in [InjectedError::AlreadyExists, InjectedError::Unavailable] {
            let fault = Fault::ApplyThenFail(said);
            let faulty = FaultyStore::in_memory();
            faulty.on(Operation::Put, "note", 1, fault);
            let store = faulty.store();
            let put = |bytes: &'static [u8]| store.put_if_absent("note", Bytes::from_static(bytes));
            assert!(put(b"mine").await.unwrap(), "{fault:?}: it is there");
            assert!(!put(b"another's").await.unwrap(), "{fault:?}: what is there stays");
            assert!(put(b"mine").await.unwrap(), "{fault:?}: and can be written again");
        }
    }
}
