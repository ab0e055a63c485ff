//! `interpolate`, before the two solutions are found.

use super::super::referenced_run::ReferencedRun;
use super::trained_model::trained_model;
use crate::experiment::{Experiment, Interpolate, Ratios};

/// An interpolation whose solutions aren't found yet.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Interpolation {
    pub(in super::super) ratios: Ratios,
    pub(in super::super) examples: Option<u32>,
    pub(in super::super) barrier: bool,
}

impl Interpolation {
    /// The experiment, its solutions found.
    pub(super) fn resolve(&self, inputs: &[&ReferencedRun]) -> Result<Experiment, String> {
        let models = inputs.iter().map(|input| trained_model(input)).collect::<Result<Vec<_>, _>>()?;
        let [from, to] = &models[..] else { return Err("it needs two solutions".to_owned()) };
        if from != to {
            return Err(
                "`from` and `to` are of different networks or examples: only solutions of one network on the \
                 same examples can be interpolated"
                    .to_owned(),
            );
        }
        Ok(Experiment::Interpolate(Interpolate {
            trained: from.clone(),
            ratios: self.ratios,
            examples: self.examples,
            barrier: self.barrier,
        }))
    }
}
