//! What runs were given, in words: data with their sizes, networks, how long they trained, seeds.

use std::collections::BTreeSet;

use basin_charts::number;
use basin_domain::experiment::series::training::PARAMETERS;
use basin_domain::value::Value;

use crate::figures::labels::{self, Labels, Setting};
use crate::figures::names;
use crate::runs::Run;

/// The most values or data sets that are named.
const MAX_NAMED: usize = 6;

/// A setting that is worth a word, and how that reads.
struct Known {
    name: &'static str,
    before: &'static str,
    after: &'static str,
}

const fn known(name: &'static str, before: &'static str, after: &'static str) -> Known {
    Known { name, before, after }
}

/// The settings of training, in the order in which they are said.
const TRAINING: [Known; 9] = [
    known("epochs", "", " epochs"),
    known("steps", "", " steps"),
    known("batch_size", "batch size ", ""),
    known("optimizer.name", "", ""),
    known("optimizer.learning_rate", "learning rate ", ""),
    known("data.label_noise", "label noise ", ""),
    known("resolution", "resolution ", ""),
    known("ratios.count", "", " ratios"),
    known("iterations", "at most ", " iterations of the search"),
];

/// The settings of networks and of functions that are fitted.
const NETWORK: [Known; 6] = [
    known("function", "function ", ""),
    known("model.family", "", ""),
    known("model.conv", "convolutions ", ""),
    known("model.dense", "dense layers ", ""),
    known("hidden", "hidden layers ", ""),
    known("activation", "", ""),
];

/// The data sets of these runs, each with its sizes as the runs used it.
pub(super) fn data(runs: &[&Run]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for run in runs {
        let Some(sentence) = data_of(run) else { continue };
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let more = sentences.len().saturating_sub(MAX_NAMED);
    sentences.truncate(MAX_NAMED);
    if more > 0 {
        sentences.push(format!("and {more} more"));
    }
    sentences
}

fn data_of(run: &Run) -> Option<String> {
    let used = run.task.spec.experiment.data_use()?;
    let name = run.task.spec.data.as_ref().map(|data| data.name.to_string());
    let name = name.or_else(|| used.recipe.as_ref().map(|_| "made by Basin".to_owned()))?;
    let Some(contents) = &run.data else { return Some(name) };
    let limited = |limit: Option<u64>, all: u64| {
        let used = limit.map_or(all, |limit| limit.min(all));
        let of = if used < all { format!(" of {}", number::whole(all as i64)) } else { String::new() };
        format!("{}{of}", number::whole(used as i64))
    };
    Some(format!(
        "{name}: {}, {}; {} training and {} test examples",
        contents.example,
        contents.target,
        limited(used.train_limit, contents.sizes.train),
        limited(used.test_limit, contents.sizes.test),
    ))
}

/// The networks of these runs, with the numbers of their parameters.
pub(super) fn networks(runs: &[&Run]) -> String {
    let mut parts = said(runs, &NETWORK);
    let sizes =
        runs.iter().filter_map(|run| run.metrics()?.last(PARAMETERS.name)).filter(|size| size.is_finite());
    let (low, high) =
        sizes.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), size| (low.min(size), high.max(size)));
    if low == high {
        parts.push(format!("{} parameters", number::significant(low)));
    } else if low < high {
        parts.push(format!("{} to {} parameters", number::significant(low), number::significant(high)));
    }
    parts.join(", ")
}

/// How these runs were trained.
pub(super) fn training(runs: &[&Run]) -> String {
    said(runs, &TRAINING).join(", ")
}

/// Those of `settings` that the runs have; of those that vary, all values or the first ones.
fn said(runs: &[&Run], settings: &[Known]) -> Vec<String> {
    let say = |Known { name, before, after }: &Known| {
        let values: Vec<Setting> = runs.iter().map(|run| names::value_of(run, name)).collect();
        let mut keys = BTreeSet::new();
        let is_said = |value: &&Setting| match value {
            // A setting that changes nothing is not worth a word.
            None => false,
            Some(Value::Float(number)) => *name != "data.label_noise" || *number != 0.0,
            Some(Value::List(items)) => !items.is_empty(),
            Some(_) => true,
        };
        let distinct: Vec<&Setting> =
            values.iter().filter(is_said).filter(|value| keys.insert(labels::key(value))).collect();
        if distinct.is_empty() {
            return None;
        }
        let labels = Labels::of(distinct.iter().copied());
        let mut texts: Vec<String> =
            distinct.iter().take(MAX_NAMED).map(|value| labels.text(value)).collect();
        if distinct.len() > MAX_NAMED {
            texts.push(format!("… ({} values)", distinct.len()));
        }
        Some(format!("{before}{}{after}", texts.join(" or ")))
    };
    settings.iter().filter_map(say).collect()
}

/// The seeds of these runs: `seed 0`, `seeds 0–4`, or how many.
pub(super) fn seeds(runs: &[&Run]) -> String {
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.task.spec.seed).collect();
    let (Some(first), Some(last)) = (seeds.first(), seeds.last()) else { return "no seeds".to_owned() };
    match seeds.len() {
        1 => format!("seed {first}"),
        count if last - first == count as u64 - 1 => format!("seeds {first}–{last}"),
        count if count <= MAX_NAMED => {
            format!("seeds {}", seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
        }
        count => format!("{} seeds", number::whole(count as i64)),
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::data::{Contents, Dataset, built_in_digest};
    use basin_domain::experiment::Experiment;
    use basin_domain::id::DatasetName;

    use super::*;
    use crate::samples;

    #[test]
    fn data_are_said_with_their_sizes_as_they_were_used() {
        let mut runs = samples::images(2, 1);
        for run in &mut runs {
            let Experiment::Classify(classify) = &mut run.task.spec.experiment else { panic!() };
            classify.data.train_limit = Some(2_000);
            let name = DatasetName::new("shapes").unwrap();
            run.task.spec.data = Some(Dataset { name, digest: built_in_digest("shapes").unwrap() });
            run.data = Contents::of_built_in("shapes");
        }
        let runs: Vec<&Run> = runs.iter().collect();
        assert_eq!(
            data(&runs),
            ["shapes: images of 3×32×32, 10 classes; 2,000 of 20,000 training and 4,000 test examples"]
        );
    }

    #[test]
    fn networks_and_training_are_said_with_the_values_that_vary() {
        let runs = samples::points::batch_sizes(3);
        let runs: Vec<&Run> = runs.iter().collect();
        assert_eq!(networks(&runs), "convolutions (16, 32), dense layers (64)");
        assert_eq!(
            training(&runs),
            "30 epochs, batch size 64 or 128 or 256 or 512 or 1,024, adam, learning rate 0.001"
        );
        assert_eq!(seeds(&runs), "seeds 0–2");
        assert_eq!(seeds(&runs[..1]), "seed 0");
        assert_eq!(seeds(&[]), "no seeds");
    }
}
