//! The report: tables, figures and a page, made from the store alone.
//!
//! [`write()`] gathers a sweep's results from the store ([`gather`]) and hands them to [`Results::write`], which is
//! where to start reading: tables ([`tables`]), figures ([`figures`], drawn by [`basin_charts`]), claims ([`claims`])
//! and the page ([`page`]) are pure functions of them. Result tables and figures hold no time, host or attempt, so that
//! the same results give the same bytes; a report of a sweep that isn't done says what is missing.
//! [`export()`] writes the same runs in the forms of other programs ([`export`](mod@export)), and [`SweepTables`] answers questions in
//! SQL about the tables ([`query`]).
//! [`GrowingResults`] are results on the way: who looks on sees of claims and figures what the report will say.

mod atomic_file;
mod claims;
mod dataset_contents;
mod default_figures;
mod duplicates;
mod endings;
mod error;
mod exclusions;
mod export;
mod export_format;
mod figures;
mod files;
mod folder;
mod forecast;
mod gather;
mod live;
mod page;
mod projection;
mod query;
mod results;
mod run_folder;
mod runs;
#[cfg(test)]
mod samples;
mod selection;
mod statistics;
mod stored_numbers;
mod summary;
mod tables;
#[cfg(test)]
mod tests;
mod write;

pub use atomic_file::write_file;
pub use basin_charts::png::RenderError;
pub use claims::Verdict;
pub use error::{ReportError, is_of_this_object};
pub use export::{ExportSummary, export};
pub use export_format::ExportFormat;
pub use folder::{FileSet, FolderError, OtherSweepPolicy, OutputFolder};
pub use forecast::{CheckForecast, ClaimForecast, ForecastUnit, POWER_OF_FORECAST, Pilot, forecast};
pub use live::{
    ClaimNow, ClaimsNow, CurveGroup, Curves, FigureNow, FigurePicture, GrowingResults, ReadRuns, Recorded,
    axis_name, claims_now, curve_series, curves, declared_series, figure_picture, figures_now, last_values,
    parameter_name, quantity, read_runs, varied_parameters,
};
pub use projection::{
    CheckPlace, Distances, DistancesByCheck, ExcludedRun, PairDistance, PathPoint, Projection,
    ProjectionsByFigure, RunDistance, WeightPath,
};
pub use query::{
    Answer, Cell, ColumnSchema, ColumnType, FUNCTIONS, Place, QueryError, SweepTables, TableSchema,
};
pub use results::{Results, Status};
pub use run_folder::run_folder;
pub use runs::{Counts, Run, RunState};
pub use stored_numbers::{StoredNumbers, StoredNumbersByTask};
pub use summary::{ClaimSummary, FigureSummary, ReportSummary};
pub use write::{write, write_into, write_with};
