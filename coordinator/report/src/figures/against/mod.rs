//! `against`: measures against a parameter or a single number of the runs, mean and interval over seeds at each value.

mod lanes;
mod notes;
mod panel;
mod points;
mod request;

use basin_charts::marker::Marker;
use basin_charts::style::Pen;
use basin_charts::{Chart, Entry, Swatch};
use basin_domain::figure::Layout;

use super::groups::{self, Groups, PennedGroups};
use super::table::FigureTable;
use super::{grid, legend, limits, names};
use crate::figures::notes as figure_notes;
use crate::runs::{Counts, Run};
pub(super) use request::AgainstRequest;

const DUPLICATES: &str =
    "Hollow points: runs that stand at a smaller value already, drawn again and not counted again.";

/// The chart of `request` from `runs`, with its data.
pub(super) fn chart(request: &AgainstRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let mut gaps = figure_notes::OmittedValues::default();
    let place = |run: &Run| request::place(request, run);
    let grouped = groups::group_along(runs, request.group, request.facet, request.x, place);
    let facets = groups::facets(runs, request.facet);
    let mut panels = Vec::new();
    let pens = grouped.pens();
    let penned = PennedGroups { grouped: &grouped, pens: &pens };
    let mut most = 0;
    for facet in &facets {
        for measures in request.y {
            let (panel, places) = panel::panel(request, measures, facet, penned, &mut rows, &mut gaps);
            panels.push(panel);
            most = most.max(places);
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    let mut remarks = gaps.remarks();
    remarks.extend(figure_notes::all_not_recorded(request.y.iter().flatten(), runs));
    remarks.extend(notes::without_x(request, runs));
    let mut sentences = notes::notes(request, &grouped, &facets, &remarks);
    sentences.extend(notes::marked(request, runs));
    sentences.extend(grouped.drawn());
    sentences.extend(limits::note(shown, facets.len(), "facets"));
    sentences.extend(limits::note(limits::MAX_POINTS.min(most), most, "points of a panel, evenly spread,"));
    let duplicates = figure_notes::duplicates(runs);
    if !duplicates.is_empty() {
        sentences.extend(duplicates);
        sentences.push(DUPLICATES.to_owned());
    }
    let chart = Chart {
        title: request.title.to_owned(),
        description: format!(
            "{} against {}. {}",
            names::listed(request.y.iter().flatten()),
            names::quantity(request.x, runs),
            sentences.join(" ")
        ),
        heading: None,
        legend: entries(request, &grouped, runs),
        rows: grid::arrange(&panels, Layout::Row, request.y.len(), shown),
        notes: sentences,
    };
    (chart, rows)
}

fn entries(request: &AgainstRequest<'_>, grouped: &Groups<'_>, runs: &[&Run]) -> Vec<Entry> {
    let is_joined = request.is_along_parameter(runs);
    let mut entries = legend::of_series(request.y, grouped, |_, number| match is_joined {
        true => Swatch::Marked(Pen::group(number).faint(1.4, 1.0), Marker::group(number)),
        false => Swatch::Point(Marker::group(number)),
    });
    if notes::marked(request, runs).is_some() {
        let swatch = Swatch::Point(points::RING);
        entries.push(Entry { label: "best, by a claim".to_owned(), swatch });
    }
    if Counts::of(runs.iter().copied()).diverged > 0 {
        entries.push(legend::diverged());
    }
    entries
}
