//! The tables of a report: results, series, and where they come from.
//!
//! Results and series hold nothing that depends on when, where or how often something was tried: the same results give
//! the same bytes. All that lies in the table of provenance.

pub(crate) mod csv;
pub(crate) mod parameters;
mod provenance;
mod results;
mod series;

pub(crate) use provenance::{CommittedRun, commit_digest, provenance};
pub(crate) use results::{results, results_with_parameters};
pub(crate) use series::{no_series, series, series_as_csv, series_as_parquet};
