//! All that a report is made from.

use std::collections::HashMap;

use basin_domain::claim::Claim;
use basin_domain::failure::Failure;
use basin_domain::figure::Figure;
use basin_domain::id::TaskId;
use basin_storage::SweepRecord;

use super::projection::{DistancesByCheck, ProjectionsByFigure};
use super::runs::Run;
use super::stored_numbers::StoredNumbersByTask;

/// A coordinator's knowledge beside the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The sweep's state in a word (`running`, `paused`).
    pub phase: String,
    /// The last failure of each task that has failed for good.
    pub failures: HashMap<TaskId, Failure>,
}

/// All that a report is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The sweep.
    pub sweep: SweepRecord,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// Its claims.
    pub claims: Vec<Claim>,
    /// Whether its verdicts are evidence: its profile isn't one that is too small to say anything.
    pub is_evidence: bool,
    /// Its tasks in plan order, with what is known of them.
    pub runs: Vec<Run>,
    /// The sweep's state in a word, if a coordinator said it.
    pub phase: Option<String>,
    /// Recorded weights, projected: what the figures of trajectories show.
    pub projections: ProjectionsByFigure,
    /// The distances that the claims' checks of recorded weights need.
    pub distances: DistancesByCheck,
    /// The numbers of results from which claims compute measures again.
    pub stored: StoredNumbersByTask,
}
