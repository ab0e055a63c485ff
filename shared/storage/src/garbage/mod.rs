//! Garbage: what no sweep needs, found and freed.
//!
//! What is needed is what the records in `sweeps/` list. Nothing that a sweep lists is ever freed, nor anything that a worker may
//! still be writing; what is freed in a store that others write to is older than a grace, and a note stays in the place of its
//! commit, so that nothing late counts there. A collection that is killed leaves a store that is sound, and the next one goes on.
//!
//! Start reading in [`task_objects`] for what is garbage, in [`collector`] for the order in which it is freed, and in
//! [`announcement`] for why no launch reuses what is being freed.

mod announcement;
mod collected;
mod collector;
mod datasets;
mod free_task;
mod leftovers;
mod needed;
mod removal;
mod space;
mod stored_sweeps;
mod task_objects;

use std::time::{Duration, Instant};

pub use self::announcement::CollectionMark;
pub use self::collected::{Collected, Freed};
use self::collector::Collector;
pub use self::needed::Needed;
pub use self::space::Space;
use crate::{CommitMode, Result, Store};

/// Who may be writing to a store while its garbage is collected, beside those who collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherWriters {
    /// Nobody: whoever collects keeps all others out.
    None,
    /// Workers, perhaps, that nobody here knows of. What is younger than the grace stays.
    Possible {
        /// How long something may lie before whoever wrote it has done what it is for.
        grace: Duration,
    },
}

/// How garbage is collected.
#[derive(Debug, Clone, Copy)]
pub struct GarbageCollection {
    /// Whether it is only counted.
    pub is_dry_run: bool,
    /// Whether contents of data sets are looked at, too.
    pub with_datasets: bool,
    /// Who else may be writing.
    pub other_writers: OtherWriters,
    /// How commits are written to the store, as notes are that take their place; none where whoever collects may not write them.
    pub commits: Option<CommitMode>,
}

impl Store {
    /// Finds what no sweep needs, and frees it. It looks for as long as `budget` says, at the shards of tasks behind `after`, and
    /// says where the next call goes on. `known` is what somebody needs beside the sweeps that are stored: what a journal knows.
    /// May be called again at any time, also after an error.
    ///
    /// # Errors
    /// If the store can't be read or written. What was freed until then is freed.
    pub async fn collect_garbage(
        &self,
        collection: &GarbageCollection,
        known: Needed,
        after: Option<u8>,
        budget: Duration,
    ) -> Result<Collected> {
        let began = Instant::now();
        let mut collector = Collector::begin(self, *collection, known).await?;
        for shard in 0..=u8::MAX {
            if after.is_some_and(|after| shard <= after) {
                continue;
            }
            collector.collect_shard(shard).await?;
            if began.elapsed() >= budget && shard < u8::MAX {
                return Ok(collector.collected(Some(shard)));
            }
        }
        if collection.with_datasets {
            collector.collect_datasets().await?;
        }
        collector.collect_leftovers().await?;
        Ok(collector.collected(None))
    }
}
