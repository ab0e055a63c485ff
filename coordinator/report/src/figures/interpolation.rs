//! `interpolation`: series against the ratio between two solutions, which are marked.

use basin_domain::claim::Middle;
use basin_domain::figure::Layout;
use basin_domain::metrics::Axis;

use super::cell::{self, CellContext};
use super::curves;
use super::drawn::Drawn;
use super::grid;
use super::groups::{self, Group, PennedGroups};
use super::notes;
use super::table::FigureTable;
use super::{legend, limits, names};
use crate::runs::Run;
use crate::statistics::Center;
use basin_charts::scale::Scale;
use basin_charts::style::Pen;
use basin_charts::{self as chart, Chart, Mark, Panel};

const DIVERGED: &str = "Diverged runs are not drawn.";

/// The request for a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct InterpolationRequest<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// The series of each panel.
    pub(super) y: &'a [Vec<String>],
    /// The series whose panels' axes are logarithmic.
    pub(super) log_y: &'a [String],
    /// The parameters that make the groups.
    pub(super) group: &'a [String],
    /// The parameter that makes the facets.
    pub(super) facet: Option<&'a str>,
    /// The middle over runs, if it isn't that which belongs to the axis.
    pub(super) middle: Option<Middle>,
}

/// The chart of `request` from `runs`, with its data.
pub(super) fn chart(request: &InterpolationRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let grouped = groups::group(runs, request.group, request.facet);
    let facets = groups::facets(runs, request.facet);
    let (mut panels, mut gaps) = (Vec::new(), notes::OmittedValues::default());
    let pens = grouped.pens();
    let penned = PennedGroups { grouped: &grouped, pens: &pens };
    let labels: Vec<String> = request.y.iter().map(|series| names::common_quantity(series, runs)).collect();
    for facet in &facets {
        for (series, label) in request.y.iter().zip(&labels) {
            panels.push(panel(request, series, label, facet, penned, &mut rows));
            for name in series {
                let points = cell::points_of(&facet.runs, name, Run::completed);
                gaps.count(&names::quantity(name, &[]), &cell::gaps(scale_of(request, series), &points));
            }
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    let mut remarks = gaps.remarks();
    remarks.extend(notes::all_not_recorded(request.y.iter().flatten(), runs));
    let cells: Vec<notes::CellCounts> = facets
        .iter()
        .flat_map(|facet| {
            grouped.groups.iter().map(move |group| (facet, group, groups::within(group, facet)))
        })
        .filter(|(_, _, runs)| !runs.is_empty())
        .map(|(facet, group, runs)| notes::CellCounts::of(notes::name(facet, group), &runs))
        .collect();
    let middle = notes::center(request.middle, request.log_y.len(), request.y.iter().flatten().count());
    let mut notes = vec![notes::counts(&cells)];
    notes.extend(notes::lines_and_bands(&cells, &middle, DIVERGED));
    notes.extend(notes::duplicates(runs));
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    notes.push("Upright lines: the two solutions, at α = 0 and α = 1.".to_owned());
    notes.extend(notes::sentences(&remarks, usize::MAX));
    let chart = Chart {
        title: request.title.to_owned(),
        description: format!("Along the straight line through two solutions. {}", notes.join(" ")),
        heading: None,
        legend: legend::of_series(request.y, &grouped, |counts, number| {
            legend::line(counts, Pen::group(number))
        }),
        rows: grid::arrange(&panels, Layout::Row, request.y.len(), shown),
        notes,
    };
    (chart, rows)
}

fn panel(
    request: &InterpolationRequest<'_>,
    series: &[String],
    label: &str,
    facet: &Group<'_>,
    PennedGroups { grouped, pens }: PennedGroups<'_>,
    rows: &mut FigureTable,
) -> Panel {
    let scale = scale_of(request, series);
    let (mut shown, mut hidden) = (Drawn::new(), Drawn::new());
    for (group, pen) in grouped.groups.iter().zip(pens) {
        hidden.clear();
        let drawn = if pen.is_some() { &mut shown } else { &mut hidden };
        let runs = groups::within(group, facet);
        for (position, name) in series.iter().enumerate() {
            let context = CellContext {
                panel: name,
                facet: &facet.label,
                group: &group.label,
                number: pen.unwrap_or_default() * legend::series_per_panel(request.y) + position,
                axis: Axis::Ratio,
                center: Center::chosen(request.middle, scale),
                bins: None,
            };
            cell::completed(context, &cell::points_of(&runs, name, Run::completed), drawn, rows);
        }
    }
    let Drawn { mut marks, readings } = shown;
    // Bands behind the lines, and the solutions behind both, where there is something to see at all.
    marks.sort_by_key(|mark| !matches!(mark, Mark::Band { .. }));
    if !marks.is_empty() {
        let solutions = [0.0, 1.0].map(|x| Mark::VerticalLine { x });
        marks.splice(0..0, curves::chance(series, &facet.runs).into_iter().chain(solutions));
    }
    Panel {
        title: facet.title(),
        annotation: None,
        x: chart::Axis::new("interpolation ratio α (0: from, 1: to)", Scale::Linear),
        y: chart::Axis::new(label, scale).within(names::common_bounds(series, &facet.runs)),
        marks,
        readings,
        is_plane: false,
    }
}

fn scale_of(request: &InterpolationRequest<'_>, series: &[String]) -> Scale {
    if series.iter().any(|series| request.log_y.contains(series)) {
        Scale::Logarithmic
    } else {
        Scale::Linear
    }
}
