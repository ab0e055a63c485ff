//! Which of many tasks are committed: asked before a launch and for `plan`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use basin_domain::id::TaskId;
use basin_domain::key;
use futures::{StreamExt, TryStreamExt};

use crate::{Commit, Result, Store};

/// Calls under way at once.
const CONCURRENT: usize = 64;
/// From this many tasks of one shard on, the shard's folders are listed before any commit is asked for.
const LIST_FROM: usize = 4;

impl Store {
    /// The commits of those of `tasks` that have one.
    ///
    /// Tasks lie in 256 shards by the first two digits of their id. Where several are wanted from one shard, its folders
    /// are listed (one call for a thousand), and only tasks that have a folder are asked for their commit: a new sweep of
    /// 100,000 tasks costs 256 calls and not 100,000.
    ///
    /// # Errors
    /// As [`Store::read_commit`], the first that is met.
    pub async fn find_commits(&self, tasks: &[TaskId]) -> Result<HashMap<TaskId, Commit>> {
        let mut shards: BTreeMap<String, BTreeSet<TaskId>> = BTreeMap::new();
        for task in tasks {
            let folder = key::task(task);
            let (shard, _) = folder.rsplit_once('/').expect("a task's folder lies in its shard");
            shards.entry(shard.to_owned()).or_default().insert(*task);
        }
        let present: Vec<BTreeSet<TaskId>> = futures::stream::iter(shards)
            .map(|(shard, wanted)| self.present_in(shard, wanted))
            .buffer_unordered(CONCURRENT)
            .try_collect()
            .await?;
        futures::stream::iter(present.into_iter().flatten())
            .map(|task| async move { Ok(self.read_commit(&task).await?.map(|commit| (task, commit))) })
            .buffer_unordered(CONCURRENT)
            .try_filter_map(|found| async move { Ok(found) })
            .try_collect()
            .await
    }

    /// Those of `wanted` that may have a commit.
    async fn present_in(&self, shard: String, mut wanted: BTreeSet<TaskId>) -> Result<BTreeSet<TaskId>> {
        if wanted.len() >= LIST_FROM {
            let folders: HashSet<String> = self.list_folders(&shard).await?.into_iter().collect();
            wanted.retain(|task| folders.contains(&task.to_string()));
        }
        Ok(wanted)
    }
}
