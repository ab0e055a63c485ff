//! What a sweep came to so far: curves, claims with their verdicts, figures.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use basin_domain::id::ExperimentId;
use basin_domain::metrics::Axis;
use basin_proto::{live_series, v1};
use basin_report::{
    CurveGroup, Curves, GrowingResults, Verdict, axis_name, curve_series, curves, declared_series,
    parameter_name, varied_parameters,
};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::common::chart;
use super::source;
use super::tasks::table_of;
use crate::answer::parts::{sweep_url, text, time, whole};
use crate::answer::{Failure, Query, json_answer};
use crate::context::{Asked, Shared};
use crate::model::{FigureShown, ShownResults, SweepModel, Turn};
use crate::table::Wanted;

/// The most running tasks whose curves are shown.
const RUNNING: usize = 16;
/// The series that is shown where none is chosen, the first of these that there is.
const FIRST: [&str; 5] = ["test_accuracy", "train_loss", "test_loss", "loss", "train_accuracy"];
/// The series that running tasks say step by step, whatever they record.
const LOSS: &str = "loss";

/// What can be chosen, and what is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Choice {
    experiments: Vec<String>,
    series: Vec<String>,
    parameters: Vec<String>,
    experiment: String,
    chosen_series: String,
    by: Option<String>,
}

impl Choice {
    /// The choices that there are in these runs, and what a query chooses of them.
    fn of(runs: &GrowingResults, query: &Query) -> Option<Self> {
        let all = &runs.results().runs;
        let mut experiments: Vec<String> = Vec::new();
        for run in all {
            if experiments.last().is_none_or(|last| last != run.task.experiment.as_str()) {
                let name = run.task.experiment.to_string();
                if !experiments.contains(&name) {
                    experiments.push(name);
                }
            }
        }
        let asked = query.get("experiment").filter(|asked| experiments.iter().any(|it| it == asked));
        let experiment = asked.or_else(|| experiments.first().map(String::as_str))?.to_owned();
        let id = ExperimentId::new(experiment.as_str()).ok()?;
        let mut series = curve_series(all, &id);
        if series.is_empty() {
            series = declared_series(all, &id);
            if !series.iter().any(|name| name == LOSS) {
                series.insert(0, LOSS.to_owned());
            }
        }
        let parameters = varied_parameters(all, &id);
        let has = |name: &str| series.iter().any(|it| it == name);
        let first = FIRST.into_iter().find(|name| has(name)).or_else(|| series.first().map(String::as_str));
        let chosen = query.get("series").filter(|name| has(name)).or(first)?.to_owned();
        let by = query.get("by").filter(|by| parameters.iter().any(|it| it == by)).map(str::to_owned);
        Some(Self { experiments, series, parameters, experiment, chosen_series: chosen, by })
    }

    fn query(&self) -> String {
        Query::default().with(&[
            ("experiment", Some(self.experiment.as_str())),
            ("series", Some(self.chosen_series.as_str())),
            ("by", self.by.as_deref()),
        ])
    }
}

/// What can be chosen of a sweep's curves; none before its plan was read.
pub(crate) async fn choice(sweep: &Arc<SweepModel>, query: &Query) -> Option<Choice> {
    let (runs, query) = (Arc::clone(&sweep.results.runs), query.clone());
    let found = tokio::task::spawn_blocking(move || {
        let runs = runs.blocking_read();
        runs.as_ref().and_then(|runs| Choice::of(runs, &query))
    });
    found.await.ok().flatten()
}

/// The curves of a sweep, with the form that chooses among them.
pub(crate) fn curves_section(sweep: &str, choice: Option<&Choice>) -> Markup {
    let Some(choice) = choice else {
        return html! { p.empty { "What the sweep's tasks came to is being read." } };
    };
    let options = |values: &[String], chosen: &str| {
        html! {
            @for value in values {
                option value=(text(value)) selected[value == chosen] { (text(value)) }
            }
        }
    };
    let source = format!("{}{}", sweep_url(sweep, "curves.json"), choice.query());
    let caption = format!("{} of {}", choice.chosen_series.replace('_', " "), choice.experiment);
    html! {
        form.filter method="get" data-auto {
            label { "Experiment " select name="experiment" { (options(&choice.experiments, &choice.experiment)) } }
            " "
            label { "series " select name="series" { (options(&choice.series, &choice.chosen_series)) } }
            " "
            label {
                "ordered by "
                select name="by" {
                    option value="" { "the sweep's file" }
                    @for name in &choice.parameters {
                        option value=(text(name)) selected[choice.by.as_ref() == Some(name)] { (text(&parameter_name(name))) }
                    }
                }
            }
            " "
            button type="submit" { "Show" }
        }
        (chart("curves", &source, &caption, &caption))
    }
}

