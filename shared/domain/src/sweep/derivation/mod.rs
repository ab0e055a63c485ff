//! Experiments on other runs' results, before those runs are found: one file a kind.

mod interpolation;
mod surface_grid;
mod trained_model;
mod training_origin;

use super::referenced_run::ReferencedRun;
use crate::experiment::{Experiment, Tile};

pub(super) use interpolation::Interpolation;
pub(super) use surface_grid::SurfaceGrid;
pub(super) use training_origin::{Runs, TrainingOrigin};

/// An experiment on other runs' results, before those are found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Derivation {
    /// `interpolate`.
    Interpolation(Interpolation),
    /// `surface`.
    Grid(SurfaceGrid),
}

impl Derivation {
    /// The experiment, its inputs found; in words what is wrong with them.
    pub(super) fn resolve(&self, inputs: &[&ReferencedRun], tile: Tile) -> Result<Experiment, String> {
        match self {
            Self::Interpolation(interpolation) => interpolation.resolve(inputs),
            Self::Grid(grid) => grid.resolve(inputs, tile),
        }
    }
}
