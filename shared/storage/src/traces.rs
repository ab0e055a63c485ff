//! The traces that attempts have left in a store, whatever became of them.

use basin_domain::id::Attempt;
use basin_domain::key::{self, TaskObject};
use futures::{StreamExt, TryStreamExt};

use crate::{Result, Store};

/// Shards that are listed at once.
const CONCURRENT: usize = 16;

impl Store {
    /// The highest number of an attempt of which anything is in the store, at whatever task; none if nothing is. Lists all objects of all
    /// tasks, a call for a thousand.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn highest_attempt(&self) -> Result<Option<Attempt>> {
        let highest = futures::stream::iter(0..=u8::MAX)
            .map(|first| self.highest_in(key::shard(first)))
            .buffer_unordered(CONCURRENT)
            .try_fold(None::<Attempt>, |highest, of_shard| async move { Ok(highest.max(of_shard)) });
        highest.await
    }

    async fn highest_in(&self, shard: String) -> Result<Option<Attempt>> {
        let numbers = self.list(&shard).await?.into_iter().filter_map(|object| {
            match key::task_object(&object.key)?.1 {
                TaskObject::OfAttempt { number, .. } => Some(number),
                TaskObject::Withdrawn(name) => Some(key::withdrawn_attempt(name)?.0),
                TaskObject::Commit => None,
            }
        });
        Ok(numbers.max())
    }
}
