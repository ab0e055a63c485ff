//! How many examples the data sets of a sweep have, and how many of them its runs are tested on.

use std::collections::BTreeMap;

use basin_domain::data::{Contents, Dataset, SplitSizes};
use basin_domain::experiment::Experiment;
use basin_domain::task::TaskSpec;
use basin_storage::{StorageError, Store};

use super::error::is_of_this_object;

/// The sizes of data sets, of those whose sizes are known.
pub type SizesByDataset = BTreeMap<Dataset, SplitSizes>;

/// The sizes of data sets, as far as they are known.
pub(super) struct DatasetSizes(SizesByDataset);

impl DatasetSizes {
    /// Reads the headers of the data sets of these tasks that Basin doesn't make itself.
    ///
    /// # Errors
    /// If the store can't be reached. A data set that isn't there, or is damaged, is no error: its size isn't known.
    pub(super) async fn read<'a>(
        store: &Store,
        tasks: impl Iterator<Item = &'a TaskSpec>,
    ) -> Result<Self, StorageError> {
        let mut asked: BTreeMap<&Dataset, Option<SplitSizes>> = BTreeMap::new();
        for spec in tasks {
            let Some(dataset) = &spec.data else { continue };
            if asked.contains_key(dataset) {
                continue;
            }
            let sizes = match made(spec) {
                Some(contents) => Some(contents.sizes),
                None => match store.dataset_contents(dataset).await {
                    Ok(contents) => contents.map(|contents| contents.sizes),
                    Err(error) if is_of_this_object(&error) => None,
                    Err(error) => return Err(error),
                },
            };
            asked.insert(dataset, sizes);
        }
        let known = asked.into_iter().filter_map(|(dataset, sizes)| Some((dataset.clone(), sizes?)));
        Ok(Self(known.collect()))
    }

    /// All that is known.
    pub(super) fn into_datasets(self) -> SizesByDataset {
        self.0
    }

    /// The number of test examples of a task that trains on a data set, if it is known.
    pub(super) fn test_examples(&self, spec: &TaskSpec) -> Option<u64> {
        let all = made(spec).map(|contents| contents.sizes.test);
        let all = all.or_else(|| Some(self.0.get(spec.data.as_ref()?)?.test))?;
        match &spec.experiment {
            Experiment::Classify(_) | Experiment::Regress(_) => {
                Some(spec.experiment.data_use()?.test_limit.map_or(all, |limit| limit.min(all)))
            }
            // They look at as many examples of the data set as they are told, or at none.
            Experiment::FitFunction(_)
            | Experiment::CriticalPoint(_)
            | Experiment::Interpolate(_)
            | Experiment::Surface(_)
            | Experiment::Command(_)
            | Experiment::Custom(_) => None,
        }
    }
}

/// What the data set of a task holds that Basin makes itself.
fn made(spec: &TaskSpec) -> Option<Contents> {
    spec.experiment
        .recipe()
        .map(Contents::of_recipe)
        .or_else(|| Contents::of_built_in(spec.data.as_ref()?.name.as_str()))
}

#[cfg(test)]
mod tests {
    use basin_domain::data::built_in_digest;
    use basin_domain::id::DatasetName;

    use super::*;
    use crate::samples;

    /// A task on the data set of this name, with so many test examples.
    fn task(name: &str, limit: Option<u64>) -> TaskSpec {
        let mut spec = samples::images(1, 1).remove(0).task.spec;
        let Experiment::Classify(classify) = &mut spec.experiment else { panic!() };
        classify.data.test_limit = limit;
        let digest = built_in_digest("shapes").unwrap();
        spec.data = Some(Dataset { name: DatasetName::new(name).unwrap(), digest });
        spec
    }

    #[test]
    fn a_run_is_tested_on_all_examples_or_on_as_many_as_it_was_told() {
        let sizes = DatasetSizes(BTreeMap::new());
        assert_eq!(sizes.test_examples(&task("shapes", None)), Some(4_000));
        assert_eq!(sizes.test_examples(&task("shapes", Some(500))), Some(500));
        assert_eq!(sizes.test_examples(&task("shapes", Some(5_000))), Some(4_000));
        assert_eq!(sizes.test_examples(&task("cifar10", Some(500))), None, "the data set isn't at hand");
        let known = task("cifar10", Some(500));
        let sizes =
            DatasetSizes([(known.data.clone().unwrap(), SplitSizes { train: 50_000, test: 10_000 })].into());
        assert_eq!(
            (sizes.test_examples(&known), sizes.test_examples(&task("cifar10", None))),
            (Some(500), Some(10_000))
        );
    }

    #[tokio::test]
    async fn a_data_set_that_is_not_in_the_store_has_no_known_size() {
        let store = Store::open("memory://sizes").unwrap();
        let tasks = [task("cifar10", None), task("shapes", None)];
        let sizes = DatasetSizes::read(&store, tasks.iter()).await.unwrap();
        assert_eq!((sizes.test_examples(&tasks[0]), sizes.test_examples(&tasks[1])), (None, Some(4_000)));
        let known: Vec<String> =
            sizes.into_datasets().into_keys().map(|dataset| dataset.name.to_string()).collect();
        assert_eq!(known, ["shapes"]);
    }
}
