//! The sweep file: read, checked, and expanded into tasks.
//!
//! Each stage is a file, and needs only those named before it:
//!
//! 1. The ground: `source`, `location`, `error`, `problems`, which collects errors so that all of a file are told at once, and
//!    `nearest`, which finds the name that was meant.
//! 2. TOML: `syntax` reads text into a `toml_value`, whose values know their lines, `syntax_error` says what is none; `check`
//!    makes single values typed.
//! 3. One layer of an experiment: `layer`, of `axis`, `random` (each parameter by its `distribution`, no point twice thanks to
//!    `drawn_points`), `when_rule`, `seeds` and `requirements`.
//! 4. One point: a `kind` reads its `fields` into a `parsed_point`. A kind that reads other experiments' runs names them by
//!    `reference`s, and its `derivation` completes it once each `referenced_run` is found.
//! 5. The whole file: `document` takes it apart, `layers` puts its layers over each other, and a `search_space` per experiment
//!    comes out; `unread` names those experiments that couldn't be read.
//! 6. Across experiments: `reference_resolver` finds runs through a `point_index`, `reference_advice` says what to write where
//!    it finds none or several, `resolved_experiment` is a point with all that
//!    it takes from them; `measured_series` is all that an experiment's runs record; `figures` and `claims` are checked against the `quantities` that experiments record.
//! 7. `expand` makes the tasks, a `plan`, in which `duplicate_runs` are found, and claims that are `undecidable`. `file` is the whole: [`SweepFile::parse`] and
//!    [`SweepFile::expand`].
//!
//! A new kind of experiment is a file in `kind` and a line in its registry.

mod axis;
mod check;
mod claims;
mod derivation;
mod distribution;
mod document;
mod drawn_points;
mod duplicate_runs;
mod error;
mod expand;
mod experiment_header;
mod fields;
mod figures;
mod file;
mod kind;
mod layer;
mod layers;
mod location;
mod measured_series;
mod nearest;
mod network;
mod parsed_point;
mod plan;
mod point_index;
mod problems;
mod quantities;
mod random;
mod reference;
mod reference_advice;
mod reference_resolver;
mod referenced_run;
mod requirements;
mod resolved_experiment;
mod search_space;
mod seeds;
mod source;
mod syntax;
mod syntax_error;
#[cfg(test)]
mod tests;
mod toml_value;
mod undecidable;
mod unread;
mod when_rule;

pub use duplicate_runs::DuplicateRun;
pub use error::{SweepError, SweepErrors};
pub use file::{ExperimentSummary, SweepFile};
pub use plan::{SweepNote, SweepPlan, WrittenNeeds};
pub use source::{DatasetContents, Datasets, Source};
