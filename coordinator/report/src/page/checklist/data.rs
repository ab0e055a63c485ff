//! What a sweep's results tell of its data.

use std::collections::{BTreeMap, BTreeSet};

use basin_charts::number;
use basin_domain::data::{Contents, DataUse, SplitSizes};

use crate::results::Results;
use crate::runs::Run;

/// The name of a run's data, and how many examples it has, if it trains on examples of a data set.
fn dataset(run: &Run) -> Option<(String, Option<SplitSizes>)> {
    let spec = &run.task.spec;
    let is_made = spec.experiment.recipe().is_some();
    let name = spec.data.as_ref().map(|data| data.name.to_string());
    let name = name.or_else(|| is_made.then(|| "made data".to_owned()))?;
    Some((name, run.data.as_ref().map(|contents| contents.sizes)))
}

/// The numbers of training and of test examples.
type Counts = (u64, u64);

/// How many examples each data set has, and how many of them runs use.
pub(super) fn sizes(results: &Results) -> Vec<String> {
    let mut limits: BTreeMap<(String, Option<Counts>), BTreeSet<Counts>> = BTreeMap::new();
    for run in &results.runs {
        let Some((name, sizes)) = dataset(run) else { continue };
        let used = limits.entry((name, sizes.map(|sizes| (sizes.train, sizes.test)))).or_default();
        if let (Some(sizes), Some(data)) = (sizes, run.task.spec.experiment.data_use()) {
            let of = |limit: Option<u64>, all: u64| limit.map_or(all, |limit| limit.min(all));
            used.insert((of(data.train_limit, sizes.train), of(data.test_limit, sizes.test)));
        }
    }
    let both = |(train, test): &Counts| {
        format!("{} training and {} test examples", number::whole(*train as i64), number::whole(*test as i64))
    };
    let mut said: Vec<String> = limits
        .iter()
        .map(|((name, all), used)| {
            let all_in_words =
                all.as_ref().map_or_else(|| "a number of examples that isn't known here".to_owned(), both);
            let fewer: Vec<String> = used.iter().filter(|used| Some(**used) != *all).map(both).collect();
            let beside =
                if fewer.is_empty() { String::new() } else { format!("; runs use {}", fewer.join(", or ")) };
            format!("{name}: {all_in_words}{beside}")
        })
        .collect();
    if said.is_empty() {
        said.push("no data set: inputs and targets follow from the parameters".to_owned());
    } else {
        said.push("no example is used both to train and to test, and none to choose a stopping time or a setting unless the sweep file says so".to_owned());
    }
    said
}

/// What is done to examples before a network sees them.
pub(super) fn treatment(results: &Results) -> Vec<String> {
    let mut said = BTreeSet::new();
    for run in &results.runs {
        let Some(data) = run.task.spec.experiment.data_use() else { continue };
        let DataUse { train_limit, test_limit, label_noise, label_copies, pixels, whitening, .. } = data;
        if train_limit.is_some() || test_limit.is_some() {
            said.insert(
                "limits take the first examples of one shuffled order, the same for every seed".to_owned(),
            );
        }
        if *label_noise > 0.0 || *label_copies > 0 || data.label_matrix.is_some() {
            said.insert(
                "some training labels are replaced at random; the sweep file says how many".to_owned(),
            );
        }
        if *pixels != basin_domain::data::Pixels::AsTheyAre {
            said.insert("the pixels of some runs are replaced; the sweep file says how".to_owned());
        }
        if whitening.is_some() {
            said.insert("examples of some runs are whitened by the training examples' covariance".to_owned());
        }
        said.insert(
            "images are standardised by channel, with mean and deviation of all training images".to_owned(),
        );
    }
    said.into_iter().collect()
}

/// Where the data comes from.
pub(super) fn sources(results: &Results) -> Vec<String> {
    let mut said = BTreeSet::new();
    for run in &results.runs {
        let spec = &run.task.spec;
        let is_made = spec.experiment.recipe().is_some()
            || spec.data.as_ref().is_some_and(|data| Contents::of_built_in(data.name.as_str()).is_some());
        match &spec.data {
            _ if is_made => {
                said.insert("Basin makes data itself, the same bytes everywhere".to_owned());
            }
            Some(data) => {
                said.insert(format!("{}: BLAKE3 {}", data.name, data.digest));
            }
            None => {}
        }
    }
    said.into_iter().collect()
}
