//! Recorded weights: the plane of their first principal components, and the distances between them.

mod distances;

pub use distances::{Distances, DistancesByCheck};
