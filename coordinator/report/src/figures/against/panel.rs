//! One panel: measures of each group at each place.

use basin_charts::scale::Scale;
use basin_charts::{self as chart, Panel};

use super::lanes::Lanes;
use super::points::{PanelBuilder, places};
use super::request::{AgainstRequest, place};
use crate::figures::drawn::Drawn;
use crate::figures::groups::{self, Group, PennedGroups};
use crate::figures::improvement::{self, PlacedRuns};
use crate::figures::table::{FigureTable, RowPanel};
use crate::figures::{curves, legend, names, notes};
use crate::runs::{Run, distinct};

/// The panel of these measures and of one facet's runs, and at how many places points stand in it.
pub(super) fn panel(
    request: &AgainstRequest<'_>,
    measures: &[String],
    facet: &Group<'_>,
    PennedGroups { grouped, pens }: PennedGroups<'_>,
    rows: &mut FigureTable,
    gaps: &mut notes::OmittedValues,
) -> (Panel, usize) {
    let is_logarithmic = measures.iter().any(|measure| request.log_y.contains(measure));
    let scale = Scale::logarithmic_if(is_logarithmic);
    let x = Scale::logarithmic_if(request.log_x);
    let placed: Vec<Vec<(f64, &Run)>> = grouped
        .groups
        .iter()
        .map(|group| groups::within(group, facet))
        .map(|runs| runs.into_iter().filter_map(|run| Some((place(request, run)?, run))).collect())
        .collect();
    let drawn = placed.iter().zip(pens).filter(|(_, pen)| pen.is_some());
    let count = measures.len() * drawn.map(|(placed, _)| places(placed)).sum::<usize>();
    let per_panel = legend::series_per_panel(request.y);
    let lanes = measures.len() * pens.iter().flatten().count();
    let places = placed.iter().flatten().map(|(x, _)| *x);
    let mut builder = PanelBuilder {
        request,
        scales: [x, scale],
        facet: &facet.label,
        is_joined: request.is_along_parameter(&facet.runs),
        lanes: Lanes::of(x, places, lanes),
        count,
        drawn: Drawn::new(),
        crosses: Vec::new(),
    };
    for (number, group) in grouped.groups.iter().enumerate() {
        for (position, measure) in measures.iter().enumerate() {
            let pen = pens[number].map(|number| {
                if measures.len() == 1 && grouped.groups.len() == 1 && per_panel > 1 {
                    // Neither training nor test, which have the first pens: its axis names it.
                    per_panel
                } else {
                    number * per_panel + position
                }
            });
            builder.draw(measure, group, pen, &placed[number], rows, gaps);
        }
    }
    if request.middle.is_some() {
        for measure in measures {
            let groups = grouped.groups.iter().zip(&placed);
            let runs: Vec<PlacedRuns<'_>> =
                groups.flat_map(|(group, runs)| at_each_place(measure, group, runs)).collect();
            let panel = RowPanel { panel: measure, facet: &facet.label, group: "", axis: request.x };
            improvement::write(panel, &runs, rows);
        }
    }
    let all: Vec<&Run> = facet.runs.clone();
    let Drawn { mut marks, readings } = builder.into_drawn();
    marks.splice(0..0, curves::chance(measures, &all).filter(|_| !readings.is_empty()));
    let panel = Panel {
        title: facet.title(),
        annotation: None,
        x: axis(request, &all),
        y: chart::Axis::new(names::common_quantity(measures, &all), scale)
            .within(names::common_bounds(measures, &all)),
        marks,
        readings,
        is_plane: false,
    };
    (panel, count)
}

/// The values of a group's runs at each place, from the smallest on.
fn at_each_place<'a>(measure: &str, group: &'a Group<'_>, placed: &[(f64, &Run)]) -> Vec<PlacedRuns<'a>> {
    let mut ordered: Vec<(f64, &Run)> = placed.to_vec();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let of = |here: &[(f64, &Run)]| {
        let runs = distinct(here.iter().map(|(_, run)| *run));
        let values = runs.iter().filter_map(|run| run.completed()?.last(measure));
        PlacedRuns {
            group: &group.label,
            x: here[0].0,
            values: values.filter(|value| value.is_finite()).collect(),
        }
    };
    ordered.chunk_by(|a, b| a.0 == b.0).map(of).collect()
}

fn axis(request: &AgainstRequest<'_>, runs: &[&Run]) -> chart::Axis {
    let label = names::quantity(request.x, runs);
    let axis = chart::Axis::new(label, Scale::logarithmic_if(request.log_x));
    if !runs.iter().any(|run| names::value_of(run, request.x).is_some()) {
        return axis;
    }
    // A parameter has the values that the sweep gave it and no others.
    let mut ticks: Vec<f64> = runs.iter().filter_map(|run| place(request, run)).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    axis.with_ticks(ticks)
}
