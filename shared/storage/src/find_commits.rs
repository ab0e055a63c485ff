//! Finds the commits of many tasks, before a launch and for `plan`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use basin_domain::id::TaskId;
use basin_domain::key;
use futures::{StreamExt, TryStreamExt};

use crate::{Commit, CommitState, Result, Store, WithdrawalNote};

/// Calls under way at once.
const CONCURRENT: usize = 64;
/// From this many tasks of one shard on, the shard's folders are listed before any commit is asked for.
const LIST_FROM: usize = 4;

/// The states of the places of many tasks' commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundCommits {
    /// The commits, by task.
    pub commits: HashMap<TaskId, Commit>,
    /// The errors where there is neither a commit nor nothing.
    pub damaged: BTreeMap<TaskId, String>,
    /// Where a commit was withdrawn, and none has taken its place.
    pub withdrawn: BTreeMap<TaskId, WithdrawalNote>,
}

impl Store {
    /// The commits of those of `tasks` that have one, and the places of those where something else is. One that is damaged
    /// hides no other.
    ///
    /// Tasks lie in 256 shards by the first two digits of their id. Where several are wanted from one shard, its folders
    /// are listed (one call for a thousand), and only tasks that have a folder are asked for their commit: a new sweep of
    /// 100,000 tasks costs 256 calls and not 100,000.
    ///
    /// # Errors
    /// As [`Store::read_commit_state`], the first that is met.
    pub async fn find_commits(&self, tasks: &[TaskId]) -> Result<FoundCommits> {
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
        let mut states =
            futures::stream::iter(present.into_iter().flatten())
                .map(|task| async move {
                    Ok::<_, crate::StorageError>((task, self.read_commit_state(&task).await?))
                })
                .buffer_unordered(CONCURRENT);
        let mut found = FoundCommits::default();
        while let Some((task, state)) = states.try_next().await? {
            match state {
                CommitState::Empty => {}
                CommitState::Committed(commit) | CommitState::CommittedWithoutDigest(commit) => {
                    found.commits.insert(task, commit);
                }
                CommitState::Withdrawn(note) => {
                    found.withdrawn.insert(task, note);
                }
                CommitState::Damaged { why } => {
                    found.damaged.insert(task, why);
                }
            }
        }
        Ok(found)
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
