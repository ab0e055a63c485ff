//! The folder of MLflow's file store: an MLflow experiment for each experiment of the sweep, in it a folder a run with a file for
//! each metric, parameter and tag.
//!
//! MLflow reads its own layout by the names of files: `mlflow/store/tracking/file_store.py`, version 3.17.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use basin_domain::digest::Digest;
use basin_domain::id::{ExperimentId, SweepId};

use super::exported_file::ExportedFile;
use super::exported_run::ExportedRun;
use super::exported_sweep::ExportedSweep;
use super::notes::ExportNotes;
use super::steps::Steps;

/// `LOCAL` of MLflow's kinds of source.
const LOCAL: &str = "4";
/// `FINISHED` of MLflow's states of a run. One that diverged has a result like others: its tag `basin.outcome` says so.
const FINISHED: &str = "3";
/// The longest name of a metric, a parameter or a tag that a file can have.
const LONGEST_KEY: usize = 200;

/// All files.
pub(super) fn files<'a>(sweep: ExportedSweep<'a>, notes: &mut ExportNotes) -> Vec<ExportedFile<'a>> {
    let root = address(sweep.folder);
    let mut experiments: BTreeMap<&ExperimentId, Vec<&ExportedRun<'_>>> = BTreeMap::new();
    for run in sweep.runs {
        experiments.entry(&run.run.task.experiment).or_default().push(run);
    }
    let mut files = Vec::new();
    for (experiment, runs) in experiments {
        let id = experiment_id(sweep.id, experiment);
        files.push(meta_of_experiment(&id, &format!("{}/{experiment}", sweep.id), &root, &runs));
        for run in runs {
            add_run(&mut files, &id, sweep.id, &root, run, notes);
        }
    }
    files
}

