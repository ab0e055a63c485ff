//! Where each result comes from: all that results themselves don't hold.

use std::collections::BTreeSet;

use basin_storage::table::{Column, Table};
use basin_storage::{Commit, Manifest};

use crate::runs::{Run, RunState};

/// A run with a commit.
#[derive(Clone, Copy)]
pub(crate) struct CommittedRun<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// Its commit.
    pub(crate) commit: &'a Commit,
    /// The manifest, if it could be read.
    pub(crate) manifest: Option<&'a Manifest>,
}

impl<'a> CommittedRun<'a> {
    /// Those of `runs` that have a commit, in their order.
    pub(crate) fn among(runs: &'a [Run]) -> Vec<Self> {
        let committed = |run: &'a Run| match &run.state {
            RunState::Committed { commit, manifest, .. } => {
                Some(Self { run, commit, manifest: manifest.as_deref() })
            }
            RunState::Missing | RunState::Failed(_) | RunState::Unreadable { .. } => None,
        };
        runs.iter().filter_map(committed).collect()
    }

    /// The same, where a task that several experiments share counts once.
    pub(crate) fn each_once(runs: &'a [Run]) -> Vec<Self> {
        let mut known = BTreeSet::new();
        Self::among(runs).into_iter().filter(|it| known.insert(it.run.task.id)).collect()
    }
}

/// The table of provenance: a row a committed task, in plan order. Where there are runs whose bytes are not promised, it says so of
/// each.
pub(crate) fn provenance(runs: &[Run]) -> Table {
    let rows = CommittedRun::among(runs);
    let text = |value: &dyn Fn(&Run, &Commit) -> String| {
        Column::Text(rows.iter().map(|row| Some(value(row.run, row.commit))).collect())
    };
    let known = |value: &dyn Fn(&Manifest) -> String| {
        Column::Text(rows.iter().map(|row| row.manifest.map(value)).collect())
    };
    let count = |value: &dyn Fn(&Manifest) -> Option<u64>| {
        Column::Unsigned(rows.iter().map(|row| row.manifest.and_then(value)).collect())
    };
    let seconds = |value: &dyn Fn(&Manifest) -> Option<f64>| {
        Column::Float(rows.iter().map(|row| row.manifest.and_then(value)).collect())
    };
    let mut columns = vec![
        ("task", text(&|run, _| run.task.id.to_string())),
        ("experiment", text(&|run, _| run.task.experiment.to_string())),
        ("seed", text(&|run, _| run.task.spec.seed.to_string())),
        ("attempt", text(&|_, commit| commit.attempt.to_string())),
        ("lease", text(&|_, commit| commit.lease.to_string())),
        ("worker", text(&|_, commit| commit.worker.to_string())),
        ("host", known(&|manifest| manifest.provenance.host.clone())),
        ("device", known(&|manifest| manifest.provenance.device.clone())),
        ("code_path", known(&|manifest| manifest.provenance.code_path.clone())),
        ("threads", count(&|manifest| Some(manifest.provenance.threads.into()))),
        ("lanes", count(&|manifest| Some(manifest.provenance.lanes.into()))),
        ("basin_version", known(&|manifest| manifest.provenance.basin_version.clone())),
        ("started_unix_ms", count(&|manifest| Some(manifest.provenance.started_unix_ms))),
        ("seconds", seconds(&|manifest| Some(seconds_of(manifest)))),
        ("steps", count(&|manifest| Some(manifest.provenance.steps))),
        ("step_seconds", seconds(&|manifest| manifest.provenance.step_seconds)),
        ("resumed_from_step", count(&|manifest| manifest.provenance.resumed_from_step)),
        ("used_memory_bytes", count(&|manifest| manifest.provenance.memory?.used())),
        ("predicted_memory_bytes", count(&|manifest| manifest.provenance.memory?.predicted)),
        ("commit", text(&|_, commit| commit_digest(commit))),
        ("manifest", text(&|_, commit| commit.manifest.to_string())),
        ("metrics", text(&|_, commit| commit.metrics.to_string())),
        ("result", text(&|_, commit| commit.result.to_string())),
    ];
    let is_reproducible = |run: &Run| run.task.spec.experiment.is_reproducible();
    if !runs.iter().all(is_reproducible) {
        let promised = rows.iter().map(|row| Some(is_reproducible(row.run)));
        columns.push(("reproducible", Column::Boolean(promised.collect())));
    }
    Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect())
        .expect("every column has a row a committed run and a name of its own")
}

/// The digest of a commit's bytes in the store.
pub(crate) fn commit_digest(commit: &Commit) -> String {
    basin_domain::digest::Digest::of(&commit.to_bytes()).to_string()
}

fn seconds_of(manifest: &Manifest) -> f64 {
    let provenance = &manifest.provenance;
    provenance.finished_unix_ms.saturating_sub(provenance.started_unix_ms) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::tables::csv;

    #[test]
    fn committed_runs_say_where_they_come_from() {
        let runs = samples::functions(5);
        let text = csv::table(&provenance(&runs));
        assert_eq!(text.lines().count(), 1 + 19, "one of 20 is missing");
        let row = text.lines().nth(1).unwrap();
        assert!(
            row.contains(",1,lease-1,worker-1,node-7,cpu,avx512,2,1,0.1.0,1700000000000,12.5,600,,,"),
            "{row}"
        );
    }
}
