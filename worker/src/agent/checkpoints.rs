//! A running task's checkpoints on their way into the store: one at a time, and of those that wait the newest alone.
//!
//! Training doesn't wait for them, nor does whatever else is heard of the task: a store that is down for long would hold
//! up a finished result behind checkpoints that nobody needs any more.

use std::path::Path;

use basin_proto::executor::Checkpointed;
use basin_storage::AttemptWriter;
use basin_traces::{Part, Span};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::executor_process::within;

/// The checkpoints of one attempt.
pub(super) struct Checkpoints<'a> {
    writer: &'a AttemptWriter,
    scratch: &'a Path,
    under_way: Option<BoxFuture<'a, Kept>>,
    next: Option<Checkpointed>,
    /// From the first one on; their spans are its children.
    trace: Option<Span>,
}

/// A checkpoint's number, and whether the store has it.
pub(super) type Kept = (u64, anyhow::Result<()>);

impl<'a> Checkpoints<'a> {
    pub(super) fn new(writer: &'a AttemptWriter, scratch: &'a Path) -> Self {
        Self { writer, scratch, under_way: None, next: None, trace: None }
    }

    /// The executor wrote one. It takes the place of one that waits.
    pub(super) fn push(&mut self, told: Checkpointed) {
        if self.under_way.is_none() {
            self.under_way = Some(self.begin(told));
        } else if let Some(older) = self.next.replace(told)
            && let Ok(path) = within(self.scratch, &older.path)
        {
            let _ = std::fs::remove_file(path);
        }
    }

    /// The result of the upload under way; pends while there is none. Cancel-safe.
    pub(super) async fn kept(&mut self) -> Kept {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let kept = under_way.await;
        self.under_way = None;
        if let Some(next) = self.next.take() {
            self.under_way = Some(self.begin(next));
        }
        kept
    }

    fn begin(&mut self, told: Checkpointed) -> BoxFuture<'a, Kept> {
        let all = self.trace.get_or_insert_with(|| Span::child(Part::Agent, "agent.checkpoints"));
        let span = all.within(|| Span::child(Part::Agent, "agent.checkpoint"));
        let (writer, scratch) = (self.writer, self.scratch);
        async move {
            let (number, kept) = span.follow(keep(writer, scratch, told)).await;
            span.note_count("basin.checkpoint", number);
            if let Err(error) = &kept {
                span.fail(format!("{error:#}"));
            }
            (number, kept)
        }
        .boxed()
    }

    /// Waits for the one under way alone: the task is trained, and those that wait are of no more use.
    pub(super) async fn finish_under_way(&mut self) {
        self.next = None;
        self.finish().await;
    }

    /// Waits for all: nothing more comes, and what is there is what the task goes on from.
    pub(super) async fn finish(&mut self) {
        while self.under_way.is_some() {
            let (number, kept) = self.kept().await;
            if let Err(error) = kept {
                tracing::warn!(number, %error, "a checkpoint could not be kept");
            }
        }
    }
}

