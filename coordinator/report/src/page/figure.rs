//! A figure on the page: its picture, its numbered caption, and its values for whoever points at them.

use basin_charts::Readings;
use basin_charts::part::View;
use basin_charts::scale::Scale;
use basin_domain::id::ExperimentId;
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::json::embedded;
use super::settings;
use super::text::text;
use crate::figures::{DrawnFigure, InlineFigure};
use crate::runs::{Run, of_experiments};

/// The most values of a figure that the page has for pointing at; the figure's data has all.
const MAX_READINGS: usize = 12_000;

/// The figure that is the n-th of the page, of runs of these experiments.
pub(super) fn figure(
    number: usize,
    figure: &DrawnFigure,
    experiments: &[ExperimentId],
    runs: &[Run],
) -> Markup {
    let id = figure.id.as_str();
    let runs = of_experiments(runs, experiments);
    html! {
        figure id=(text(id)) { "\n"
            div class=(if figure.narrow.is_some() { "plot both" } else { "plot" }) { "\n"
                div class="wide" { (PreEscaped(&figure.inline.svg)) } "\n"
                @if let Some(narrow) = &figure.narrow { div class="narrow" { (PreEscaped(&narrow.svg)) } "\n" }
            } "\n"
            figcaption {
                p { b { "Figure " (number) ". " (text(&figure.title)) "." } }
                p { (text(&figure.notes.join(" "))) }
                p class="settings" { (text(&described(experiments, &runs))) }
                p class="files" {
                    @for (place, (extension, name)) in [("svg", "SVG"), ("pdf", "PDF"), ("png", "PNG"), ("csv", "CSV")].iter().enumerate() {
                        @if place > 0 { " " }
                        a href={ "figures/" (text(id)) "." (extension) } download aria-label={ "Figure " (number) " as " (name) } { (name) }
                    }
                }
            } "\n"
            script type="application/json" class="panels" { (embedded(&panels(figure))) } "\n"
        } "\n"
    }
}

/// The data and the settings of the runs that a figure shows, by experiment.
fn described(experiments: &[ExperimentId], runs: &[&Run]) -> String {
    let mut parts: Vec<String> =
        settings::data(runs).into_iter().map(|sentence| format!("Data: {sentence}.")).collect();
    for id in experiments {
        let own: Vec<&Run> = runs.iter().copied().filter(|run| run.task.experiment == *id).collect();
        let said = [settings::networks(&own), settings::training(&own), settings::seeds(&own)];
        let said: Vec<&str> = said.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        parts.push(format!("{id}: {}.", said.join("; ")));
    }
    parts.join(" ")
}

/// The panels for the script, with as many of their values as the page has room for, evenly spread.
fn panels(figure: &DrawnFigure) -> Value {
    let count: usize = figure.readings.iter().flatten().map(|readings| readings.points.len()).sum();
    let every = count.div_ceil(MAX_READINGS).max(1);
    let mut place = 0;
    let readings: Vec<Vec<Value>> = figure
        .readings
        .iter()
        .map(|panel| {
            let lines = panel.iter().map(|readings| values(readings, every, &mut place));
            lines.filter(|value| !value.is_null()).collect()
        })
        .collect();
    let views = |inline: &InlineFigure| -> Vec<Value> { inline.views.iter().map(view).collect() };
    json!({ "wide": views(&figure.inline), "narrow": figure.narrow.as_ref().map(views), "readings": readings })
}

fn view(view: &View) -> Value {
    let is_logarithmic = |scale: Scale| scale == Scale::Logarithmic;
    let plot = view.plot;
    let edges = [plot.left, plot.top, plot.right, plot.bottom].map(short);
    json!({
        "plot": edges,
        "x": [short(view.x.low), short(view.x.high)], "logX": is_logarithmic(view.x.scale), "nameX": view.x_label,
        "y": [short(view.y.low), short(view.y.high)], "logY": is_logarithmic(view.y.scale), "nameY": view.y_label,
    })
}

/// The values of one line: x, y and, where there is more to say, the interval's ends, n, and the x that is meant; nothing if none is
/// left of them. Every so-manieth is kept.
fn values(readings: &Readings, every: usize, place: &mut usize) -> Value {
    let mut points: Vec<Value> = Vec::new();
    for point in &readings.points {
        *place += 1;
        if !place.is_multiple_of(every) && every > 1 {
            continue;
        }
        let (x, y) = (short(point.at.0), short(point.at.1));
        let (low, high) =
            point.interval.map_or((Value::Null, Value::Null), |(low, high)| (finite(low), finite(high)));
        points.push(if point.x.to_bits() != point.at.0.to_bits() {
            json!([x, y, low, high, point.n, short(point.x)])
        } else if point.interval.is_some() || point.n != 1 {
            json!([x, y, low, high, point.n])
        } else {
            json!([x, y])
        });
    }
    if points.is_empty() {
        return Value::Null;
    }
    json!({ "group": readings.group, "label": readings.label, "name": readings.quantity, "run": readings.run, "points": points })
}

/// A number to six figures.
fn short(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

/// A number to six figures, if it is one.
fn finite(value: f64) -> Value {
    if value.is_finite() { json!(short(value)) } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{figures, samples};

    fn drawn(number: usize, runs: &[Run]) -> DrawnFigure {
        figures::draw(&samples::figures()[number], runs, &[], &[])
    }

    #[test]
    fn a_caption_has_its_number_and_names_data_and_settings() {
        let runs = samples::images(3, 10);
        let figure = figure(3, &drawn(2, &runs), &samples::figures()[2].experiments, &runs).into_string();
        assert!(
            figure.contains("<b>Figure 3. Classifying images: a shallower and a deeper network.</b>"),
            "{figure}"
        );
        assert!(figure.contains("shallow: convolutions (12, 32), dense layers (128, 64), "), "{figure}");
        assert!(
            figure.contains("30 epochs, batch size 64, adam, learning rate 0.001; seeds 0–2."),
            "{figure}"
        );
        assert!(figure.contains("href=\"figures/3-images.pdf\""));
    }

    #[test]
    fn the_page_has_values_with_their_intervals_and_numbers_of_runs() {
        let runs = samples::images(5, 10);
        let figure = drawn(2, &runs);
        let panels = panels(&figure);
        assert_eq!(panels["wide"].as_array().unwrap().len(), 2);
        assert_eq!(panels["narrow"].as_array().unwrap().len(), 2);
        let first = &panels["readings"][0][0];
        assert_eq!(
            (&first["label"], &first["group"], &first["run"]),
            (&json!("shallow"), &json!(0), &Value::Null)
        );
        let point = first["points"][0].as_array().unwrap();
        assert_eq!((point.len(), &point[4]), (5, &json!(5)));
        assert!(point[2].as_f64().unwrap() < point[1].as_f64().unwrap());
    }

    #[test]
    fn a_figure_of_very_many_values_has_no_more_than_there_is_room_for() {
        let runs = samples::images(1, 60_000);
        let figure = drawn(3, &runs);
        let panels = panels(&figure);
        let lines = panels["readings"].as_array().unwrap().iter().flat_map(|panel| panel.as_array().unwrap());
        let count: usize = lines.map(|line| line["points"].as_array().unwrap().len()).sum();
        assert!(count > 100 && count <= MAX_READINGS, "{count}");
    }
}