/// An id as MLflow makes them: eighteen digits.
fn experiment_id(sweep: &SweepId, experiment: &ExperimentId) -> String {
    const SMALLEST: u64 = 100_000_000_000_000_000;
    let digest = Digest::of(format!("{sweep}/{experiment}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    (SMALLEST + u64::from_le_bytes(first) % (9 * SMALLEST)).to_string()
}

fn meta_of_experiment(id: &str, name: &str, root: &str, runs: &[&ExportedRun<'_>]) -> ExportedFile<'static> {
    let begun = runs.iter().map(|run| run.started_unix_ms).min().unwrap_or(0);
    let ended = runs.iter().map(|run| run.finished_unix_ms).max().unwrap_or(0);
    let lines = [
        ("artifact_location", quoted(&format!("{root}/{id}"))),
        ("creation_time", begun.to_string()),
        ("experiment_id", quoted(id)),
        ("last_update_time", ended.to_string()),
        ("lifecycle_stage", "active".to_owned()),
        ("name", quoted(name)),
    ];
    ExportedFile::of_text(format!("{id}/meta.yaml"), yaml(&lines))
}

fn add_run<'a>(
    files: &mut Vec<ExportedFile<'a>>,
    experiment: &str,
    sweep: &SweepId,
    root: &str,
    run: &'a ExportedRun<'_>,
    notes: &mut ExportNotes,
) {
    let folder = format!("{experiment}/{}", run.id);
    let lines = [
        ("artifact_uri", quoted(&format!("{root}/{folder}/artifacts"))),
        ("end_time", run.finished_unix_ms.to_string()),
        ("entry_point_name", quoted("")),
        ("experiment_id", quoted(experiment)),
        ("lifecycle_stage", "active".to_owned()),
        ("run_id", quoted(&run.id)),
        ("run_name", quoted(&run.name)),
        ("source_name", quoted("")),
        ("source_type", LOCAL.to_owned()),
        ("source_version", quoted("")),
        ("start_time", run.started_unix_ms.to_string()),
        ("status", FINISHED.to_owned()),
        ("tags", "[]".to_owned()),
        ("user_id", quoted("basin")),
    ];
    files.push(ExportedFile::of_text(format!("{folder}/meta.yaml"), yaml(&lines)));
    let mut metrics = Keys::default();
    for (series, steps) in notes.stepped(run) {
        let name = format!("{folder}/metrics/{}", metrics.key(&series.name));
        files.push(ExportedFile::of_bytes(name, move || history(run, series.points, &steps).into_bytes()));
    }
    // A run that measured nothing has a metric all the same: MLflow takes no folder for a run that lacks metrics.
    let seconds = [("seconds".to_owned(), run.seconds())];
    for (name, value) in run.numbers.iter().chain(&seconds) {
        let text = format!("{} {value:?} 0\n", run.finished_unix_ms);
        files.push(ExportedFile::of_text(format!("{folder}/metrics/{}", metrics.key(name)), text));
    }
    let task = &run.run.task;
    let (experiment, seed) = (task.experiment.to_string(), task.spec.seed.to_string());
    let mut parameters = Keys::default();
    let mut parameter = |name: &str, value: String| {
        files.push(ExportedFile::of_text(format!("{folder}/params/{}", parameters.key(name)), value));
    };
    for (name, value) in &run.parameters {
        parameter(name, value.to_string());
    }
    parameter("experiment", experiment.clone());
    parameter("seed", seed.clone());
    let tags = [
        ("mlflow.runName", run.name.clone()),
        ("basin.sweep", sweep.to_string()),
        ("basin.experiment", experiment),
        ("basin.point", run.point.clone()),
        ("basin.seed", seed),
        ("basin.task", task.id.to_string()),
        ("basin.outcome", run.run.outcome().to_owned()),
    ];
    files.extend(tags.map(|(name, value)| ExportedFile::of_text(format!("{folder}/tags/{name}"), value)));
    let spec = format!("{folder}/artifacts/task.json");
    files.push(ExportedFile::of_bytes(spec, move || task.spec.canonical().into_bytes()));
}

/// A line a point: time, value, step. Rust writes numbers as Python reads them.
fn history(run: &ExportedRun<'_>, points: &[(f64, f64)], steps: &Steps) -> String {
    let line =
        |(step, (_, value)): (&i64, &(f64, f64))| format!("{} {value:?} {step}\n", run.finished_unix_ms);
    steps.numbers().iter().zip(points).map(line).collect()
}

/// The keys of one run, each once, of such characters as MLflow takes and a file's name may have.
#[derive(Default)]
struct Keys(BTreeSet<String>);

impl Keys {
    fn key(&mut self, name: &str) -> String {
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "_-. ".contains(c) { c } else { '_' };
        let mut key: String = name.chars().map(allowed).take(LONGEST_KEY).collect();
        if key.chars().all(|c| c == '.') {
            key.push('_');
        }
        while !self.0.insert(key.clone()) {
            key.push('_');
        }
        key
    }
}

/// The address of a folder, without a slash at its end.
fn address(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    url::Url::from_file_path(&absolute).map_or_else(|()| absolute.display().to_string(), String::from)
}

fn yaml(lines: &[(&str, String)]) -> String {
    lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
}

/// A text as YAML of every version reads it.
fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        other => format!("\\U{:08X}", u32::from(other)),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use basin_domain::id::SweepName;
    use basin_domain::value::Value;

    use super::*;
    use crate::samples;

    fn texts(runs: &[ExportedRun<'_>], notes: &mut ExportNotes) -> BTreeMap<String, String> {
        let sweep = SweepId::new("homework-0123456789").unwrap();
        let text = |file: ExportedFile<'_>| {
            let mut bytes = Vec::new();
            (file.write)(&mut bytes).unwrap();
            (file.name, String::from_utf8(bytes).unwrap())
        };
        let (name, folder) = (SweepName::new("homework").unwrap(), Path::new("/tmp/a b/mlruns"));
        let sweep = ExportedSweep { id: &sweep, name: &name, runs, folder };
        files(sweep, notes).into_iter().map(text).collect()
    }

    #[test]
    fn a_run_is_a_folder_with_a_file_for_each_metric_parameter_and_tag() {
        let runs = samples::functions(1);
        let exported = ExportedRun::all(&runs[..1]);
        let files = texts(&exported, &mut ExportNotes::default());
        let id = experiment_id(&SweepId::new("homework-0123456789").unwrap(), &runs[0].task.experiment);
        assert_eq!(id.len(), 18);
        let run = format!("{id}/{}", exported[0].id);
        let experiment = &files[&format!("{id}/meta.yaml")];
        assert!(experiment.contains("name: \"homework-0123456789/functions\"\n"), "{experiment}");
        assert!(experiment.contains(&format!("artifact_location: \"file:///tmp/a%20b/mlruns/{id}\"\n")));
        let meta = &files[&format!("{run}/meta.yaml")];
        assert!(meta.contains("end_time: 1700000012500\n") && meta.contains("status: 3\n"), "{meta}");
        let losses = &files[&format!("{run}/metrics/train_loss")];
        assert_eq!(losses.lines().count(), 601);
        let value = runs[0].metrics().unwrap().series["train_loss"].points[1].1;
        assert_eq!(losses.lines().nth(1).unwrap(), format!("1700000012500 {value:?} 1"));
        assert_eq!(files[&format!("{run}/metrics/parameters")], "1700000012500 2241.0 0\n");
        assert_eq!(files[&format!("{run}/metrics/seconds")], "1700000012500 12.5 0\n");
        assert_eq!(files[&format!("{run}/params/hidden")], "[32, 64]");
        assert_eq!(files[&format!("{run}/params/seed")], "0");
        assert_eq!(files[&format!("{run}/tags/basin.outcome")], "completed");
        assert_eq!(files[&format!("{run}/artifacts/task.json")], runs[0].task.spec.canonical());
    }

    #[test]
    fn no_name_leads_out_of_its_folder_or_takes_anothers_place() {
        let mut runs = samples::functions(1);
        for name in ["../../../x", "..", "a/b", "a_b", "s=\u{1b}[2J"] {
            runs[0].task.point.insert(name.to_owned(), Value::Integer(1));
        }
        let files = texts(&ExportedRun::all(&runs[..1]), &mut ExportNotes::default());
        let keys: Vec<&str> = files.keys().filter_map(|name| Some(name.split_once("/params/")?.1)).collect();
        for key in [".._.._.._x", ".._", "a_b", "a_b_", "s___2J"] {
            assert!(keys.contains(&key), "{key} is not among {keys:?}");
        }
        assert!(files.keys().all(|name| !name.split('/').any(|part| part == "..")));
    }

    #[test]
    fn texts_are_quoted_for_every_version_of_yaml() {
        assert_eq!(
            quoted("a \"b\"\\\n\u{7f}é🦀"),
            "\"a \\\"b\\\"\\\\\\U0000000A\\U0000007F\\U000000E9\\U0001F980\""
        );
    }
}