/// The claims by now, and how their verdicts turned.
pub(crate) fn claims_section(shown: &ShownResults) -> Markup {
    let Some(claims) = &shown.claims else {
        return html! { p.empty { "Nothing was judged yet." } };
    };
    if claims.claims.is_empty() {
        return html! { p.empty { "The sweep claims nothing." } };
    }
    let turned = claims.claims.iter().zip(&shown.turns).filter(|(_, turns)| turns.len() > 1);
    html! {
        @if claims.claims.iter().any(|claim| !claim.evidence) {
            p.note { "No evidence: the sweep's profile is too small to say anything." }
        }
        div.scroll role="region" tabindex="0" aria-label="Claims" { (PreEscaped(&claims.html)) }
        @for (claim, turns) in turned {
            details.turns {
                summary { "How the verdict on “" (text(&claim.text)) "” turned" }
                ol { @for turn in turns { li { (turn_shown(turn)) } } }
            }
        }
        p.note {
            "Verdicts are those of the runs that are committed by now (" (whole(shown.read as u64)) "). One that was looked at before all runs were "
            "there may turn; what counts is the report's."
        }
    }
}

fn turn_shown(turn: &Turn) -> Markup {
    let class = match turn.verdict {
        Verdict::Holds => "verdict holds",
        Verdict::DoesntHold => "verdict fails",
        Verdict::Undecided => "verdict undecided",
    };
    html! {
        span class=(class) { (turn.verdict.words()) }
        " from " (time(turn.at)) " on, with n = " (text(&turn.runs))
    }
}

/// The figures: those whose runs are all there, and how far the others are.
pub(crate) fn figures_section(figures: &[FigureShown]) -> Markup {
    if figures.is_empty() {
        return html! { p.empty { "The sweep has no figure yet." } };
    }
    html! {
        @for (number, figure) in (1..).zip(figures) {
            figure.picture id={ "figure-" (text(figure.now.id.as_str())) } {
                @match &figure.picture {
                    Some(picture) => {
                        div class=(if picture.narrow.is_some() { "plot both" } else { "plot" }) {
                            div.wide { (PreEscaped(&picture.svg)) }
                            @if let Some(narrow) = &picture.narrow { div.narrow { (PreEscaped(narrow)) } }
                        }
                    },
                    None => {
                        p.forming {
                            "Forming: " (whole(figure.now.ended as u64)) " of " (whole(figure.now.runs as u64)) " runs"
                        }
                    },
                }
                figcaption {
                    p { b { "Figure " (number) ". " (text(&figure.now.title)) "." } }
                    @if let Some(picture) = &figure.picture { p.note { (text(&picture.notes.join(" "))) } }
                }
            }
        }
    }
}

/// `/sweeps/{id}/curves.json`.
pub(crate) async fn curves_json(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let sweep = board.model.sweep(&id);
    let (runs, query) = (Arc::clone(&sweep.results.runs), asked.query.clone());
    let made = tokio::task::spawn_blocking(move || {
        let runs = runs.blocking_read();
        let runs = runs.as_ref()?;
        let choice = Choice::of(runs, &query)?;
        let experiment = ExperimentId::new(choice.experiment.as_str()).ok()?;
        let by = choice.by.as_deref();
        Some((curves(runs.results(), &experiment, &choice.chosen_series, by), choice))
    });
    let made = made.await.map_err(|_| Failure::unavailable("the curves couldn't be made"))?;
    let gap = sweep.results.shown().gap.clone();
    let none = || {
        Failure::unavailable(
            gap.unwrap_or_else(|| "results are being read; look again in a moment".to_owned()),
        )
    };
    let (mut curves, choice) = made.ok_or_else(none)?;
    for (axis, group) in running(&board, &id, &choice, &asked).await {
        if curves.x_label.is_empty() {
            curves.x_label = axis_name(axis).to_owned();
        }
        // What is against something else has another place.
        if curves.x_label == axis_name(axis) {
            curves.groups.push(group);
        }
    }
    Ok(json_answer(&value(&curves, &choice)))
}

fn value(curves: &Curves, choice: &Choice) -> Value {
    let mut value = json!(curves);
    value["series"] = json!(choice.series);
    value["parameters"] = json!(choice.parameters);
    value["experiments"] = json!(choice.experiments);
    value
}

