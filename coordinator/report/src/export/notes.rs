//! Whatever a form can't hold as it is.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::metrics::Axis;

use super::exported_run::{ExportedRun, ExportedSeries};
use super::steps::Steps;

/// What became of series on their way into a form that numbers points by whole steps.
#[derive(Debug, Default)]
pub(super) struct ExportNotes {
    left_out: BTreeMap<Axis, BTreeSet<String>>,
    rounded_up: BTreeSet<String>,
    counted: BTreeSet<String>,
}

impl ExportNotes {
    /// The series of a run that are against epochs or iterations, with their steps. What can't be carried over as it is, is noted.
    pub(super) fn stepped<'a, 'r>(
        &mut self,
        run: &'a ExportedRun<'r>,
    ) -> Vec<(&'a ExportedSeries<'r>, Steps)> {
        let mut stepped = Vec::new();
        for series in &run.series {
            match series.axis {
                Axis::Epoch | Axis::Iteration => {
                    let steps = Steps::of(series.points);
                    match &steps {
                        Steps::Same(_) => {}
                        Steps::RoundedUp(_) => {
                            self.rounded_up.insert(series.name.clone());
                        }
                        Steps::Counted(_) => {
                            self.counted.insert(series.name.clone());
                        }
                    }
                    stepped.push((series, steps));
                }
                axis @ (Axis::Input | Axis::Ratio | Axis::Cell | Axis::Eigenvalue | Axis::Once) => {
                    self.left_out.entry(axis).or_default().insert(series.name.clone());
                }
            }
        }
        stepped
    }

    /// All of it, a sentence each.
    pub(super) fn sentences(&self) -> Vec<String> {
        let listed = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let left_out = self.left_out.iter().map(|(axis, names)| {
            format!("left out, since they are against no steps but {}: {}", plural(*axis), listed(names))
        });
        let changed = |names: &BTreeSet<String>, how: &str| {
            (!names.is_empty()).then(|| format!("{how}: {}", listed(names)))
        };
        let rounded = changed(
            &self.rounded_up,
            "an epoch or iteration that isn't whole stands at the next one that is",
        );
        let counted = changed(&self.counted, "points are numbered from 0, since several are at one step");
        left_out.chain(rounded).chain(counted).collect()
    }
}

const fn plural(axis: Axis) -> &'static str {
    match axis {
        Axis::Epoch => "epochs",
        Axis::Iteration => "iterations",
        Axis::Input => "inputs",
        Axis::Ratio => "ratios",
        Axis::Cell => "cells",
        Axis::Eigenvalue => "eigenvalues",
        Axis::Once => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_has_no_steps_is_left_out_and_named() {
        let mut runs = samples::functions(1);
        samples::measure(&mut runs[0], |record| {
            record.push("train_loss", Axis::Epoch, 600.5, 0.5);
            record.push("often", Axis::Epoch, 0.1, 1.0);
            record.push("often", Axis::Epoch, 0.2, 1.0);
        });
        let runs = ExportedRun::all(&runs);
        let mut notes = ExportNotes::default();
        let kept: Vec<_> = notes.stepped(&runs[0]).iter().map(|(series, _)| series.name.clone()).collect();
        assert_eq!(kept, ["often", "train_loss"]);
        assert_eq!(
            notes.sentences(),
            [
                "left out, since they are against no steps but inputs: prediction, target",
                "an epoch or iteration that isn't whole stands at the next one that is: train_loss",
                "points are numbered from 0, since several are at one step: often",
            ]
        );
        assert!(ExportNotes::default().sentences().is_empty());
    }
}
