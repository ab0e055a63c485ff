//! The sweep file: read, checked, and expanded into tasks.
//!
//! [`SweepFile::parse`] goes through these stages, each a file: `syntax` reads TOML into a `tree` whose values know their
//! lines; `document` takes it apart into experiments, defaults, figures and profiles, each a `fragment`; `layers` puts
//! them over each other; `space` is what comes out for an experiment, made of `axis`, `random` (which draws each parameter by its `law`, and no point that is `taken`),
//! `condition` and `seeds`;
//! `kind` reads a point's `fields` into typed parameters through the `check`s of single values; what a `reference` to
//! another experiment leads to is found among that one's `points`; `figures` and `claims` are checked against all of it.
//! [`SweepFile::expand`] makes the tasks. A new kind of experiment is a file in `kind` and a line in its registry.

mod axis;
mod check;
mod claims;
mod distribution;
mod document;
mod drawn_points;
mod duplicate_runs;
mod error;
mod expand;
mod fields;
mod figures;
mod file;
mod kind;
mod layer;
mod layers;
mod nearest;
mod points;
mod random;
mod reference;
mod requirements;
mod search_space;
mod seeds;
mod syntax;
#[cfg(test)]
mod tests;
mod toml_value;
mod when_rule;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::claim::Claim;
use crate::data::{DatasetReference, SplitSizes};
use crate::digest::Digest;
use crate::figure::Figure;
use crate::id::{ExperimentId, SweepId, SweepName};
use crate::placement::Requirements;
use crate::task::Task;

pub use duplicate_runs::DuplicateRun;
pub use file::{ExperimentSummary, SweepFile};

/// A sweep file's text with what the command line adds: all that the expansion depends on, beside the data's digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file's name, for errors.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The profile that is applied, if any.
    pub profile: Option<String>,
    /// `--set key=value`, in order; the value is TOML, or text where it isn't.
    pub overrides: Vec<String>,
}

/// Something in a sweep file that can't be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct SweepError {
    /// The file.
    pub file: String,
    /// The line, from 1; for `--set`, the file is `--set` and the line its number.
    pub line: usize,
    /// What is wrong, with the nearest valid name where one is near.
    pub message: String,
    /// What to type instead, if it can be said.
    pub hint: Option<String>,
}

/// A sweep ready to launch.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPlan {
    /// The name and ten digits of the digest of the tasks and figures.
    pub id: SweepId,
    /// The name.
    pub name: SweepName,
    /// The tasks, in the order of the file; a point's seeds together. Several have one id where points are the same run: points
    /// of two experiments, or points of one whose parameters differ in what can't matter (batches larger than the training
    /// data). Such a run is done once and counts once, and its tasks differ in their `point`.
    pub tasks: Vec<Task>,
    /// What the experiments need of workers: those that need anything.
    pub needs: BTreeMap<ExperimentId, Requirements>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// The digests of the data sets at hand, by name, or name and version, as the sweep file has them.
pub type Datasets = BTreeMap<DatasetReference, Digest>;

/// How many examples data sets have, as far as it is known, by name, or name and version.
pub type ExampleCounts = BTreeMap<DatasetReference, SplitSizes>;
