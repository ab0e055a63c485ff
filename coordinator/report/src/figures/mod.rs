//! The figures, one file a kind: from runs to a chart and its data.

mod against;
mod cell;
mod curves;
mod drawn;
mod grid;
mod groups;
mod improvement;
mod interpolation;
mod intervals;
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

use basin_domain::claim::{Check, Claim, Selection};
use basin_domain::figure::{Drawing, Figure};
use basin_domain::id::FigureId;

use super::projection::Projection;
use super::runs::{Run, of_experiments};
use basin_charts::layout::{Captions, lay_out, lay_out_within};
use basin_charts::part::View;
use basin_charts::scene::Scene;
use basin_charts::style::NARROW;
use basin_charts::{Chart, Readings, pdf, svg};
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
    /// The same as PDF.
    pub(crate) pdf: Vec<u8>,
    /// The figure without them, for a page that says them and answers to its reader.
    pub(crate) inline: InlineFigure,
    /// The same for a narrow page, panels one below the other; none where it would make the page too large.
    pub(crate) narrow: Option<InlineFigure>,
    /// The values behind each panel's marks.
    pub(crate) readings: Vec<Vec<Readings>>,
    /// Its data.
    pub(crate) csv: String,
}

/// A figure as part of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InlineFigure {
    /// The picture, its parts marked.
    pub(crate) svg: String,
    /// Its panels, in the order of the chart's.
    pub(crate) views: Vec<View>,
}

/// A picture larger than this isn't drawn a second time for narrow pages.
const MAX_NARROW: usize = 300_000;

/// Draws `figure` from `runs`; what of their recorded weights it shows is in `projections`. Points of which `claims` say that they
/// are the best are marked.
pub(crate) fn draw(
    figure: &Figure,
    runs: &[Run],
    projections: &[Projection],
    claims: &[Claim],
) -> DrawnFigure {
    let (chart, rows) = chart(figure, runs, projections, claims);
    let (id, title, description) = (figure.id.as_str(), &chart.title, &chart.description);
    let whole = lay_out(&chart, Captions::Included);
    let inline = |scene: Scene, id: &str| InlineFigure {
        svg: svg::write_for_page(&scene, id, title, description),
        views: scene.views,
    };
    let wide = inline(lay_out(&chart, Captions::Omitted), id);
    let narrow = (wide.svg.len() <= MAX_NARROW).then(|| {
        let scene = lay_out_within(&chart.stacked(), Captions::Omitted, NARROW);
        inline(scene, &format!("{id}-narrow"))
    });
    let panels = chart.rows.iter().flat_map(|row| &row.panels);
    DrawnFigure {
        svg: svg::write(&whole, id, title, description),
        pdf: pdf::write(&whole, title),
        inline: wide,
        narrow,
        readings: panels.map(|panel| panel.readings.clone()).collect(),
        csv: rows.into_csv(),
        id: figure.id.clone(),
        title: chart.title,
        notes: chart.notes,
    }
}

/// The chart of `figure` from `runs` and the `projections` of their weights, and its data. Points of which `claims` say that they
/// are the best are marked.
pub(super) fn chart(
    figure: &Figure,
    runs: &[Run],
    projections: &[Projection],
    claims: &[Claim],
) -> (Chart, FigureTable) {
    let runs = of_experiments(runs, &figure.experiments);
    let (mut chart, rows) = chart_of(figure, &runs, projections, claims);
    chart.title = names::title(figure);
    let classes =
        names::classes(&runs).map_or_else(|| "the number of".to_owned(), |classes| classes.to_string());
    intervals::settle(&mut chart, &format!("1 in {classes} classes"));
    (chart, rows)
}

/// The points of these experiments of which claims say that they are the best.
fn best_of_claims<'c>(claims: &'c [Claim], figure: &Figure) -> Vec<&'c Selection> {
    let best = |check: &'c Check| match check {
        Check::Best { of, .. } => Some(of),
        Check::Equivalent { .. }
        | Check::Greater { .. }
        | Check::Trend { .. }
        | Check::Correlation { .. }
        | Check::Within { .. }
        | Check::Together { .. }
        | Check::Smooth { .. } => None,
    };
    let best = claims.iter().flat_map(|claim| &claim.checks).filter_map(best);
    best.filter(|selection| figure.experiments.contains(&selection.experiment)).collect()
}

fn chart_of(
    figure: &Figure,
    runs: &[&Run],
    projections: &[Projection],
    claims: &[Claim],
) -> (Chart, FigureTable) {
    let (title, facet, middle) = (figure.title.as_str(), figure.facet.as_deref(), figure.middle);
    match &figure.drawing {
        Drawing::Curves { y, group, log_y, layout, each } => {
            let request = curves::CurvesRequest { title, y, group, facet, middle, log_y, layout: *layout };
            if *each { run_curves::chart(&request, runs) } else { curves::chart(&request, runs) }
        }
        Drawing::Predictions => predictions::chart(title, facet, runs),
        Drawing::Trajectories { layers } => trajectories::chart(title, facet, layers, runs, projections),
        Drawing::Surface { y, log } => surface::chart(title, facet, y, *log, runs),
        Drawing::Interpolation { y, log_y, group } => {
            let request = interpolation::InterpolationRequest { title, y, log_y, group, facet, middle };
            interpolation::chart(&request, runs)
        }
        Drawing::Spectrum { group } => spectrum::chart(title, group, facet, runs),
        Drawing::Against { x, log_x, y, log_y, group } => {
            let best = best_of_claims(claims, figure);
            let request = against::AgainstRequest {
                title,
                x,
                log_x: *log_x,
                y,
                log_y,
                group,
                facet,
                middle,
                best: &best,
            };
            against::chart(&request, runs)
        }
        Drawing::Scatter { x, log_x, y, log_y, group, solid_if } => {
            let solid_if = solid_if.as_deref();
            let request =
                scatter::ScatterRequest { title, x, log_x: *log_x, y, log_y, group, facet, solid_if };
            scatter::chart(&request, runs)
        }
    }
}
