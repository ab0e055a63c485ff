//! What the data sets of a sweep's runs hold, and how many examples the runs are tested on.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::data::{Contents, Dataset};
use basin_domain::experiment::Experiment;
use basin_domain::task::TaskSpec;
use basin_storage::{StorageError, Store};

use super::error::is_of_this_object;

/// What data sets hold, as far as that is known.
pub(super) struct DatasetContents(BTreeMap<Dataset, Contents>);

impl DatasetContents {
    /// Reads the headers of the data sets of these tasks that Basin doesn't make itself.
    ///
    /// # Errors
    /// If the store can't be reached. A data set that isn't there, or is damaged, is no error: what it holds isn't known.
    pub(super) async fn read<'a>(
        store: &Store,
        tasks: impl Iterator<Item = &'a TaskSpec>,
    ) -> Result<Self, StorageError> {
        let mut known = BTreeMap::new();
        let mut asked = BTreeSet::new();
        for dataset in tasks.filter(|spec| made(spec).is_none()).filter_map(|spec| spec.data.as_ref()) {
            if !asked.insert(dataset) {
                continue;
            }
            match store.dataset_contents(dataset).await {
                Ok(Some(contents)) => {
                    known.insert(dataset.clone(), contents);
                }
                Ok(None) => {}
                Err(error) if is_of_this_object(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self(known))
    }

    /// What the data set of a task holds, if it has one and that is known.
    pub(super) fn of(&self, spec: &TaskSpec) -> Option<Contents> {
        made(spec).or_else(|| self.0.get(spec.data.as_ref()?).cloned())
    }

    /// The number of test examples of a task that trains on a data set, if it is known.
    pub(super) fn test_examples(&self, spec: &TaskSpec) -> Option<u64> {
        let all = self.of(spec)?.sizes.test;
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
    use std::collections::BTreeMap;

    use basin_domain::data::{SplitSizes, built_in_digest};
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
        let sizes = DatasetContents(BTreeMap::new());
        assert_eq!(sizes.test_examples(&task("shapes", None)), Some(4_000));
        assert_eq!(sizes.test_examples(&task("shapes", Some(500))), Some(500));
        assert_eq!(sizes.test_examples(&task("shapes", Some(5_000))), Some(4_000));
        assert_eq!(sizes.test_examples(&task("cifar10", Some(500))), None, "the data set isn't at hand");
        let known = task("cifar10", Some(500));
        let built_in = Contents::of_built_in("shapes").unwrap();
        let contents = Contents { sizes: SplitSizes { train: 50_000, test: 10_000 }, ..built_in };
        let sizes = DatasetContents([(known.data.clone().unwrap(), contents)].into());
        assert_eq!(
            (sizes.test_examples(&known), sizes.test_examples(&task("cifar10", None))),
            (Some(500), Some(10_000))
        );
    }

    #[tokio::test]
    async fn a_data_set_that_is_not_in_the_store_has_no_known_size() {
        let store = Store::open("memory://sizes").unwrap();
        let tasks = [task("cifar10", None), task("shapes", None)];
        let sizes = DatasetContents::read(&store, tasks.iter()).await.unwrap();
        assert_eq!((sizes.test_examples(&tasks[0]), sizes.test_examples(&tasks[1])), (None, Some(4_000)));
    }
}
