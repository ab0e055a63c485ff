//! Runs as programs that follow experiments know them: a name, parameters, numbers, series.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::digest::Digest;
use basin_domain::metrics::{Axis, Metrics};
use basin_domain::value::Value;

use crate::run_folder::run_folder;
use crate::runs::{Run, RunState};
use crate::tables::parameters;

/// How many hexadecimal digits an id has: as many as all of these programs take.
const ID_LENGTH: usize = 32;

/// A committed run, as other programs know runs. A task that stands at two points is two of them, as it is in the table of results.
pub(super) struct ExportedRun<'r> {
    /// The run.
    pub(super) run: &'r Run,
    /// Its id, the same in every export of the run.
    pub(super) id: String,
    /// The folder of its files, unlike that of any other run.
    pub(super) folder: String,
    /// Its name for people.
    pub(super) name: String,
    /// The name of its point, which runs share that differ in their seed alone.
    pub(super) point: String,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub(super) started_unix_ms: u64,
    /// When it had finished. No point of a series has a time of its own.
    pub(super) finished_unix_ms: u64,
    /// All its parameters, by dotted names, each once.
    pub(super) parameters: Vec<(String, Value)>,
    /// Its single numbers.
    pub(super) numbers: Vec<(String, f64)>,
    /// Its series, but for single numbers.
    pub(super) series: Vec<ExportedSeries<'r>>,
}

/// A series of a run.
pub(super) struct ExportedSeries<'r> {
    /// Its name: that of the table of results, where a name that is against two axes stands for one of them.
    pub(super) name: String,
    /// The unit of x.
    pub(super) axis: Axis,
    /// (x, value).
    pub(super) points: &'r [(f64, f64)],
}

impl<'r> ExportedRun<'r> {
    /// The committed ones of these runs.
    pub(super) fn all(runs: &'r [Run]) -> Vec<Self> {
        let varied = parameters::varied_names(runs);
        let axes = axes(runs);
        let mut folders = BTreeSet::new();
        let mut exported = Vec::new();
        for run in runs {
            let RunState::Committed { metrics, manifest, .. } = &run.state else { continue };
            let name = run.task.name();
            let of_task = format!("{} {name}", run.task.id);
            let id = Digest::of(of_task.as_bytes()).to_string()[..ID_LENGTH].to_owned();
            let mut folder = run_folder(&run.task);
            while !folders.insert(folder.clone()) {
                folder.push_str("-again");
            }
            let (started_unix_ms, finished_unix_ms) = manifest.as_ref().map_or((0, 0), |manifest| {
                (manifest.provenance.started_unix_ms, manifest.provenance.finished_unix_ms)
            });
            let (numbers, series) = measured(metrics, &axes);
            exported.push(Self {
                run,
                id,
                folder,
                point: name
                    .strip_suffix(&format!(" seed {}", run.task.spec.seed))
                    .unwrap_or(&name)
                    .to_owned(),
                name,
                started_unix_ms,
                finished_unix_ms,
                parameters: parameters::of_run(run, &varied),
                numbers,
                series,
            });
        }
        exported
    }

    /// How long it took, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.finished_unix_ms.saturating_sub(self.started_unix_ms) as f64 / 1000.0
    }

    /// When it had finished, in seconds since the Unix epoch.
    pub(super) fn finished(&self) -> f64 {
        self.finished_unix_ms as f64 / 1000.0
    }
}

/// The axes of every name of a series.
fn axes(runs: &[Run]) -> BTreeMap<&str, BTreeSet<Axis>> {
    let mut axes: BTreeMap<&str, BTreeSet<Axis>> = BTreeMap::new();
    for (name, series) in runs.iter().filter_map(Run::metrics).flat_map(|metrics| &metrics.series) {
        axes.entry(name).or_default().insert(series.axis);
    }
    axes
}

fn measured<'r>(
    metrics: &'r Metrics,
    axes: &BTreeMap<&str, BTreeSet<Axis>>,
) -> (Vec<(String, f64)>, Vec<ExportedSeries<'r>>) {
    let (mut numbers, mut exported) = (Vec::new(), Vec::new());
    for (name, series) in &metrics.series {
        let is_first = axes.get(name.as_str()).and_then(BTreeSet::first) == Some(&series.axis);
        let name = if is_first { name.clone() } else { format!("{}.{name}", series.axis.as_str()) };
        match (series.axis, series.points.last()) {
            (Axis::Once, Some(&(_, value))) => numbers.push((name, value)),
            (Axis::Once, None) => {}
            (
                Axis::Epoch | Axis::Iteration | Axis::Input | Axis::Ratio | Axis::Cell | Axis::Eigenvalue,
                _,
            ) => exported.push(ExportedSeries { name, axis: series.axis, points: &series.points }),
        }
    }
    (numbers, exported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_committed_run_is_there_once_with_an_id_and_a_folder_of_its_own() {
        let mut runs = samples::functions(5);
        // A task that stands at a second point, whose name is as long as the first's and begins like it.
        let mut again = runs[0].clone();
        again.task.point.insert("long".to_owned(), Value::Text("x".repeat(300)));
        runs.extend([again.clone(), again]);
        runs[20].task.point.insert("z".to_owned(), Value::Integer(1));
        let exported = ExportedRun::all(&runs);
        assert_eq!(exported.len(), 21, "one of 22 is missing");
        let distinct =
            |of: &dyn Fn(&ExportedRun<'_>) -> String| exported.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(&|run| run.id.clone()), 21);
        assert_eq!(distinct(&|run| run.folder.clone()), 21);
        let first = &exported[0];
        assert_eq!(first.name, "functions function=sin hidden=[32,64] seed 0");
        assert_eq!(first.point, "functions function=sin hidden=[32,64]");
        assert_eq!((first.id.len(), first.seconds(), first.finished()), (32, 12.5, 1_700_000_012.5));
    }

    #[test]
    fn parameters_are_the_varied_and_the_fixed_and_each_stands_once() {
        let runs = samples::functions(1);
        let run = ExportedRun::all(&runs).remove(0);
        let names: BTreeSet<&str> = run.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), run.parameters.len());
        let value = |name: &str| run.parameters.iter().find(|(of, _)| of == name).map(|(_, value)| value);
        assert_eq!(value("function"), Some(&Value::Text("sin".to_owned())));
        assert_eq!(value("optimizer.learning_rate"), Some(&Value::Float(1e-3)));
        assert_eq!(value("batch_size"), Some(&Value::Integer(32)));
    }

    #[test]
    fn a_name_that_is_against_two_axes_stands_for_the_first() {
        let mut runs = samples::functions(1);
        samples::measure(&mut runs[0], |record| {
            record.series.remove("train_loss");
            record.push("train_loss", Axis::Iteration, 1.0, 0.5);
        });
        let exported = ExportedRun::all(&runs);
        let names = |run: &ExportedRun<'_>| -> Vec<String> {
            run.series.iter().map(|series| series.name.clone()).collect()
        };
        assert_eq!(names(&exported[0]), ["prediction", "target", "iteration.train_loss"]);
        assert_eq!(names(&exported[1]), ["prediction", "target", "train_loss"]);
        assert_eq!(exported[0].numbers, [("parameters".to_owned(), 2241.0)]);
    }
}
