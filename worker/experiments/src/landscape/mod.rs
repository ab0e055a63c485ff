//! Landscapes: a network's loss at given points in weight space, on a line or in a plane.
//!
//! A [`Landscape`] goes from point to point, evaluates the network there chunk by chunk, and records the result. Points are
//! a line through two solutions ([`line`]) or a part of a grid in a plane through one ([`plane`]).

mod directions;
mod inputs;
pub(crate) mod line;
pub(crate) mod plane;
mod run;

pub(crate) use run::{EvaluatedExamples, Landscape, WeightPoint, WeightPoints};
