//! Landscapes: a network's loss at given places in weight space, on a line or in a plane.
//!
//! A [`Landscape`] goes from place to place, evaluates the network there piece by piece, and records what it found. Places are
//! a line through two solutions ([`line`]) or a part of a grid in a plane through one ([`plane`]).

mod directions;
mod inputs;
pub(crate) mod line;
pub(crate) mod plane;
mod run;

pub(crate) use run::{Landscape, WeightPoint, WeightPoints};
