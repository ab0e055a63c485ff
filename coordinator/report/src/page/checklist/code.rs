//! What a sweep's results tell of the models and the code.

use std::collections::{BTreeMap, BTreeSet};

use basin_charts::number;
use basin_domain::experiment::series::training::PARAMETERS;

use crate::page::provenance;
use crate::results::Results;
use crate::tables::CommittedRun;

/// The kind of each experiment, and the sizes of its networks.
pub(super) fn models(results: &Results) -> Vec<String> {
    let mut order: Vec<&str> = Vec::new();
    let mut sizes: BTreeMap<&str, (BTreeSet<&str>, Vec<f64>)> = BTreeMap::new();
    for run in &results.runs {
        let id = run.task.experiment.as_str();
        let (kinds, parameters) = sizes.entry(id).or_insert_with(|| {
            order.push(id);
            (BTreeSet::new(), Vec::new())
        });
        kinds.insert(run.task.spec.experiment.kind());
        parameters.extend(run.metrics().and_then(|metrics| metrics.last(PARAMETERS.name)));
    }
    let of = |id: &str| {
        let (kinds, parameters) = sizes.get(id)?;
        let kinds: Vec<&str> = kinds.iter().copied().collect();
        let low = parameters.iter().copied().reduce(f64::min);
        let high = parameters.iter().copied().reduce(f64::max);
        let whole = |number: f64| number::whole(number as i64);
        let size = match (low, high) {
            (Some(low), Some(high)) if low < high => {
                format!(", {} to {} parameters", whole(low), whole(high))
            }
            (Some(size), _) => format!(", {} parameters", whole(size)),
            (None, _) => String::new(),
        };
        Some(format!("{id}: {}{size}", kinds.join(", ")))
    };
    order.into_iter().filter_map(of).collect()
}

/// The versions of Basin that computed and that report.
pub(super) fn versions(results: &Results) -> Vec<String> {
    let committed = CommittedRun::among(&results.runs);
    let versions: BTreeSet<&str> =
        committed.iter().filter_map(|run| Some(run.manifest?.provenance.basin_version.as_str())).collect();
    let mut said: Vec<String> = versions
        .into_iter()
        .map(|version| format!("computed by basin {version}, one program without further dependencies"))
        .collect();
    let own = results.runs.iter().filter(|run| !run.task.spec.experiment.is_reproducible());
    let own: BTreeSet<&str> = own.map(|run| run.task.experiment.as_str()).collect();
    for experiment in own {
        said.push(format!("{experiment} runs a program that isn't Basin's: its version and what it depends on aren't known here"));
    }
    said.push(format!("reported by basin {}", env!("CARGO_PKG_VERSION")));
    said
}

/// How to run it again.
pub(super) fn again(results: &Results) -> Vec<String> {
    vec![
        provenance::command(&results.sweep.source),
        "the sweep file stands below, with all its settings".to_owned(),
        "on processors the results are the same to the last bit, whatever the machine and the number of threads".to_owned(),
    ]
}

/// What is kept of the trained models.
pub(super) fn models_kept(results: &Results) -> Vec<String> {
    let count = CommittedRun::each_once(&results.runs).len();
    match count {
        0 => vec!["not known: nothing is committed".to_owned()],
        count => {
            vec![format!(
                "the weights of each of {} committed runs are in the store, with their digests",
                number::whole(count as i64)
            )]
        }
    }
}
