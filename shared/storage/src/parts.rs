//! Large files in parts: several under way at once, each tried again by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::retry::{RetryContext, RetryFailure, RetryPolicy};
use object_store::{MultipartUpload, PutMultipartOptions};
use tokio::fs::File;
use tokio::task::JoinSet;

use crate::contents::ContentsHasher;
use crate::transfer::{PART, read_part, unreadable};
use crate::{Contents, Result, Retry, Store, StoreCall};

/// Parts of one file under way at once.
const PARTS_OF_A_FILE: usize = 4;
/// Stores take 10,000 parts at most.
const MOST_PARTS: u64 = 9_000;

/// Tries a part again as a call of its own would be. Without it, one answer of 503 among a hundred parts would send the
/// whole file again.
#[derive(Debug)]
struct PartRetry(Retry);

#[async_trait]
impl RetryPolicy for PartRetry {
    async fn retry(&self, context: RetryContext) -> bool {
        let passes = match context.failure {
            RetryFailure::Status(status) => status.is_server_error() || matches!(status.as_u16(), 408 | 429),
            RetryFailure::Transport(_) => true,
            // The enum is open: what isn't known ends the upload, which is tried again as a whole.
            _ => false,
        };
        passes && self.0.wait_after(u32::try_from(context.attempt).unwrap_or(u32::MAX)).await
    }
}

impl Store {
    /// Writes `source`, which is `file` of about `size` bytes, in parts; all of it or nothing.
    pub(crate) async fn put_parts(
        &self,
        key: &str,
        path: &object_store::path::Path,
        file: &Path,
        source: &mut File,
        size: u64,
    ) -> Result<Contents> {
        let part = PART.max(size.div_ceil(MOST_PARTS));
        let timeout = self.retry().timeout_for(part);
        let options = PutMultipartOptions::default().with_retry_policy(Arc::new(PartRetry(*self.retry())));
        let begun = self.objects().put_multipart_opts(path, options);
        let mut upload = self.timed(StoreCall::Put, key, timeout, begun).await?;
        let mut parts = Parts { store: self, key, timeout, under_way: JoinSet::new() };
        let mut contents = ContentsHasher::default();
        let sent = parts.send(&mut *upload, file, source, part, &mut contents).await;
        // Also after an error: no part may arrive at an upload that has been aborted.
        parts.under_way.shutdown().await;
        let done = match sent {
            Ok(()) => self.timed(StoreCall::Put, key, timeout, upload.complete()).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            // The parts would be paid for until somebody removes them; that it fails changes nothing here.
            let _ = self.timed(StoreCall::Put, key, timeout, upload.abort()).await;
            return Err(error.without_condition());
        }
        Ok(contents.finish())
    }
}

/// The parts of one upload.
struct Parts<'a> {
    store: &'a Store,
    key: &'a str,
    timeout: Duration,
    under_way: JoinSet<Result<()>>,
}

impl Parts<'_> {
    /// Reads the source to its end and sends it.
    async fn send(
        &mut self,
        upload: &mut dyn MultipartUpload,
        file: &Path,
        source: &mut File,
        part: u64,
        contents: &mut ContentsHasher,
    ) -> Result<()> {
        loop {
            while self.under_way.len() >= PARTS_OF_A_FILE {
                self.wait_for_one().await?;
            }
            // Parts under way run by themselves, so that a wait for other files' parts ends.
            let permits = Arc::clone(self.store.parts());
            let permit = permits.acquire_owned().await.expect("the permits are never closed");
            let bytes = read_part(source, part).await.map_err(|error| unreadable(file, error))?;
            if bytes.is_empty() {
                break;
            }
            contents.update(&bytes);
            let sending = upload.put_part(bytes.into());
            let (store, key) = (self.store.clone(), self.key.to_owned());
            // Twice, since a part's waits between its tries are within it.
            let timeout = self.timeout * 2;
            self.under_way.spawn(async move {
                let _permit = permit;
                store.timed(StoreCall::Part, &key, timeout, sending).await
            });
        }
        while !self.under_way.is_empty() {
            self.wait_for_one().await?;
        }
        Ok(())
    }

    async fn wait_for_one(&mut self) -> Result<()> {
        match self.under_way.join_next().await {
            None => Ok(()),
            Some(Ok(sent)) => sent,
            Some(Err(lost)) => Err(self.store.unavailable(self.key, lost.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_upload_larger_than_all_permits_ends_and_gives_them_back() {
        let store = Store::open("memory://many-parts").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("large");
        std::fs::write(&file, vec![7; 11 * (PART as usize) + 1]).unwrap();
        let uploads = futures::future::join_all(["a", "b", "c"].map(|key| store.put_file(key, &file))).await;
        let first = uploads.into_iter().map(|contents| contents.unwrap()).next().unwrap();
        assert_eq!(store.contents("c").await.unwrap(), first);
        assert_eq!(store.parts().available_permits(), 8);
    }
}
