//! `spectrum`: densities of Hessian eigenvalues, a line a run, on a logarithmic axis.

use basin_domain::experiment::series::probe::{LARGEST_EIGENVALUE, SPECTRAL_DENSITY};

use super::drawn::{Drawn, Source};
use super::grid;
use super::groups::{self, Group, Groups, PennedGroups};
use super::table::{FigureTable, RowPanel};
use super::{cell, legend, limits, notes};
use crate::exclusions::{Exclusions, Filtered, on_axis};
use crate::runs::{Counts, Run, distinct};
use basin_charts::scale::Scale;
use basin_charts::style::{Color, Pen};
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch, number};

/// The series.
const SERIES: &str = SPECTRAL_DENSITY.name;
/// Below this share of the greatest density the axis ends: what lies there is the tail of the Gaussians, not of the spectrum.
const FLOOR: f64 = 1e-7;
/// The most runs whose largest eigenvalue is written into the figure.
const LABELLED: usize = 6;

/// The chart of the spectra of `runs`, with its data.
pub(super) fn chart(
    title: &str,
    group: &[String],
    facet: Option<&str>,
    runs: &[&Run],
) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let grouped = groups::group(runs, group, facet);
    let facets = groups::facets(runs, facet);
    let peak = runs
        .iter()
        .filter_map(|run| run.completed()?.series.get(SERIES))
        .flat_map(|series| series.points.iter().map(|point| point.1))
        .filter(|density| density.is_finite())
        .fold(0.0, f64::max);
    let pens = grouped.pens();
    let penned = PennedGroups { grouped: &grouped, pens: &pens };
    let mut gaps = notes::OmittedValues::default();
    let mut most = 0;
    let mut panels: Vec<Panel> = Vec::new();
    for facet in &facets {
        let (panel, lines) = panel(facet, penned, peak, &mut rows);
        panels.push(panel);
        most = most.max(lines);
        gaps.count("density", &without_place(facet, peak));
    }
    let shown = limits::facets(facets.len(), 1);
    panels.truncate(shown);
    let cells: Vec<notes::CellCounts> =
        grouped.groups.iter().map(|group| notes::CellCounts::of(group.label.clone(), &group.runs)).collect();
    let recorded = cell::points_of(runs, SERIES, Run::completed);
    let densities = || recorded.iter().flat_map(|(_, points)| points).map(|point| point.1);
    let below = densities().filter(|&density| density.is_finite() && density < FLOOR * peak).count();
    let mut notes = vec![
        notes::counts(&cells),
        format!(
            "Each run is a line. Every eigenvalue is spread over 1 % of its run's range; densities below 10⁻⁷ of the greatest \
             are left out ({} of {}). The number at a line's last peak: the largest eigenvalue that was found.",
            number::whole(below as i64),
            number::whole(densities().count() as i64)
        ),
    ];
    notes.extend(notes::duplicates(runs));
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    notes.extend(limits::note(limits::MAX_LINES.min(most), most, "lines of a panel, evenly spread,"));
    notes.extend(notes::sentences(&gaps.remarks(), usize::MAX));
    notes.extend(
        notes::not_recorded(SERIES, runs, Run::completed).map(|text| format!("The spectrum: {text}.")),
    );
    let across = grid::columns(panels.len());
    let chart = Chart {
        title: title.to_owned(),
        description: format!("Densities of the eigenvalues of the loss's Hessian. {}", notes.join(" ")),
        heading: grouped.heading.clone(),
        legend: legend(&grouped),
        rows: panels
            .chunks(across)
            .map(|panels| chart::PanelRow { height: grid::height(across), panels: panels.to_vec() })
            .collect(),
        notes,
    };
    (chart, rows)
}

/// The densities of a facet's runs that have no place on the axis, but those below its floor.
fn without_place(facet: &Group<'_>, peak: f64) -> Exclusions {
    let points = cell::points_of(&facet.runs, SERIES, Run::completed);
    let densities = points.iter().flat_map(|(_, points)| points).map(|point| point.1);
    let above = densities.filter(|density| !density.is_finite() || *density >= FLOOR * peak);
    Filtered::partition(above, |density| on_axis(Scale::Logarithmic, density)).exclusions().clone()
}

