//! Recorded weights: the plane of their first principal components, and the distances between them.
//!
//! Everything comes from the Gram matrix of the centred snapshots ([`gram`]), which is summed up block of coordinates by
//! block of coordinates: what is held at once doesn't grow with the network. [`gather()`] fetches runs' results;
//! [`weights_file`] finds the recorded weights in one, [`recorded`] reads those of several, [`comparable`] sorts out those that
//! can't be compared; [`plane`] and [`distances`] are what is made of the matrix.

mod comparable;
mod components;
mod distances;
mod gather;
mod gram;
mod plane;
mod recorded;
mod snapshots;
#[cfg(test)]
mod tests;
mod weights_file;

use std::collections::BTreeMap;

use basin_domain::id::{FigureId, TaskId};

pub use distances::{Distances, DistancesByCheck};
pub(super) use gather::{gather, is_selected};

/// The choice of layers that means all of them.
pub(super) const ALL_LAYERS: &str = "all";

/// The recorded weights of several runs in the plane of their first two principal components.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// The layer whose parameters are projected, or `all`.
    pub layer: String,
    /// The number of these parameters: the dimension of what is projected; 0 if no run could be used.
    pub dimension: usize,
    /// The shares of the total variance along the first and the second component.
    pub explained: [f64; 2],
    /// The runs, in plan order.
    pub paths: Vec<WeightPath>,
    /// The completed runs that are not among them, in plan order.
    pub left_out: Vec<ExcludedRun>,
}

/// A run's way through the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightPath {
    /// The run.
    pub task: TaskId,
    /// (epoch, first component, second component), in the order of the epochs.
    pub points: Vec<(u32, f64, f64)>,
}

/// A completed run that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedRun {
    /// The run.
    pub task: TaskId,
    /// Why, in words: `has recorded no weights`.
    pub why: String,
}

/// The projections of every figure of trajectories, one a choice of layers, in the figure's order.
pub type ProjectionsByFigure = BTreeMap<FigureId, Vec<Projection>>;
