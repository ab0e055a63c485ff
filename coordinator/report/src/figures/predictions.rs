//! `predictions`: what fitted networks predict, over the ground truth, and by how much they miss it below.

use basin_domain::experiment::series::fit_function::{PREDICTION, TARGET};

use super::cell::{self, CellContext, Points};
use super::drawn::Drawn;
use super::grid;
use super::groups::{self, Group, ParameterCounts};
use super::table::{FigureRow, FigureTable};
use super::{legend, limits, notes};
use crate::runs::{Counts, Run, distinct};
use crate::statistics::Center;
use basin_charts::scale::Scale;
use basin_charts::style::{Color, Pen};
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch};

const TRUTH: Pen = Pen::solid(Color::Muted, 4.5).faint(4.5, 0.4);

/// The chart of the predictions of `runs`, with its data.
pub(super) fn chart(title: &str, facet: Option<&str>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let facets = groups::facets(runs, facet);
    let grouped = groups::group(runs, &[], facet);
    let (mut cells, mut gaps) = (Vec::new(), notes::OmittedValues::default());
    let pens = grouped.pens();
    let mut pairs: Vec<(Panel, Panel)> = Vec::new();
    for facet in &facets {
        let mut predicted = PredictionPanel::new(PREDICTION.name);
        let mut error = PredictionPanel::new("error");
        let truth = facet.runs.iter().find_map(|run| Some(&run.completed()?.series.get(TARGET.name)?.points));
        predicted.draw_truth(facet, truth, &mut rows);
        error.drawn.marks.push(Mark::HorizontalLine { y: 0.0, pen: Pen::solid(Color::Muted, 0.9) });
        for (group, pen) in grouped.groups.iter().zip(&pens) {
            let runs = groups::within(group, facet);
            if runs.is_empty() {
                continue;
            }
            let predictions = cell::points_of(&runs, PREDICTION.name, Run::completed);
            let errors = distinct(runs.iter().copied())
                .into_iter()
                .filter_map(|run| {
                    let metrics = run.completed()?;
                    let (prediction, target) =
                        (metrics.series.get(PREDICTION.name)?, metrics.series.get(TARGET.name)?);
                    Some((run.task.spec.seed, differences(&prediction.points, &target.points)))
                })
                .collect::<Vec<_>>();
            gaps.count("predictions", &cell::gaps(Scale::Linear, &predictions));
            predicted.draw(facet, group, *pen, &predictions, &mut rows);
            error.draw(facet, group, *pen, &errors, &mut rows);
            cells.push(notes::CellCounts::of(notes::name(facet, group), &runs));
        }
        let title = facet.title();
        pairs.push((predicted.panel(title, "f(x)"), error.panel(None, "prediction − truth")));
    }
    let shown = limits::facets(pairs.len(), 2);
    pairs.truncate(shown);
    let across = grid::columns(pairs.len());
    let mut chart_rows = Vec::new();
    for pairs in pairs.chunks(across) {
        let height = [250.0, 200.0, 165.0][across - 1];
        chart_rows
            .push(chart::PanelRow { height, panels: pairs.iter().map(|pair| pair.0.clone()).collect() });
        chart_rows.push(chart::PanelRow {
            height: 105.0,
            panels: pairs.iter().map(|pair| pair.1.clone()).collect(),
        });
    }
    let mut notes = vec![notes::counts(&cells)];
    notes.extend(notes::lines_and_bands(
        &cells,
        &notes::DrawnMiddle::of(Center::Mean),
        "Diverged runs have no predictions.",
    ));
    notes.extend(notes::duplicates(runs));
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    notes.extend(notes::sentences(&gaps.remarks(), usize::MAX));
    let lacking = notes::not_recorded(PREDICTION.name, runs, Run::completed);
    notes.extend(lacking.map(|text| format!("Predictions: {text}.")));
    let description = format!(
        "Predictions of {} over the ground truth, with their errors below. {}",
        limits::listed(grouped.groups.iter().map(|group| group.label.as_str())),
        notes.join(" ")
    );
    let sizes = ParameterCounts::of(&grouped.groups);
    let mut entries = vec![Entry { label: "ground truth".to_owned(), swatch: Swatch::Line(TRUTH) }];
    entries.extend(grouped.entries(|group, number| {
        let label = match &grouped.heading {
            Some(heading) => format!("{heading} {}", sizes.label(group)),
            None => sizes.label(group),
        };
        let counts = Counts::of(group.runs.iter().copied());
        let drawn = Entry { label: label.clone(), swatch: legend::line(counts, Pen::group(number)) };
        vec![legend::entry(counts.completed > 0, &label, counts, drawn)]
    }));
    (
        Chart {
            title: title.to_owned(),
            description,
            heading: None,
            legend: entries,
            rows: chart_rows,
            notes,
        },
        rows,
    )
}

/// A panel in the making.
struct PredictionPanel {
    series: &'static str,
    drawn: Drawn,
}

impl PredictionPanel {
    fn new(series: &'static str) -> Self {
        Self { series, drawn: Drawn::new() }
    }

    fn draw_truth(&mut self, facet: &Group<'_>, truth: Option<&Points>, rows: &mut FigureTable) {
        let Some(truth) = truth else { return };
        for &(x, value) in truth {
            rows.push(&FigureRow {
                panel: self.series,
                facet: &facet.label,
                group: "",
                what: "truth",
                seed: None,
                axis: TARGET.axis.as_str(),
                x,
                value,
                interval: None,
                n: 0,
            });
        }
        self.drawn.marks.push(Mark::Line { points: truth.clone(), pen: TRUTH, secondary: false });
    }

    fn draw(
        &mut self,
        facet: &Group<'_>,
        group: &Group<'_>,
        pen: Option<usize>,
        runs: &[(u64, Points)],
        rows: &mut FigureTable,
    ) {
        let mut hidden = Drawn::new();
        let drawn = if pen.is_some() { &mut self.drawn } else { &mut hidden };
        let context = CellContext {
            panel: self.series,
            facet: &facet.label,
            group: &group.label,
            number: pen.unwrap_or_default(),
            axis: TARGET.axis,
            center: Center::Mean,
            bins: None,
        };
        cell::completed(context, runs, drawn, rows);
    }

    fn panel(self, title: Option<String>, y: &str) -> Panel {
        Panel {
            title,
            annotation: None,
            x: chart::Axis::new("x", Scale::Linear),
            y: chart::Axis::new(y, Scale::Linear),
            marks: self.drawn.marks,
            readings: self.drawn.readings,
            is_plane: false,
        }
    }
}

/// The differences of two series where both have a value at the same x.
fn differences(minuend: &Points, subtrahend: &Points) -> Points {
    let mut rest = subtrahend.iter().peekable();
    minuend
        .iter()
        .filter_map(|&(x, value)| {
            while rest.next_if(|point| point.0 < x).is_some() {}
            let other = rest.peek().filter(|point| point.0 == x)?;
            Some((x, value - other.1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_taken_where_both_have_a_value() {
        let predictions = vec![(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)];
        let targets = vec![(0.0, 0.5), (2.0, 4.0), (3.0, 0.0)];
        assert_eq!(differences(&predictions, &targets), [(0.0, 0.5), (2.0, -1.0)]);
    }
}
