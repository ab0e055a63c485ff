//! How much memory executors need for the experiments of a plan: counted from what trains, and corrected by what executors had where it ran.

use std::collections::HashMap;

use basin_coordinator::launch::PreparedSweep;
use basin_domain::id::TaskId;
use basin_domain::memory_use::Deviation;
use basin_domain::placement::ByteSize;
use basin_domain::task::Task;
use basin_storage::{Commit, Manifest, Store};
use futures::StreamExt;
use serde_json::{Value, json};

use super::output::table;

/// Manifests of an experiment that are read, at most: of different tasks, one after the other in the plan.
const SAMPLES: usize = 8;
/// Manifests of all of them.
const ALL_SAMPLES: usize = 64;
/// Manifests that are read at once.
const CONCURRENT: usize = 8;
/// How devices are called that are processors: others have memory of their own.
const PROCESSOR: &str = "cpu";

/// The memory of an executor for each experiment of a plan, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct PlannedMemory(Vec<ExperimentMemory>);

/// The memory of an executor that trains one task of an experiment at a time.
#[derive(Debug, Clone, PartialEq)]
struct ExperimentMemory {
    experiment: String,
    /// The bytes that its largest task is counted to need; none where nobody can.
    counted: Option<u64>,
    /// The most bytes that an executor was seen to have for one of its tasks.
    used: Option<u64>,
    /// How many times as much its tasks used as was counted.
    factor: Option<f64>,
    /// The same of all experiments, one voice each, where nothing of this one was measured.
    common_factor: Option<f64>,
}

/// What an executor had for a task.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measured {
    used: u64,
    counted: Option<u64>,
}

impl PlannedMemory {
    /// That of a plan.
    pub(super) async fn of(store: &Store, prepared: &PreparedSweep) -> Self {
        let runs: Vec<&Task> = prepared.plan.runs().collect();
        let samples = samples(&runs, &prepared.committed);
        let manifests = futures::stream::iter(samples)
            .map(|(task, commit)| async move { (task, store.read_manifest(commit).await.ok()) })
            .buffered(CONCURRENT)
            .collect::<Vec<(&Task, Option<Manifest>)>>()
            .await;
        let mut measured: HashMap<&str, Vec<Measured>> = HashMap::new();
        for (task, manifest) in manifests {
            if let Some(found) = manifest.and_then(|manifest| measured_of(task, &manifest, prepared)) {
                measured.entry(task.experiment.as_str()).or_default().push(found);
            }
        }
        Self::corrected(counted(&runs, prepared), &measured)
    }

    /// What was counted of each experiment, corrected by what was measured.
    fn corrected(counted: Vec<(String, Option<u64>)>, measured: &HashMap<&str, Vec<Measured>>) -> Self {
        let of_experiment = |(experiment, counted): (String, Option<u64>)| {
            let of = measured.get(experiment.as_str()).map_or(&[][..], Vec::as_slice);
            let factors = of.iter().filter_map(|it| Some(it.used as f64 / it.counted? as f64));
            ExperimentMemory {
                counted,
                used: of.iter().map(|it| it.used).max(),
                factor: geometric_mean(factors),
                common_factor: None,
                experiment,
            }
        };
        let mut all: Vec<ExperimentMemory> = counted.into_iter().map(of_experiment).collect();
        let common_factor = geometric_mean(all.iter().filter_map(|it| it.factor));
        all.iter_mut().for_each(|it| it.common_factor = common_factor);
        Self(all)
    }

    /// The table for people; empty if nothing is known. `share` is what each executor of this machine may have, if that is known, and
    /// `is_open` whether anything of an experiment is to be done.
    pub(super) fn text(&self, share: Option<u64>, is_open: impl Fn(&str) -> bool) -> String {
        let known: Vec<&ExperimentMemory> =
            self.0.iter().filter(|it| it.expected().is_some() || it.used.is_some()).collect();
        if known.is_empty() {
            return String::new();
        }
        let size =
            |bytes: Option<u64>| bytes.map_or_else(String::new, |bytes| ByteSize(rounded(bytes)).to_string());
        let rows: Vec<Vec<String>> = known
            .iter()
            .map(|it| {
                let deviation = it.factor.map_or_else(String::new, |factor| Deviation(factor).to_string());
                vec![it.experiment.clone(), size(it.expected()), size(it.counted), size(it.used), deviation]
            })
            .collect();
        let header = ["memory of", "an executor", "predicted", "used at most", "used against predicted"];
        let mut text = format!("\n{}", table(&header, &rows));
        for it in known.iter().filter(|it| is_open(&it.experiment)) {
            if let (Some(expected), Some(share)) = (it.expected(), share)
                && expected > share
            {
                text.push_str(&format!(
                    "{} needs more than the {} that each executor of this machine may have: fewer of them with `--workers`\n",
                    it.experiment,
                    ByteSize(rounded(share))
                ));
            }
        }
        text
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Vec<Value> {
        let of_experiment = |it: &ExperimentMemory| {
            json!({ "experiment": it.experiment, "expected_bytes": it.expected(), "predicted_bytes": it.counted,
                "used_bytes": it.used, "factor": it.factor })
        };
        self.0.iter().map(of_experiment).collect()
    }
}

impl ExperimentMemory {
    /// The bytes that an executor is expected to need: what is counted, corrected by what was measured, and no less than what was used.
    fn expected(&self) -> Option<u64> {
        let factor = self.factor.or(self.common_factor).unwrap_or(1.0);
        let corrected = self.counted.map(|counted| (counted as f64 * factor) as u64);
        corrected.max(self.used)
    }
}

/// The largest count of each experiment's tasks, in the order of the file. Tasks that differ in their seed alone follow each other, and are
/// counted once.
fn counted(runs: &[&Task], prepared: &PreparedSweep) -> Vec<(String, Option<u64>)> {
    let mut all: Vec<(String, Option<u64>)> = Vec::new();
    let mut last: Option<&Task> = None;
    for &task in runs {
        let is_like = |other: &Task| is_alike(other, task);
        if last.is_some_and(is_like) {
            continue;
        }
        last = Some(task);
        let name = task.experiment.as_str();
        let memory = counted_of(task, prepared, 1);
        match all.iter_mut().rev().find(|(experiment, _)| experiment == name) {
            Some((_, most)) => *most = memory.max(*most),
            None => all.push((name.to_owned(), memory)),
        }
    }
    all
}

fn is_alike(one: &Task, other: &Task) -> bool {
    one.experiment == other.experiment
        && one.spec.experiment == other.spec.experiment
        && one.spec.data == other.spec.data
}

fn counted_of(task: &Task, prepared: &PreparedSweep, lanes: u32) -> Option<u64> {
    let contents = task.spec.contents(|dataset| prepared.stored_contents(dataset));
    task.spec.experiment.executor_memory(contents.as_ref(), lanes)
}

/// Committed tasks whose manifests tell what executors had: some of each experiment, no two that differ in their seed alone.
fn samples<'a>(runs: &[&'a Task], committed: &'a HashMap<TaskId, Commit>) -> Vec<(&'a Task, &'a Commit)> {
    let mut samples: Vec<(&Task, &Commit)> = Vec::new();
    let mut of_experiment: HashMap<&str, usize> = HashMap::new();
    for &task in runs {
        let Some(commit) = committed.get(&task.id) else { continue };
        let count = of_experiment.entry(task.experiment.as_str()).or_default();
        let is_known = samples.last().is_some_and(|(other, _)| is_alike(other, task));
        if is_known || *count >= SAMPLES {
            continue;
        }
        *count += 1;
        samples.push((task, commit));
        if samples.len() >= ALL_SAMPLES {
            break;
        }
    }
    samples
}

