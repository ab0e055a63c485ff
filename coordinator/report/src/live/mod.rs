//! Results while they come: what a report will say, for those who look on.
//!
//! [`GrowingResults`] are a sweep's runs, each read once when it is committed; claims, figures and curves are made of them by the same code
//! as in the report, so that what is seen on the way is what the report says in the end.

mod claims;
mod figures;
mod growing;
mod mean_curves;
mod wording;

pub use claims::{ClaimNow, ClaimsNow, claims_now};
pub use figures::{FigureNow, FigurePicture, figure_picture, figures_now};
pub use growing::{GrowingResults, ReadRuns, Recorded, read_runs};
pub use mean_curves::{CurveGroup, Curves, curve_series, curves, declared_series, varied_parameters};
pub use wording::{axis_name, last_values, parameter_name, quantity};
