//! The figures, one file a kind: from runs to a chart and its data.

mod against;
mod cell;
mod curves;
mod grid;
mod groups;
mod improvement;
mod interpolation;
pub(crate) mod labels;
mod legend;
mod limits;
pub(crate) mod names;
mod notes;
mod predictions;
mod run_curves;
mod scatter;
mod spectrum;
mod surface;
mod table;
mod tiles;
mod trajectories;

use basin_domain::figure::{Drawing, Figure};
use basin_domain::id::FigureId;

use super::projection::Projection;
use super::runs::{Run, of_experiments};
use basin_charts::layout::{Captions, lay_out};
use basin_charts::{Chart, svg};
use table::FigureTable;

/// A drawn figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DrawnFigure {
    /// The file name without extension.
    pub(crate) id: FigureId,
    /// The title.
    pub(crate) title: String,
    /// The sentences below the figure: what is averaged, and what is missing.
    pub(crate) notes: Vec<String>,
    /// The figure, with its title and notes.
    pub(crate) svg: String,
    /// The figure without them, for a page that says them.
    pub(crate) inline: String,
    /// Its data.
    pub(crate) csv: String,
}

/// Draws `figure` from `runs`; what of their recorded weights it shows is in `projections`.
pub(crate) fn draw(figure: &Figure, runs: &[Run], projections: &[Projection]) -> DrawnFigure {
    let (chart, rows) = chart(figure, runs, projections);
    let id = &figure.id;
    let svg =
        |captions| svg::write(&lay_out(&chart, captions), id.as_str(), &chart.title, &chart.description);
    DrawnFigure {
        svg: svg(Captions::Included),
        inline: svg(Captions::Omitted),
        csv: rows.into_csv(),
        id: id.clone(),
        title: chart.title,
        notes: chart.notes,
    }
}

/// The chart of `figure` from `runs` and the `projections` of their weights, and its data.
pub(super) fn chart(figure: &Figure, runs: &[Run], projections: &[Projection]) -> (Chart, FigureTable) {
    let runs = of_experiments(runs, &figure.experiments);
    let (title, facet, middle) = (figure.title.as_str(), figure.facet.as_deref(), figure.middle);
    match &figure.drawing {
        Drawing::Curves { y, group, log_y, layout, each } => {
            let request = curves::CurvesRequest { title, y, group, facet, middle, log_y, layout: *layout };
            if *each { run_curves::chart(&request, &runs) } else { curves::chart(&request, &runs) }
        }
        Drawing::Predictions => predictions::chart(title, facet, &runs),
        Drawing::Trajectories { layers } => trajectories::chart(title, facet, layers, &runs, projections),
        Drawing::Surface { y, log } => surface::chart(title, facet, y, *log, &runs),
        Drawing::Interpolation { y, log_y, group } => {
            let request = interpolation::InterpolationRequest { title, y, log_y, group, facet, middle };
            interpolation::chart(&request, &runs)
        }
        Drawing::Spectrum { group } => spectrum::chart(title, group, facet, &runs),
        Drawing::Against { x, log_x, y, log_y, group } => {
            let request = against::AgainstRequest { title, x, log_x: *log_x, y, log_y, group, facet, middle };
            against::chart(&request, &runs)
        }
        Drawing::Scatter { x, log_x, y, log_y, group, solid_if } => {
            let solid_if = solid_if.as_deref();
            let request =
                scatter::ScatterRequest { title, x, log_x: *log_x, y, log_y, group, facet, solid_if };
            scatter::chart(&request, &runs)
        }
    }
}
