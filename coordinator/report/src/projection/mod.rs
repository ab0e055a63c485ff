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

pub use comparable::ExcludedRun;
pub use distances::{CheckPlace, Distances, DistancesByCheck, PairDistance, RunDistance};
pub(super) use gather::gather;
pub use plane::{PathPoint, Projection, ProjectionsByFigure, WeightPath};
pub(super) use recorded::ALL_LAYERS;
