//! `interpolation`: series against the ratio between two solutions, which are marked.

use basin_domain::figure::Layout;
use basin_domain::metrics::Axis;

use super::cell::{self, CellContext};
use super::grid;
use super::groups::{self, Group, Groups};
use super::notes::{self, Remark};
use super::table::FigureTable;
use super::{limits, names};
use crate::runs::{Counts, Run};
use crate::statistics::Center;
use basin_charts::scale::Scale;
use basin_charts::style::Pen;
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch};

const DIVERGED: &str = "Diverged runs are not drawn.";

/// What is asked for.
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
}

/// The chart of `request` from `runs`, with its data.
pub(super) fn chart(request: &InterpolationRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let grouped = groups::group(runs, request.group, request.facet);
    let facets = groups::facets(runs, request.facet);
    let (mut panels, mut gaps) = (Vec::new(), notes::OmittedValues::default());
    let pens = grouped.pens();
    let labels: Vec<String> = request.y.iter().map(|series| names::common_quantity(series, runs)).collect();
    for facet in &facets {
        for (series, label) in request.y.iter().zip(&labels) {
            panels.push(panel(request, (series, label), facet, (&grouped, &pens), &mut rows));
            for name in series {
                let points = cell::points_of(&facet.runs, name, Run::completed);
                gaps.count(&names::quantity(name, &[]), &cell::gaps(scale_of(request, series), &points));
            }
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    let mut remarks = gaps.remarks();
    for series in request.y.iter().flatten() {
        let quantity = names::quantity(series, &[]);
        let text = notes::not_recorded(series, runs, Run::completed);
        remarks.extend(text.map(|text| Remark { quantity, text }));
    }
    let cells: Vec<notes::CellCounts> = facets
        .iter()
        .flat_map(|facet| {
            grouped.groups.iter().map(move |group| (facet, group, groups::within(group, facet)))
        })
        .filter(|(_, _, runs)| !runs.is_empty())
        .map(|(facet, group, runs)| notes::CellCounts::of(notes::name(facet, group), &runs))
        .collect();
    let middle = match (request.log_y.len(), request.y.iter().flatten().count()) {
        (0, _) => Center::Mean.words().to_owned(),
        (logarithmic, all) if logarithmic == all => Center::GeometricMean.words().to_owned(),
        _ => format!(
            "{} ({} where the axis is logarithmic)",
            Center::Mean.words(),
            Center::GeometricMean.words()
        ),
    };
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
        legend: legend(request, &grouped),
        rows: grid::arrange(&panels, Layout::Row, request.y.len(), shown),
        notes,
    };
    (chart, rows)
}

fn panel(
    request: &InterpolationRequest<'_>,
    (series, label): (&[String], &str),
    facet: &Group<'_>,
    (grouped, pens): (&Groups<'_>, &[Option<usize>]),
    rows: &mut FigureTable,
) -> Panel {
    let scale = scale_of(request, series);
    let (mut marks, mut hidden) = (Vec::new(), Vec::new());
    for (group, pen) in grouped.groups.iter().zip(pens) {
        hidden.clear();
        let marks = if pen.is_some() { &mut marks } else { &mut hidden };
        let runs = groups::within(group, facet);
        for (position, name) in series.iter().enumerate() {
            let context = CellContext {
                panel: name,
                facet: &facet.label,
                group: &group.label,
                number: pen.unwrap_or_default() * series_per_panel(request) + position,
                axis: Axis::Ratio,
                center: if scale == Scale::Linear { Center::Mean } else { Center::GeometricMean },
                bins: None,
            };
            cell::completed(context, &cell::points_of(&runs, name, Run::completed), marks, rows);
        }
    }
    // Bands behind the lines, and the solutions behind both, where there is something to see at all.
    marks.sort_by_key(|mark| !matches!(mark, Mark::Band { .. }));
    if !marks.is_empty() {
        marks.splice(0..0, [0.0, 1.0].map(|x| Mark::VerticalLine { x }));
    }
    Panel {
        title: (!facet.label.is_empty()).then(|| facet.label.clone()),
        annotation: None,
        x: chart::Axis::new("interpolation ratio α (0: from, 1: to)", Scale::Linear),
        y: chart::Axis::new(label, scale),
        marks,
    }
}

fn scale_of(request: &InterpolationRequest<'_>, series: &[String]) -> Scale {
    if series.iter().any(|series| request.log_y.contains(series)) {
        Scale::Logarithmic
    } else {
        Scale::Linear
    }
}

/// The most series of a panel: so many pens each group takes, so that a panel's second series has the same pen in all panels.
fn series_per_panel(request: &InterpolationRequest<'_>) -> usize {
    request.y.iter().map(Vec::len).max().unwrap_or(1)
}

fn legend(request: &InterpolationRequest<'_>, grouped: &Groups<'_>) -> Vec<Entry> {
    let positions: Vec<String> =
        (0..series_per_panel(request)).map(|position| names::position(request.y, position)).collect();
    if positions.len() == 1 && grouped.groups.len() <= 1 {
        return Vec::new();
    }
    grouped.entries(|group, number| {
        let counts = Counts::of(group.runs.iter().copied());
        let entry = |(position, name): (usize, &String)| {
            let label = match (positions.len(), grouped.groups.len()) {
                (1, _) => group.label.clone(),
                (_, 1) => name.clone(),
                _ => format!("{} · {name}", group.label),
            };
            let pen = Pen::group(number * positions.len() + position);
            if counts.completed == 0 {
                Entry { label: format!("{label} ({})", counts.left_out()), swatch: Swatch::Nothing }
            } else if counts.completed >= cell::MIN_AVERAGED {
                Entry { label, swatch: Swatch::Banded(pen) }
            } else {
                Entry { label, swatch: Swatch::Line(pen) }
            }
        };
        positions.iter().enumerate().map(entry).collect()
    })
}