/// The chosen series of an experiment's running tasks so far, each a curve of its own, with its axis.
async fn running(board: &Shared, sweep: &str, choice: &Choice, asked: &Asked) -> Vec<(Axis, CurveGroup)> {
    if asked.visitor.client.is_none() {
        return Vec::new();
    }
    let Ok((table, _)) = table_of(&board.model, sweep).await else { return Vec::new() };
    let experiment = choice.experiment.replace('\'', "''");
    let filter = format!("state = 'running' and experiment = '{experiment}'");
    let found = tokio::task::spawn_blocking(move || {
        table.rows(&Wanted { filter: Some(&filter), ..Wanted::default() })
    });
    let Ok(Ok(rows)) = found.await else { return Vec::new() };
    // Id and name are the first columns.
    let names: Vec<(String, String)> = rows
        .rows
        .iter()
        .take(RUNNING)
        .filter_map(|row| Some((row.first()?.text().to_owned(), row.get(1)?.text().to_owned())))
        .collect();
    let ids = names.iter().map(|(id, _)| id.clone()).collect();
    let live = source::live_series(asked, ids, RUNNING as u32).await;
    let curve = |task: &v1::LiveTask| {
        let (_, name) = names.iter().find(|(id, _)| *id == task.task_id)?;
        let (axis, points) = points_of(task, &choice.chosen_series)?;
        let (x, mean) = points.into_iter().unzip();
        Some((axis, running_group(format!("{name} (running)"), x, mean)))
    };
    live.iter().filter_map(curve).collect()
}

/// The points (x, value) of a series of a running task with their axis; none if nothing was said of it.
fn points_of(task: &v1::LiveTask, series: &str) -> Option<(Axis, Vec<(f64, f64)>)> {
    if let Some(curve) = task.curve.as_ref().filter(|_| series == LOSS) {
        let points = curve.points().map(|point| (point.iteration as f64, point.loss));
        return Some((Axis::Iteration, points.collect()));
    }
    let found = live_series::read(&task.series).into_iter().find(|said| said.name() == series)?;
    Some((found.axis(), found.points.iter().map(|point| (point.x, point.value)).collect()))
}

/// A run that goes on, as a curve.
fn running_group(label: String, x: Vec<f64>, mean: Vec<f64>) -> CurveGroup {
    let nothing = vec![None; x.len()];
    CurveGroup { label, n: 1, x, mean, low: nothing.clone(), high: nothing, running: 1 }
}

#[cfg(test)]
mod tests {
    use basin_domain::id::FigureId;
    use basin_report::{ClaimNow, ClaimsNow, FigureNow, FigurePicture};

    use super::*;

    #[test]
    fn a_verdict_that_turned_says_when_and_with_how_many_runs() {
        let claim = ClaimNow {
            text: "<script>".to_owned(),
            verdict: Verdict::Holds,
            evidence: false,
            runs: vec!["5".to_owned()],
        };
        let turn = |at, verdict, runs: &str| Turn { at, verdict, runs: runs.to_owned() };
        let shown = ShownResults {
            claims: Some(ClaimsNow { claims: vec![claim], html: "<table></table>".to_owned() }),
            turns: vec![vec![turn(1_000, Verdict::Undecided, "2"), turn(2_000, Verdict::Holds, "5")]],
            ..ShownResults::default()
        };
        let html = claims_section(&shown).into_string();
        assert!(
            html.contains("<table></table>") && html.contains("No evidence") && !html.contains("<script"),
            "{html}"
        );
        assert!(
            html.contains("verdict undecided\">undecided</span> from ") && html.contains("with n = 5"),
            "{html}"
        );
    }

    #[test]
    fn a_running_task_has_the_points_of_the_series_that_is_chosen_or_none() {
        let recorded = v1::SeriesCurve {
            name: "test_accuracy".to_owned(),
            axis: v1::SeriesAxis::Epoch.into(),
            x: vec![0.0, 0.5],
            values: vec![0.1, 0.25],
        };
        let task = v1::LiveTask {
            curve: Some(v1::LossCurve { iterations: vec![1, 9], losses: vec![2.0, 1.0] }),
            series: vec![recorded],
            ..v1::LiveTask::default()
        };
        assert_eq!(points_of(&task, "loss"), Some((Axis::Iteration, vec![(1.0, 2.0), (9.0, 1.0)])));
        assert_eq!(points_of(&task, "test_accuracy"), Some((Axis::Epoch, vec![(0.0, 0.1), (0.5, 0.25)])));
        assert_eq!(points_of(&task, "train_loss"), None);
        assert_eq!(points_of(&v1::LiveTask::default(), "loss"), None);
    }

    #[test]
    fn a_figure_that_is_not_final_says_how_far_it_is() {
        let now = |ended| FigureNow {
            id: FigureId::new("loss").unwrap(),
            title: "Loss".to_owned(),
            ended,
            runs: 30,
            has_weights: true,
        };
        let picture =
            FigurePicture { svg: "<svg></svg>".to_owned(), narrow: None, notes: vec!["a".to_owned()] };
        let figures = [
            FigureShown { now: now(12), picture: None },
            FigureShown { now: now(30), picture: Some(Arc::new(picture)) },
        ];
        let html = figures_section(&figures).into_string();
        assert!(html.contains("Forming: 12 of 30 runs") && html.contains("Figure 2. Loss."), "{html}");
        assert!(html.contains("<div class=\"wide\"><svg></svg></div>"), "{html}");
    }
}