/// What the executor of a committed attempt had, on a processor, if it tells anything.
fn measured_of(task: &Task, manifest: &Manifest, prepared: &PreparedSweep) -> Option<Measured> {
    let provenance = &manifest.provenance;
    if provenance.device != PROCESSOR {
        return None;
    }
    let used = provenance.memory?.used()?;
    Some(Measured { used, counted: counted_of(task, prepared, provenance.lanes) })
}

/// None of no numbers.
fn geometric_mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for number in numbers.filter(|number| number.is_finite() && *number > 0.0) {
        sum += number.ln();
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// To a mebibyte, which is finer than it is known.
fn rounded(bytes: u64) -> u64 {
    const MEBIBYTE: u64 = 1 << 20;
    if bytes < MEBIBYTE { bytes } else { bytes.saturating_add(MEBIBYTE / 2) / MEBIBYTE * MEBIBYTE }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn planned(measured: &[(&'static str, u64, u64)]) -> PlannedMemory {
        let counted = [("a", Some(200)), ("b", Some(400)), ("c", None)];
        let counted = counted.map(|(name, bytes)| (name.to_owned(), bytes.map(|bytes| bytes * MIB))).to_vec();
        let mut by_name: HashMap<&str, Vec<Measured>> = HashMap::new();
        for &(name, used, counted) in measured {
            let counted = (counted > 0).then_some(counted * MIB);
            by_name.entry(name).or_default().push(Measured { used: used * MIB, counted });
        }
        PlannedMemory::corrected(counted, &by_name)
    }

    fn expected(planned: &PlannedMemory) -> Vec<Option<u64>> {
        planned.0.iter().map(|it| it.expected().map(|bytes| rounded(bytes) / MIB)).collect()
    }

    #[test]
    fn what_was_used_corrects_what_is_counted_of_its_experiment_and_of_those_that_never_ran() {
        assert_eq!(expected(&planned(&[])), [Some(200), Some(400), None]);
        assert_eq!(expected(&planned(&[("a", 180, 200)])), [Some(180), Some(360), None]);
        // Half and twice of what was counted: in the mean as much.
        let both = planned(&[("a", 50, 100), ("a", 200, 100), ("b", 800, 400)]);
        assert_eq!(expected(&both), [Some(200), Some(800), None]);
        assert_eq!(
            expected(&planned(&[("c", 70, 0)])),
            [Some(200), Some(400), Some(70)],
            "nobody can count it"
        );
    }

    #[test]
    fn a_task_that_used_more_than_the_mean_counts_itself() {
        let planned = planned(&[("a", 100, 200), ("a", 190, 200)]);
        assert_eq!(expected(&planned)[0], Some(190));
    }

    #[test]
    fn people_see_both_and_programs_all() {
        let planned = planned(&[("a", 188, 200)]);
        let text = planned.text(Some(370 * MIB), |name| name != "a");
        let expected = [
            "",
            "memory of  an executor  predicted  used at most  used against predicted",
            "a          188 MiB      200 MiB    188 MiB       −6 %",
            "b          376 MiB      400 MiB",
            "b needs more than the 370 MiB that each executor of this machine may have: fewer of them with `--workers`",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(planned.json()[0]["used_bytes"], 188 * MIB);
        assert_eq!(
            planned.json()[2],
            json!({ "experiment": "c", "expected_bytes": null, "predicted_bytes": null,
            "used_bytes": null, "factor": null })
        );
        assert_eq!(PlannedMemory::default().text(None, |_| true), "");
        assert_eq!(planned.text(None, |_| true).lines().count(), 4, "nobody knows what there is");
    }
}
