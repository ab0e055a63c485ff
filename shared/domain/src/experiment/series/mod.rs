//! The series and single numbers that runs record, as their kinds declare them: a file a kind, and one each for what every
//! trained network records and for probes.
//!
//! A declaration says what stands in files (name, axis) and what people read (label, unit, which end is the better one).
//! A run's parameters decide about the declarations of its kind that it records: [`super::Experiment::series`] and
//! [`super::Experiment::numbers`] list them.

pub mod classify;
pub mod critical_point;
pub mod fit_function;
pub mod interpolate;
pub mod probe;
pub mod regress;
pub mod surface;
pub mod training;

mod declaration;
mod kinds;

pub(super) use declaration::names;
pub use declaration::{Loss, SeriesDeclaration, Split, Unit, ValueRange};
pub use kinds::{KINDS, declared_by, find};
