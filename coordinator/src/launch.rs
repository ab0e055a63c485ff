//! From a sweep file's text to a plan that can be launched: parsed, its data found, expanded, and held against the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use basin_domain::data::{self, Contents, Dataset, SplitSizes};
use basin_domain::digest::Digest;
use basin_domain::id::{DatasetName, TaskId};
use basin_domain::sweep::{
    DatasetContents, Datasets, Source, SweepErrors, SweepFile, SweepPlan, WrittenNeeds,
};
use basin_storage::{
    CollectionMark, Commit, DatasetVersions, FoundCommits, StorageError, Store, SweepRecord,
    UnresolvedDataset,
};

/// A plan with what the store already holds of it.
#[derive(Debug)]
pub struct PreparedSweep {
    /// The plan.
    pub plan: SweepPlan,
    /// What its file says that workers need.
    pub needs: Vec<WrittenNeeds>,
    /// The digests of its data sets.
    pub datasets: Datasets,
    /// How many examples they have, by their digests, where that is known.
    pub examples: HashMap<Digest, SplitSizes>,
    /// What those hold that lie in the store, as far as it is known.
    pub contents: DatasetContents,
    /// The commits of those of its tasks that are done.
    pub committed: HashMap<TaskId, Commit>,
    /// The defects in the store in the places of other tasks' commits.
    pub damaged: BTreeMap<TaskId, String>,
    /// The last collection of garbage before any of that was looked up.
    pub collection: CollectionMark,
}

impl PreparedSweep {
    /// What a data set holds that lies in the store, as far as it is known.
    pub fn stored_contents(&self, dataset: &Dataset) -> Option<Contents> {
        let mut known = self.contents.iter();
        let found = known.find(|(reference, _)| {
            reference.name == dataset.name && self.datasets.get(*reference) == Some(&dataset.digest)
        });
        found.map(|(_, contents)| contents.clone())
    }
}

/// Why a sweep can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The sweep file can't be run.
    #[error(transparent)]
    Sweep(#[from] SweepErrors),
    /// The sweep has more tasks than it may have.
    #[error(transparent)]
    TooManyTasks(SweepErrors),
    /// The store can't be read.
    #[error("the store can't be read")]
    Storage(#[from] StorageError),
    /// The store's versions of a data set don't say which contents are meant.
    #[error(transparent)]
    Dataset(#[from] UnresolvedDataset),
}

/// Parses, finds the data, expands, and looks up what is committed.
///
/// # Errors
/// If the file is wrong, its data isn't there, it is too large, or the store can't be read.
pub async fn prepare(store: &Store, source: &Source, max_tasks: u64) -> Result<PreparedSweep, PrepareError> {
    let collection = store.last_collection().await?;
    // A large file takes a while to read, and to expand, which is none of the calls' that are answered meanwhile.
    let read = source.clone();
    let file = on_blocking_thread(move || SweepFile::parse(&read)).await?;
    let datasets = datasets(store, &file).await?;
    let contents = dataset_contents(store, &datasets).await?;
    let examples = datasets.iter().filter_map(|(reference, digest)| {
        let built_in = || Contents::of_built_in(reference.name.as_str());
        let contents = contents.get(reference).cloned().or_else(built_in)?;
        Some((*digest, contents.sizes))
    });
    let examples = examples.collect();
    let needs = file.needs();
    let file = file.with_contents(contents.clone());
    let file = match file.datasets().iter().all(|wanted| datasets.contains_key(wanted)) {
        true => file,
        // One isn't there: the error will say which are.
        false => file.with_names(names(store).await?),
    };
    let (plan, datasets) =
        on_blocking_thread(move || (expanded(&file, &datasets, max_tasks), datasets)).await;
    let plan = plan?;
    let ids: Vec<TaskId> = plan.runs().map(|task| task.id).collect();
    let FoundCommits { commits: committed, damaged, withdrawn: _ } = store.find_commits(&ids).await?;
    Ok(PreparedSweep { plan, needs, datasets, examples, contents, committed, damaged, collection })
}

/// The plan of a sweep that was launched before, with the data sets that it was launched with.
///
/// # Errors
/// If this version of the program can't expand its file any more, or the store can't be read.
pub async fn plan_again(
    store: &Store,
    record: &SweepRecord,
    max_tasks: u64,
) -> Result<SweepPlan, PrepareError> {
    let contents = dataset_contents(store, &record.datasets).await?;
    let (source, datasets) = (record.source.clone(), record.datasets.clone());
    on_blocking_thread(move || {
        let file = SweepFile::parse(&source)?.with_contents(contents);
        expanded(&file, &datasets, max_tasks)
    })
    .await
}

fn expanded(file: &SweepFile, datasets: &Datasets, max_tasks: u64) -> Result<SweepPlan, PrepareError> {
    let is_too_large = file.task_count() > u128::from(max_tasks);
    file.expand(datasets, max_tasks).map_err(|error| match is_too_large {
        true => PrepareError::TooManyTasks(error),
        false => PrepareError::Sweep(error),
    })
}

/// Computes something on a thread that may be busy for long.
pub(crate) async fn on_blocking_thread<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(compute).await {
        Ok(computed) => computed,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends cancels it, and ends this with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The digests of the data sets that a sweep reads, as far as they are to be had.
async fn datasets(store: &Store, file: &SweepFile) -> Result<Datasets, PrepareError> {
    let mut found = Datasets::new();
    let mut wanted = file.datasets();
    wanted.retain(|reference| match data::made_digest(reference) {
        Some(digest) => found.insert(reference.clone(), digest).is_some(),
        None => true,
    });
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut seen: BTreeMap<DatasetName, DatasetVersions> = BTreeMap::new();
    for reference in wanted {
        let name = &reference.name;
        if !seen.contains_key(name) {
            seen.insert(name.clone(), store.dataset_versions(name).await?);
        }
        if let Some(stored) = seen[name].resolve(&reference)? {
            found.insert(reference, stored.dataset.digest);
        }
    }
    Ok(found)
}

/// What the data sets hold that lie in the store.
async fn dataset_contents(store: &Store, datasets: &Datasets) -> Result<DatasetContents, PrepareError> {
    let mut contents = DatasetContents::new();
    for (reference, &digest) in datasets {
        if data::made_digest(reference).is_some() {
            continue;
        }
        let dataset = Dataset { name: reference.name.clone(), digest };
        if let Some(found) = store.dataset_contents(&dataset).await? {
            contents.insert(reference.clone(), found);
        }
    }
    Ok(contents)
}

/// The names of the data sets that are there.
async fn names(store: &Store) -> Result<BTreeSet<DatasetName>, PrepareError> {
    let stored = store.list_datasets().await?.into_iter().map(|stored| stored.dataset.name);
    let built_in = data::BUILT_IN.iter().filter_map(|(name, _)| DatasetName::new(*name).ok());
    Ok(stored.chain(built_in).collect())
}
