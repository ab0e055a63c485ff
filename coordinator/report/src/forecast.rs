//! How many seeds the claims of a sweep would need, by what is in the store before it runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use basin_charts::number;
use basin_domain::claim::{Check, Claim, Selection};
use basin_domain::id::{ExperimentId, TaskId};
use basin_domain::sweep::SweepPlan;
use basin_storage::{Commit, StorageError, Store};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use super::claims::{CheckResult, ClaimResult, Evidence, Verdict, fewest, judge_all};
use super::duplicates;
use super::error::ReportError;
use super::gather::committed;
use super::projection;
use super::runs::{Run, RunState};
use super::selection::is_selected;
use super::statistics::{MOST_RUNS, POWER, RunsNeeded};
use super::stored_numbers;

/// Results that are read at once.
const CONCURRENT: usize = 16;

/// A pilot of more runs than this isn't read: whoever has as many has a report.
const MOST_READ: usize = 2_000;

/// In so many of repeated sweeps the seeds that are asked for should be enough.
pub const POWER_OF_FORECAST: f64 = POWER;

/// What the claims of a sweep would need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimForecast {
    /// The sentence.
    pub text: String,
    /// Each of its checks.
    pub checks: Vec<CheckForecast>,
}

/// What a check would need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckForecast {
    /// The kind of check.
    pub kind: &'static str,
    /// What is counted.
    pub unit: ForecastUnit,
    /// How many of it the sweep has: the fewest of two selections.
    pub planned: usize,
    /// The fewest of which it can hold.
    pub fewest_to_hold: usize,
    /// The fewest of which it can be refused.
    pub fewest_to_be_refused: usize,
    /// What the results in the store show; none where there are none.
    pub pilot: Option<Pilot>,
}

/// What is independent in a check, and so what more of it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForecastUnit {
    /// Seeds of each point.
    Seeds,
    /// Points: several seeds of one are no further evidence.
    Points,
}

/// What the results in the store show of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pilot {
    /// How many runs there are; two numbers where two samples are compared.
    pub runs: Vec<usize>,
    /// The measurement in words.
    pub measured: String,
    /// The estimate, if there is one.
    pub estimate: Option<f64>,
    /// The same for people.
    #[serde(skip)]
    pub shown: Option<String>,
    /// The verdict that the estimate leans to; undecided where it leans to none, or to different ones under the settings that
    /// the claim varies.
    pub leaning: Verdict,
    /// How many would tell with a power of [`POWER_OF_FORECAST`], if the estimate is right; none where that isn't known, or
    /// beyond [`Pilot::MOST`].
    pub needed: Option<usize>,
    /// Whether it would take more than [`Pilot::MOST`].
    pub is_beyond: bool,
}

impl Pilot {
    /// The most that is proposed.
    pub const MOST: usize = MOST_RUNS;

    fn of(result: &CheckResult) -> Option<Self> {
        if result.n.iter().all(|&runs| runs == 0) {
            return None;
        }
        let (needed, is_beyond) = match result.runs_needed {
            RunsNeeded::Runs(needed) => (Some(needed), false),
            RunsNeeded::TooMany => (None, true),
            RunsNeeded::Unknown => (None, false),
        };
        Some(Self {
            runs: result.n.clone(),
            measured: result.measured.clone(),
            estimate: result.estimate,
            shown: result.estimate.map(number::significant),
            leaning: result.leaning,
            needed,
            is_beyond,
        })
    }
}

/// What the claims of a plan would need, by those of its tasks that are `committed`.
///
/// # Errors
/// If a result can't be read because the store doesn't answer. A single result that is damaged is no error: it is no pilot.
pub async fn forecast(
    store: &Store,
    plan: &SweepPlan,
    found: &HashMap<TaskId, Commit>,
) -> Result<Vec<ClaimForecast>, ReportError> {
    if plan.claims.is_empty() {
        return Ok(Vec::new());
    }
    let runs = runs(store, plan, found).await?;
    let (_, distances) = projection::gather(store, &[], &plan.claims, &runs).await?;
    let stored = stored_numbers::gather(store, &plan.claims, &runs).await?;
    let evidence = Evidence { runs: &runs, distances: &distances, stored: &stored };
    let judged = judge_all(&plan.claims, &evidence, true);
    let of_claim = |(claim, judged): (&Claim, ClaimResult)| {
        let of_check = |(check, result): (&Check, &CheckResult)| {
            let (unit, planned) = planned(check, &runs);
            let fewest = fewest(claim, check, other_points(check, &runs));
            CheckForecast {
                kind: check.kind(),
                unit,
                planned,
                fewest_to_hold: fewest.to_hold,
                fewest_to_be_refused: fewest.to_be_refused,
                pilot: Pilot::of(result),
            }
        };
        let checks = claim.checks.iter().zip(&judged.checks).map(of_check).collect();
        ClaimForecast { text: claim.text.clone(), checks }
    };
    Ok(plan.claims.iter().zip(judged).map(of_claim).collect())
}

/// The tasks that the claims speak of, with the results of those that are committed.
async fn runs(
    store: &Store,
    plan: &SweepPlan,
    found: &HashMap<TaskId, Commit>,
) -> Result<Vec<Run>, StorageError> {
    let checks = || plan.claims.iter().flat_map(|claim| &claim.checks);
    let claimed: BTreeSet<&ExperimentId> =
        checks().flat_map(Check::selections).map(|selection| &selection.experiment).collect();
    let tasks = || plan.tasks.iter().filter(|task| claimed.contains(&task.experiment));
    let is_read = tasks().filter(|task| found.contains_key(&task.id)).count() <= MOST_READ;
    let with_commits = tasks().map(|task| (task.clone(), found.get(&task.id).filter(|_| is_read).cloned()));
    futures::stream::iter(with_commits)
        .map(|(task, commit)| async move {
            let state = match commit {
                Some(commit) => committed(store, commit).await?,
                None => RunState::Missing,
            };
            Ok::<Run, StorageError>(Run { task, declaration: None, test_examples: None, data: None, state })
        })
        .buffered(CONCURRENT)
        .try_collect()
        .await
}

/// What is independent in a check, and how many of it are planned.
fn planned(check: &Check, runs: &[Run]) -> (ForecastUnit, usize) {
    let of = |selection: &Selection| {
        let mut seeds: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for run in runs.iter().filter(|run| is_selected(run, selection)) {
            seeds.entry(duplicates::point(run)).or_default().insert(run.task.spec.seed);
        }
        let fewest = seeds.values().map(BTreeSet::len).min().unwrap_or(0);
        (seeds.len(), fewest)
    };
    let selections: Vec<(usize, usize)> = check.selections().into_iter().map(of).collect();
    match (check, &selections[..]) {
        (Check::Correlation { .. }, [(points, _)]) if *points > 1 => (ForecastUnit::Points, *points),
        (_, several) => (ForecastUnit::Seeds, several.iter().map(|(_, seeds)| *seeds).min().unwrap_or(0)),
    }
}

/// How many points an experiment has beside the one that should be the best.
fn other_points(check: &Check, runs: &[Run]) -> usize {
    let Check::Best { of, .. } = check else { return 0 };
    let points: BTreeSet<String> =
        runs.iter().filter(|run| run.task.experiment == of.experiment).map(duplicates::point).collect();
    points.len().saturating_sub(1)
}
