//! From committed runs to projections and distances: fetches results, and says what can't be used.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use basin_domain::claim::{Check, Claim, Selection};
use basin_domain::error_chain;
use basin_domain::figure::{Drawing, Figure};
use basin_domain::id::TaskId;
use basin_domain::key;
use basin_storage::{StorageError, Store};
use futures::{StreamExt, TryStreamExt};

use super::distances::{self, CheckPlace, DistancesByCheck};
use super::plane::{self, ProjectionsByFigure};
use super::weights_file::{WeightsFile, WeightsFileError, WeightsFiles};
use crate::error::{ReportError, is_of_this_object};
use crate::runs::{Run, RunState, distinct, of_experiments};
use crate::selection::is_selected;

/// Results that are fetched at once.
const CONCURRENT: usize = 4;

/// The projections and distances of recorded weights that `figures` and `claims` ask for. Results are fetched to a temporary
/// folder, each once, and nothing is fetched if nothing asks for it.
///
/// # Errors
/// If the store can't be reached, or the folder not be written. A single result that is damaged is no error: its run is
/// left out, and that is said.
pub(crate) async fn gather(
    store: &Store,
    figures: &[Figure],
    claims: &[Claim],
    runs: &[Run],
) -> Result<(ProjectionsByFigure, DistancesByCheck), ReportError> {
    let wanted = wanted(figures, claims, runs);
    let folder =
        tempfile::tempdir().map_err(|source| ReportError::File { path: std::env::temp_dir(), source })?;
    let fetched: Vec<(TaskId, Result<PathBuf, String>)> = futures::stream::iter(wanted)
        .map(|run| async { Ok::<_, StorageError>((run.task.id, fetch(store, run, folder.path()).await?)) })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    let (figures, claims, runs) = (figures.to_vec(), claims.to_vec(), runs.to_vec());
    // Reading and multiplying takes seconds: not on a thread that others wait for.
    let computed = tokio::task::spawn_blocking(move || {
        let open = |path: PathBuf| WeightsFile::open(&path).map_err(|error| in_words(&error));
        let files = fetched.into_iter().map(|(task, path)| (task, path.and_then(open))).collect();
        let computed = (projections(&figures, &runs, &files), distances_of(&claims, &runs, &files));
        drop(folder);
        computed
    });
    Ok(computed.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())))
}

/// The completed runs whose weights are asked for, each once.
fn wanted<'a>(figures: &[Figure], claims: &[Claim], runs: &'a [Run]) -> Vec<&'a Run> {
    let drawn = figures.iter().filter(|figure| layers(figure).is_some()).collect::<Vec<_>>();
    let claimed: Vec<&Selection> =
        claims.iter().flat_map(|claim| &claim.checks).filter_map(together).collect();
    let mut known = BTreeSet::new();
    runs.iter()
        .filter(|run| {
            run.completed().is_some()
                && (drawn.iter().any(|figure| figure.experiments.contains(&run.task.experiment))
                    || claimed.iter().any(|selection| is_selected(run, selection)))
                && known.insert(run.task.id)
        })
        .collect()
}

fn layers(figure: &Figure) -> Option<&[String]> {
    match &figure.drawing {
        Drawing::Trajectories { layers } => Some(layers),
        Drawing::Curves { .. }
        | Drawing::Predictions
        | Drawing::Against { .. }
        | Drawing::Scatter { .. }
        | Drawing::Surface { .. }
        | Drawing::Interpolation { .. }
        | Drawing::Spectrum { .. } => None,
    }
}

fn together(check: &Check) -> Option<&Selection> {
    match check {
        Check::Together { of, .. } => Some(of),
        Check::Equivalent { .. }
        | Check::Greater { .. }
        | Check::Trend { .. }
        | Check::Correlation { .. }
        | Check::Within { .. }
        | Check::Best { .. }
        | Check::Smooth { .. } => None,
    }
}

/// A run's result in a file of `folder`, or why there is none. A store that doesn't answer is an error.
async fn fetch(store: &Store, run: &Run, folder: &Path) -> Result<Result<PathBuf, String>, StorageError> {
    if run.task.spec.experiment.weights_every().is_none() {
        return Ok(Err(WeightsFileError::NoWeights.to_string()));
    }
    let manifest = match &run.state {
        RunState::Committed { manifest: Some(manifest), .. } => manifest,
        RunState::Committed { manifest: None, .. } => {
            return Ok(Err("its manifest can't be read".to_owned()));
        }
        RunState::Missing | RunState::Failed(_) | RunState::Unreadable { .. } => {
            return Ok(Err(format!("is {}", run.outcome())));
        }
    };
    let file = folder.join(run.task.id.to_string());
    match store.fetch_artifact(manifest, key::RESULT, &file).await {
        Ok(_) => Ok(Ok(file)),
        Err(StorageError::Corrupt { why, .. }) => Ok(Err(format!("its result is damaged: {why}"))),
        Err(error) if is_of_this_object(&error) => Ok(Err("its result is gone".to_owned())),
        Err(error) => Err(error),
    }
}

fn in_words(error: &dyn std::error::Error) -> String {
    error_chain::with_causes(error)
}

fn projections(figures: &[Figure], runs: &[Run], files: &WeightsFiles) -> ProjectionsByFigure {
    let mut projections = ProjectionsByFigure::new();
    for figure in figures {
        let Some(layers) = layers(figure) else { continue };
        let selected = distinct(of_experiments(runs, &figure.experiments));
        let completed: Vec<&Run> = selected.into_iter().filter(|run| run.completed().is_some()).collect();
        let of_layer = |layer: &String| plane::project(layer, &completed, files);
        projections.insert(figure.id.clone(), layers.iter().map(of_layer).collect());
    }
    projections
}

fn distances_of(claims: &[Claim], runs: &[Run], files: &WeightsFiles) -> DistancesByCheck {
    let mut found = DistancesByCheck::new();
    for (number, claim) in claims.iter().enumerate() {
        for (place, check) in claim.checks.iter().enumerate() {
            let Some(selection) = together(check) else { continue };
            let selected = distinct(runs.iter().filter(|run| is_selected(run, selection)));
            found.insert(CheckPlace { claim: number, check: place }, distances::measure(&selected, files));
        }
    }
    found
}
