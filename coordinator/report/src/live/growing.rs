//! A sweep's runs, each read once when it is committed.

use std::collections::HashMap;

use basin_domain::failure::Failure;
use basin_domain::figure::Figure;
use basin_domain::id::{SweepId, TaskId};
use basin_storage::Store;

use crate::default_figures;
use crate::error::ReportError;
use crate::gather::{self, GatheredRuns};
use crate::projection::{self, DistancesByCheck, ProjectionsByFigure};
use crate::results::Results;
use crate::runs::{Run, RunState};
use crate::stored_numbers::{self, StoredNumbersByTask};

/// A sweep's runs, each read once when it is committed.
#[derive(Debug)]
pub struct GrowingResults {
    results: Results,
    /// The figures that the sweep file asks for; where it asks for none, they follow from what is recorded.
    asked: Vec<Figure>,
    places: HashMap<TaskId, Vec<usize>>,
    points: usize,
}

/// Recorded weights and numbers, as figures and claims look at them.
#[derive(Debug)]
pub struct Recorded {
    projections: ProjectionsByFigure,
    distances: DistancesByCheck,
    stored: StoredNumbersByTask,
}

/// Runs that were read.
#[derive(Debug, Default)]
pub struct ReadRuns(Vec<(TaskId, RunState)>);

impl ReadRuns {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each task with its result, or the reason why there is none.
    pub fn iter(&self) -> impl Iterator<Item = (&TaskId, &RunState)> {
        self.0.iter().map(|(id, state)| (id, state))
    }
}

/// Reads the results of those of `tasks` that have one.
///
/// # Errors
/// If the store can't be reached. A single result that is damaged is no error.
pub async fn read_runs(store: &Store, tasks: &[TaskId]) -> Result<ReadRuns, ReportError> {
    Ok(ReadRuns(gather::read_states(store, tasks).await?))
}

impl GrowingResults {
    /// The plan of a sweep; nothing of its results is read.
    ///
    /// # Errors
    /// If the store doesn't have the sweep, or can't be reached.
    pub async fn open(store: &Store, sweep: &SweepId) -> Result<Self, ReportError> {
        let GatheredRuns { sweep, file, runs } = gather::planned(store, sweep).await?;
        let mut places: HashMap<TaskId, Vec<usize>> = HashMap::new();
        for (place, run) in runs.iter().enumerate() {
            places.entry(run.task.id).or_default().push(place);
        }
        let (asked, claims) = (file.figures().to_vec(), file.claims().to_vec());
        let results = Results {
            sweep,
            figures: asked.clone(),
            claims,
            is_evidence: file.is_evidence(),
            runs,
            phase: None,
            projections: ProjectionsByFigure::new(),
            distances: DistancesByCheck::new(),
            stored: StoredNumbersByTask::new(),
        };
        Ok(Self { results, asked, places, points: 0 })
    }

    /// All that is known by now.
    pub const fn results(&self) -> &Results {
        &self.results
    }

    /// The run of a task, at the first of its points.
    pub fn run(&self, task: &TaskId) -> Option<&Run> {
        let place = self.places.get(task)?.first()?;
        self.results.runs.get(*place)
    }

    /// How many points all series have together that are kept.
    pub const fn points(&self) -> usize {
        self.points
    }

    /// Whether no run is without an end any more.
    pub fn is_complete(&self) -> bool {
        self.results.runs.iter().all(|run| !matches!(run.state, RunState::Missing))
    }

    /// Keeps runs that were read.
    pub fn insert(&mut self, read: ReadRuns) {
        for (task, state) in read.0 {
            self.set(&task, &state);
        }
        if self.asked.is_empty() {
            self.results.figures = default_figures::of(&self.results.runs, &self.results.claims);
        }
    }

    /// Keeps that a task has failed for good, as long as it has no result; of some it isn't known how.
    pub fn fail(&mut self, task: &TaskId, failure: Option<&Failure>) {
        let is_missing = |run: &Run| matches!(run.state, RunState::Missing);
        let places = self.places.get(task);
        if places
            .and_then(|places| places.first())
            .is_some_and(|place| is_missing(&self.results.runs[*place]))
        {
            self.set(task, &RunState::Failed(failure.cloned()));
        }
    }

    /// Forgets the result of a task: it was withdrawn, or is tried again.
    pub fn forget(&mut self, task: &TaskId) {
        self.set(task, &RunState::Missing);
    }

    fn set(&mut self, task: &TaskId, state: &RunState) {
        for place in self.places.get(task).into_iter().flatten() {
            let run = &mut self.results.runs[*place];
            self.points -= points_of(run);
            run.state = state.clone();
            self.points += points_of(run);
        }
    }

    /// Reads the recorded weights and numbers of results that figures and claims look at, which takes a while: others may look on
    /// meanwhile.
    ///
    /// # Errors
    /// If the store can't be reached.
    pub async fn read_recorded(&self, store: &Store) -> Result<Recorded, ReportError> {
        let Results { figures, claims, runs, .. } = &self.results;
        let (projections, distances) = projection::gather(store, figures, claims, runs).await?;
        let stored = stored_numbers::gather(store, claims, runs).await?;
        Ok(Recorded { projections, distances, stored })
    }

    /// Keeps what was recorded in place of what was kept before.
    pub fn keep_recorded(&mut self, recorded: Recorded) {
        let Recorded { projections, distances, stored } = recorded;
        self.results.projections = projections;
        self.results.distances = distances;
        self.results.stored = stored;
    }
}

fn points_of(run: &Run) -> usize {
    run.metrics().map_or(0, |metrics| metrics.series.values().map(|series| series.points.len()).sum())
}
