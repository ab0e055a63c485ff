//! `surface`, before the solution that it looks at is found.

use super::super::referenced_run::ReferencedRun;
use super::trained_model::trained_model;
use crate::experiment::{Experiment, Plane, Surface, Tile};

/// A surface whose solution isn't found yet.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct SurfaceGrid {
    pub(in super::super) plane: Plane,
    pub(in super::super) resolution: u32,
    pub(in super::super) examples: Option<u32>,
}

impl SurfaceGrid {
    /// The experiment of a tile, its solution found.
    pub(super) fn resolve(&self, inputs: &[&ReferencedRun], tile: Tile) -> Result<Experiment, String> {
        let [of] = inputs else { return Err("it needs a solution".to_owned()) };
        if matches!(self.plane, Plane::Pca { .. }) {
            check_trajectory(&of.experiment)?;
        }
        Ok(Experiment::Surface(Surface {
            trained: trained_model(of)?,
            plane: self.plane,
            resolution: self.resolution,
            tile,
            examples: self.examples,
        }))
    }
}

/// Two directions need two points beside the one from which they are seen.
fn check_trajectory(of: &Experiment) -> Result<(), String> {
    match of.snapshots() {
        None => Err("the directions pca need recorded weights: record = { weights_every = 3 } in the \
                     experiment that `of` names"
            .to_owned()),
        // A run has an epoch at least, and keeps the weights that it begins with.
        Some(0 | 1) => Err(
            "the directions pca need weights of two epochs before the last, and only one is recorded: more \
                            `epochs`, or a smaller `record.weights_every`, in the experiment that `of` names"
                .to_owned(),
        ),
        Some(_) => Ok(()),
    }
}
