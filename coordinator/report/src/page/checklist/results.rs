//! What a sweep's results tell of its experiments.

use std::collections::{BTreeMap, BTreeSet};

use basin_charts::number;
use basin_domain::claim::MeasureKey;
use basin_domain::figure::Drawing;
use basin_domain::id::ExperimentId;

use crate::duplicates::PointNames;
use crate::page::details;
use crate::results::Results;
use crate::runs::{Counts, Run};
use crate::tables::CommittedRun;

/// The most seeds that are listed one by one.
const MAX_LISTED: usize = 10;

/// The runs of each experiment, in the order of the sweep file.
fn by_experiment(results: &Results) -> Vec<(&ExperimentId, Vec<&Run>)> {
    let mut found: Vec<(&ExperimentId, Vec<&Run>)> = Vec::new();
    for run in &results.runs {
        match found.iter_mut().find(|(id, _)| **id == run.task.experiment) {
            Some((_, runs)) => runs.push(run),
            None => found.push((&run.task.experiment, vec![run])),
        }
    }
    found
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number::whole(count as i64), if count == 1 { one } else { many })
}

/// The parameters that each experiment varies.
pub(super) fn hyper_parameters(results: &Results) -> Vec<String> {
    let varied = by_experiment(results).into_iter().filter_map(|(id, runs)| {
        let varied = details::varied(&runs);
        (!varied.is_empty()).then(|| format!("{id}: {varied}"))
    });
    let mut said: Vec<String> = varied.collect();
    said.push(
        "all others are fixed by the sweep file, below, or by the defaults of docs/sweep-file.md".to_owned(),
    );
    said.push("no run was chosen by its result: every point and every seed is reported".to_owned());
    said
}

/// The number of runs of each experiment, how they ended, and their seeds.
pub(super) fn runs(results: &Results) -> Vec<String> {
    let of = |(id, runs): (&ExperimentId, Vec<&Run>)| {
        let counts = Counts::of_tasks(runs.iter().copied());
        let seeds: BTreeSet<u64> = runs.iter().map(|run| run.task.spec.seed).collect();
        let points = counted(PointNames::of(&runs).count(), "point", "points");
        let ends = [(counts.completed, "completed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!(", {} {word}", number::whole(count as i64)));
        let left_out =
            Some(counts.left_out()).filter(|words| !words.is_empty()).map(|words| format!(", {words}"));
        format!(
            "{id}: {}, {points} with {} each{}",
            counted(counts.total(), "run", "runs"),
            counted(seeds.len(), "seed", "seeds"),
            ends.chain(left_out).collect::<String>(),
        )
    };
    let mut said: Vec<String> = by_experiment(results).into_iter().map(of).collect();
    let seeds: BTreeSet<u64> = results.runs.iter().map(|run| run.task.spec.seed).collect();
    if let (Some(first), Some(last)) = (seeds.first(), seeds.last()) {
        let are_in_a_row = last - first + 1 == seeds.len() as u64;
        let listed = if are_in_a_row && seeds.len() > 1 {
            format!("{first} to {last}")
        } else {
            let mut listed: Vec<String> = seeds.iter().take(MAX_LISTED).map(u64::to_string).collect();
            if seeds.len() > MAX_LISTED {
                listed.push(format!("and {} more", seeds.len() - MAX_LISTED));
            }
            listed.join(", ")
        };
        said.push(format!("Seeds: {listed}"));
    }
    said.push("each trained network is evaluated in its own run, where the sweep file says".to_owned());
    said
}

/// The measures that figures show and claims compare.
pub(super) fn measures(results: &Results) -> Vec<String> {
    let mut drawn: BTreeSet<&str> = BTreeSet::new();
    for figure in &results.figures {
        match &figure.drawing {
            Drawing::Curves { y, .. } => drawn.extend(y.iter().map(String::as_str)),
            Drawing::Scatter { x, y, .. } => drawn.extend(y.iter().chain([x]).map(String::as_str)),
            Drawing::Against { y, .. } | Drawing::Interpolation { y, .. } => {
                drawn.extend(y.iter().flatten().map(String::as_str));
            }
            Drawing::Surface { y, .. } => drawn.extend([y.as_str()]),
            Drawing::Predictions | Drawing::Trajectories { .. } | Drawing::Spectrum { .. } => {}
        }
    }
    let checks = results.claims.iter().flat_map(|claim| &claim.checks);
    let claimed: BTreeSet<&str> =
        checks.flat_map(|check| MeasureKey::ALL.into_iter().filter_map(|key| key.of(check))).collect();
    let list = |what: &str, names: BTreeSet<&str>| {
        (!names.is_empty()).then(|| format!("{what}: {}", names.into_iter().collect::<Vec<_>>().join(", ")))
    };
    let mut said: Vec<String> =
        list("in figures", drawn).into_iter().chain(list("in claims", claimed)).collect();
    said.push(
        "docs/sweep-file.md and docs/experiments.md define them, docs/statistics.md what is made of them"
            .to_owned(),
    );
    said
}

/// The middles and intervals that are shown.
pub(super) fn variation(results: &Results) -> Vec<String> {
    let mut said = vec![
        "figures: the mean over seeds, on logarithmic axes the geometric mean, with its 95 % Student t interval; or as the note below \
         the figure says"
            .to_owned(),
    ];
    if !results.claims.is_empty() {
        said.push("claims: the interval that decided, its level and n stand in the table".to_owned());
    }
    said.push("every single run's value stands in results.csv".to_owned());
    said
}

/// How long runs took.
pub(super) fn runtime(results: &Results) -> Vec<String> {
    let mut seconds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for CommittedRun { run, manifest, .. } in CommittedRun::among(&results.runs) {
        let Some(manifest) = manifest else { continue };
        let at = &manifest.provenance;
        let taken = at.finished_unix_ms.saturating_sub(at.started_unix_ms) as f64 / 1e3;
        seconds.entry(run.task.experiment.as_str()).or_default().push(taken);
    }
    if seconds.is_empty() {
        return vec!["not known: nothing is committed".to_owned()];
    }
    let of = |(id, taken): (&&str, &Vec<f64>)| {
        let mean = taken.iter().sum::<f64>() / taken.len() as f64;
        format!("{id}: {} s a run on average", number::rounded(mean, 3))
    };
    let hours = seconds.values().flatten().sum::<f64>() / 3_600.0;
    let total = format!("all runs together: {} h of executors", number::rounded(hours, 3));
    seconds.iter().map(of).chain([total, "attempts that failed aren't counted".to_owned()]).collect()
}

/// The kinds of machines that runs were computed on.
pub(super) fn machines(results: &Results) -> Vec<String> {
    let committed = CommittedRun::among(&results.runs);
    let manifests = || committed.iter().filter_map(|run| run.manifest);
    let hosts: BTreeSet<&str> = manifests().map(|manifest| manifest.provenance.host.as_str()).collect();
    let kinds: BTreeSet<String> = manifests()
        .map(|manifest| {
            let at = &manifest.provenance;
            format!("{} ({}), {}", at.device, at.code_path, counted(at.threads as usize, "thread", "threads"))
        })
        .collect();
    if kinds.is_empty() {
        return vec!["not known: nothing is committed".to_owned()];
    }
    kinds.into_iter().chain([counted(hosts.len(), "host", "hosts")]).collect()
}