/// The panel of a facet, and the number of its lines, all of which are drawn if they are not too many.
fn panel(
    facet: &Group<'_>,
    PennedGroups { grouped, pens }: PennedGroups<'_>,
    peak: f64,
    rows: &mut FigureTable,
) -> (Panel, usize) {
    let mut kept = Drawn::new();
    let mut drawn = 0;
    let cells: Vec<Vec<&Run>> =
        grouped.groups.iter().map(|group| distinct(groups::within(group, facet))).collect();
    let has_spectrum =
        |run: &&&Run| run.completed().is_some_and(|metrics| metrics.series.contains_key(SERIES));
    let lines = cells.iter().zip(pens).filter(|(_, pen)| pen.is_some());
    let lines: usize = lines.map(|(runs, _)| runs.iter().filter(has_spectrum).count()).sum();
    let mut place = 0;
    for ((group, runs), pen) in grouped.groups.iter().zip(&cells).zip(pens) {
        for run in runs {
            let Some(series) = run.completed().and_then(|metrics| metrics.series.get(SERIES)) else {
                continue;
            };
            for &(x, value) in &series.points {
                let panel = RowPanel {
                    panel: SERIES,
                    facet: &facet.label,
                    group: &group.label,
                    axis: SPECTRAL_DENSITY.axis.as_str(),
                };
                rows.push_run(panel, "run", run.task.spec.seed, (x, value));
            }
            let shown =
                |&(x, density): &(f64, f64)| (x, if density >= FLOOR * peak { density } else { f64::NAN });
            let points: Vec<(f64, f64)> = series.points.iter().map(shown).collect();
            let Some(number) = *pen else { continue };
            place += 1;
            if !limits::is_drawn(place - 1, lines, limits::MAX_LINES) {
                continue;
            }
            let last = last_peak(&points);
            let source = Source { series: SERIES, number, group: &group.label };
            kept.read_run(source, run.task.name(), &points);
            kept.marks.push(Mark::Line { points, pen: Pen::group(number).faint(1.4, 1.0), secondary: false });
            drawn += 1;
            if let Some(at) = last.filter(|_| drawn <= LABELLED) {
                let largest = run.completed().and_then(|metrics| metrics.last(LARGEST_EIGENVALUE.name));
                let text = number::significant(largest.unwrap_or(at.0));
                let color = Color::Group(number);
                kept.marks.push(Mark::Label { at, text, color, is_optional: false });
            }
        }
    }
    let Drawn { mut marks, readings } = kept;
    if !marks.is_empty() {
        marks.insert(0, Mark::VerticalLine { x: 0.0 });
    }
    let panel = Panel {
        title: facet.title(),
        annotation: None,
        x: chart::Axis::new("eigenvalue of the Hessian", Scale::Linear),
        y: chart::Axis::new("density", Scale::Logarithmic),
        marks,
        readings,
        is_plane: false,
    };
    (panel, lines)
}

/// The rightmost point that is higher than those beside it: where the largest eigenvalue is.
fn last_peak(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let is_peak = |triple: &&[(f64, f64)]| {
        let [before, here, after] = [triple[0].1, triple[1].1, triple[2].1];
        here.is_finite() && (before <= here || before.is_nan()) && (after <= here || after.is_nan())
    };
    points.windows(3).rev().find(is_peak).map(|triple| triple[1])
}

fn legend(grouped: &Groups<'_>) -> Vec<Entry> {
    if grouped.groups.len() <= 1 {
        return Vec::new();
    }
    let sizes = groups::ParameterCounts::of(&grouped.groups);
    grouped.entries(|group, number| {
        let counts = Counts::of(group.runs.iter().copied());
        let drawn = Entry { label: sizes.label(group), swatch: Swatch::Line(Pen::group(number)) };
        vec![legend::entry(counts.completed > 0, &group.label, counts, drawn)]
    })
}