async fn keep(writer: &AttemptWriter, scratch: &Path, told: Checkpointed) -> Kept {
    let kept = async {
        let path = within(scratch, &told.path)?;
        let digest = told.digest.as_deref().map(str::parse).transpose()?;
        let put = writer.put_checkpoint_file(told.number, &path, digest).await;
        // Also if it wasn't taken: a store that is down for long would fill the disk.
        tokio::fs::remove_file(&path).await?;
        Ok(put?)
    };
    (told.number, kept.await)
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;
    use basin_domain::id::{Attempt, LeaseId, TaskId};
    use basin_storage::Store;
    use basin_storage::testing::{Fault, FaultyStore, InjectedError, Operation};

    use super::*;

    #[tokio::test]
    async fn of_checkpoints_that_wait_the_newest_is_kept_and_no_file_is_left() {
        let scratch = tempfile::tempdir().unwrap();
        let store = Store::open("memory://checkpoints-of-an-attempt").unwrap();
        let task: TaskId = "ab".repeat(32).parse().unwrap();
        let writer = AttemptWriter::new(store.clone(), task, Attempt(1), LeaseId::new("l").unwrap());
        let mut checkpoints = Checkpoints::new(&writer, scratch.path());
        for number in 1..=5 {
            let path = scratch.path().join(format!("checkpoint-{number}"));
            std::fs::write(&path, number.to_string()).unwrap();
            checkpoints.push(Checkpointed {
                number,
                path: path.to_string_lossy().into_owned(),
                digest: None,
            });
        }
        let (number, kept) = checkpoints.kept().await;
        assert_eq!((number, kept.is_ok()), (1, true));
        checkpoints.finish().await;
        assert_eq!(store.newest_checkpoint(&task).await.unwrap().unwrap().number, 5);
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    fn writer(store: &Store) -> AttemptWriter {
        let task: TaskId = "ab".repeat(32).parse().unwrap();
        AttemptWriter::new(store.clone(), task, Attempt(1), LeaseId::new("l").unwrap())
    }

    fn written(scratch: &Path, number: u64) -> Checkpointed {
        let path = scratch.join(format!("checkpoint-{number}"));
        std::fs::write(&path, number.to_string()).unwrap();
        let digest = Some(Digest::of(number.to_string().as_bytes()).to_string());
        Checkpointed { number, path: path.to_string_lossy().into_owned(), digest }
    }

    #[tokio::test]
    async fn a_checkpoint_that_changed_on_the_disk_is_not_kept_and_the_one_before_it_counts() {
        let (scratch, store) = (tempfile::tempdir().unwrap(), FaultyStore::in_memory().store());
        let writer = writer(&store);
        let mut checkpoints = Checkpoints::new(&writer, scratch.path());
        checkpoints.push(written(scratch.path(), 1));
        assert!(checkpoints.kept().await.1.is_ok());
        let second = written(scratch.path(), 2);
        std::fs::write(&second.path, "3").unwrap();
        checkpoints.push(second);
        let error = checkpoints.kept().await.1.unwrap_err();
        let error: &basin_storage::StorageError = error.downcast_ref().unwrap();
        assert!(matches!(error, basin_storage::StorageError::OtherContents { .. }), "{error}");
        let task: TaskId = "ab".repeat(32).parse().unwrap();
        assert_eq!(store.newest_checkpoint(&task).await.unwrap().unwrap().number, 1);
    }

    #[tokio::test]
    async fn a_checkpoint_that_the_store_does_not_take_leaves_no_file_and_the_next_is_kept() {
        let (scratch, faults) = (tempfile::tempdir().unwrap(), FaultyStore::in_memory());
        faults.on(Operation::Put, "checkpoint", 1, Fault::Fail(InjectedError::Full));
        let writer = writer(&faults.store());
        let mut checkpoints = Checkpoints::new(&writer, scratch.path());
        checkpoints.push(written(scratch.path(), 1));
        let (number, kept) = checkpoints.kept().await;
        let error = kept.unwrap_err();
        let error: &basin_storage::StorageError = error.downcast_ref().unwrap();
        assert_eq!((number, error.outage().is_some()), (1, true));
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
        checkpoints.push(written(scratch.path(), 2));
        assert_eq!(checkpoints.kept().await.0, 2);
        let pending = tokio::time::timeout(std::time::Duration::from_millis(5), checkpoints.kept());
        assert!(pending.await.is_err(), "there is nothing more");
    }

    #[tokio::test]
    async fn a_finished_task_waits_for_the_checkpoint_under_way_and_for_no_other() {
        let (scratch, store) = (tempfile::tempdir().unwrap(), FaultyStore::in_memory().store());
        let writer = writer(&store);
        let mut checkpoints = Checkpoints::new(&writer, scratch.path());
        checkpoints.push(written(scratch.path(), 1));
        checkpoints.push(written(scratch.path(), 2));
        checkpoints.finish_under_way().await;
        let task: TaskId = "ab".repeat(32).parse().unwrap();
        assert_eq!(store.newest_checkpoint(&task).await.unwrap().unwrap().number, 1);
    }

    #[tokio::test]
    async fn a_file_outside_the_folder_is_neither_read_nor_removed() {
        let (scratch, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = FaultyStore::in_memory().store();
        let writer = writer(&store);
        let mut checkpoints = Checkpoints::new(&writer, scratch.path());
        for number in 1..=3 {
            checkpoints.push(written(other.path(), number));
        }
        assert!(checkpoints.kept().await.1.unwrap_err().to_string().contains("outside its folder"));
        checkpoints.finish().await;
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 3);
    }
}
