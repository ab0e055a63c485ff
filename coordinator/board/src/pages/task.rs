//! `/sweeps/{id}/tasks/{task}`: one task.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use basin_domain::id::TaskId;
use basin_domain::live_series::LiveSeries;
use basin_domain::metrics::Metrics;
use basin_proto::codes::Coded;
use basin_proto::{live_series, v1};
use basin_report::quantity;
use basin_storage::{Manifest, Store};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::common::{above, chart};
use super::source;
use crate::answer::parts::Head::Words;
use crate::answer::parts::{
    heads, lines, measured, scrolling, share, state, sweep_url, task_url, text, time, whole,
};
use crate::answer::{Failure, Page, Place, json_answer};
use crate::context::{Asked, Shared};
use crate::model::SweepModel;
use crate::words::sweep::{done_share, examples_per_second, short};
use crate::words::why;

/// The lines of the log that are shown.
const LINES: usize = 200;
/// The most points of a curve that are sent.
const POINTS: usize = 2_000;
/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One task.
pub(crate) async fn show(
    State(board): State<Shared>,
    Path((id, task)): Path<(String, String)>,
    asked: Asked,
) -> Result<Page, Failure> {
    let found = source::task(&board, &asked, &id, &task).await?;
    let log = source::log(&board, &asked, &found.task_id).await;
    let live = source::live(&asked, vec![found.task_id.clone()], 0).await;
    let provenance = provenance(board.model.store(), &found).await;
    board.model.sweep(&id);
    let name = found.names.first().map_or_else(|| short(&found.task_id).to_owned(), Clone::clone);
    let curve = format!("{}/curve.json", task_url(&id, &found.task_id));
    let now = board.model.now();
    let main = html! {
        h1 tabindex="-1" { (text(&name)) }
        (above(&asked, &now))
        p { "Of " a href=(sweep_url(&id, "")) { (text(&id)) } ", id " code { (text(&found.task_id)) } }
        div #state data-live="tasks" { (standing(&found, live.first())) }
        (chart("curve", &curve, "What it measured", &format!("Curves of {name}")))
        section aria-labelledby="attempts-title" {
            h2 #attempts-title { "Attempts" }
            div #attempts data-live="tasks" { (attempts(&found.attempts)) }
        }
        section aria-labelledby="log-title" {
            h2 #log-title { "Log" }
            div #log data-live="tasks" { (log_shown(&log)) }
        }
        section aria-labelledby="parameters-title" {
            h2 #parameters-title { "Parameters" }
            (parameters(&found.spec_json))
        }
        section aria-labelledby="provenance-title" {
            h2 #provenance-title { "Where and how it ran" }
            div #provenance data-live="tasks" { (provenance) }
        }
    };
    Ok(asked.shows(Page::new(name, Place::Sweep(id, "tasks"), "tasks", main)))
}

fn standing(task: &v1::GetTaskReply, live: Option<&v1::LiveTask>) -> Markup {
    let word = v1::TaskState::in_words(task.state_code, &task.state);
    let at = live.and_then(|live| live.progress);
    html! {
        p { (state(word)) " " (text(&why::sentence(task.reason.as_ref(), &task.why))) }
        @if let Some(at) = at {
            dl.facts {
                dt { "Done" }
                dd { (share(done_share(&at))) }
                dt { "Steps" }
                dd { (whole(at.iteration)) " of " (whole(at.iterations)) }
                dt { "Epochs" }
                dd { (at.epoch) " of " (at.epochs) }
                dt { "Loss" }
                dd { (measured(at.loss)) }
                @if let Some(rate) = examples_per_second(&at) {
                    dt { "Examples/s" }
                    dd { (measured(Some(rate))) }
                }
            }
        }
    }
}

fn attempts(attempts: &[v1::AttemptSummary]) -> Markup {
    if attempts.is_empty() {
        return html! { p.empty { "Nobody has tried it yet." } };
    }
    let table = html! {
        table {
            thead { tr { (heads(&["Attempt", "Worker", "End", "Cause", "Message"].map(Words))) } }
            tbody {
                @for it in attempts {
                    tr {
                        th scope="row" { (it.attempt) }
                        td { (text(&it.worker_id)) }
                        td { (state(v1::AttemptState::in_words(it.state_code, &it.state))) }
                        td { (text(&it.cause)) }
                        td { pre { (lines(&it.message)) } }
                    }
                }
            }
        }
    };
    scrolling("Attempts", &table)
}

fn log_shown(log: &Result<v1::GetTaskLogReply, Failure>) -> Markup {
    let log = match log {
        Ok(log) => log,
        Err(failure) => return html! { p.trouble { (text(&failure.what)) } },
    };
    if log.lines.is_empty() {
        let nothing = if log.is_live { "Nothing was said yet." } else { "It has left no log." };
        return html! { p.empty { (nothing) } };
    }
    let left_out = log.lines.len().saturating_sub(LINES);
    let before = log.first.saturating_add(left_out as u64);
    html! {
        p { "Attempt " (log.attempt) @if !log.worker_id.is_empty() { " on worker " (text(&log.worker_id)) } }
        pre.log tabindex="0" {
            @if before > 0 { "… " (whole(before)) " lines before\n" }
            @for said in &log.lines[left_out..] { (text(said)) "\n" }
        }
    }
}

fn parameters(spec: &str) -> Markup {
    let mut found = Vec::new();
    match serde_json::from_str(spec) {
        Ok(spec) => flatten("", &spec, &mut found),
        Err(_) => found.push(("spec".to_owned(), spec.to_owned())),
    }
    let table = html! {
        table { tbody { @for (name, value) in &found { tr { th scope="row" { (text(name)) } td { (text(value)) } } } } }
    };
    scrolling("Parameters", &table)
}

/// The leaves of a value, each with the names on the way to it.
fn flatten(prefix: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, found);
            }
        }
        Value::String(text) => found.push((prefix.to_owned(), text.clone())),
        leaf @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            found.push((prefix.to_owned(), leaf.to_string()));
        }
    }
}

/// The manifest of the attempt that counts, as the store has it.
async fn manifest(store: &Store, task: &TaskId) -> basin_storage::Result<Option<Manifest>> {
    match store.read_commit(task).await? {
        Some(commit) => store.read_manifest(&commit).await.map(Some),
        None => Ok(None),
    }
}

async fn provenance(store: Result<Store, String>, task: &v1::GetTaskReply) -> Markup {
    let said = |why: &str| html! { p.note { (text(why)) } };
    let (store, id) = match (store, task.task_id.parse::<TaskId>()) {
        (Ok(store), Ok(id)) => (store, id),
        (Err(why), _) => return said(&why),
        (Ok(_), Err(error)) => return said(&error.to_string()),
    };
    match tokio::time::timeout(PATIENCE, manifest(&store, &id)).await {
        Ok(Ok(Some(manifest))) => provenance_shown(&manifest),
        Ok(Ok(None)) => html! { p.empty { "It isn't committed yet." } },
        Ok(Err(error)) => said(&basin_domain::error_chain::with_causes(&error)),
        Err(_) => said("the store is too slow to say it"),
    }
}

fn provenance_shown(manifest: &Manifest) -> Markup {
    let it = &manifest.provenance;
    let rows = [
        ("host", it.host.clone()),
        ("device", it.device.clone()),
        ("instructions", it.code_path.clone()),
        ("threads", it.threads.to_string()),
        ("trained together", it.lanes.to_string()),
        ("Basin", it.basin_version.clone()),
        ("steps of this attempt", whole(it.steps)),
        ("lease", manifest.lease.to_string()),
    ];
    html! {
        dl.facts {
            @for (name, value) in &rows { dt { (name) } dd { (text(value)) } }
            dt { "began" }
            dd { (time(it.started_unix_ms)) }
            dt { "ended" }
            dd { (time(it.finished_unix_ms)) }
            @if let Some(memory) = &it.memory { dt { "memory" } dd { (memory.to_string()) } }
            @if let Some(step) = it.resumed_from_step { dt { "went on from step" } dd { (whole(step)) } }
        }
    }
}

/// `/sweeps/{id}/tasks/{task}/curve.json`: what it measured or, while it runs, how its loss and what it records went so far.
pub(crate) async fn curve(
    State(board): State<Shared>,
    Path((sweep, task)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Failure> {
    let id = task.parse::<TaskId>().ok();
    let model = board.model.sweep(&sweep);
    if let (Ok(store), Some(id)) = (board.model.store(), id)
        && let Ok(Ok(Some(metrics))) = tokio::time::timeout(PATIENCE, committed(&store, &id)).await
    {
        let names: Vec<&str> = metrics.series.keys().map(String::as_str).collect();
        let labels = labels(&model, id, &names).await;
        return Ok(json_answer(&json!({ "series": of_metrics(&metrics, &labels) })));
    }
    let live = source::live_series(&asked, vec![task], 1).await;
    let losses = live.iter().filter_map(|task| task.curve.as_ref()).map(of_losses);
    let mut recorded: Vec<LiveSeries> =
        live.iter().flat_map(|task| live_series::read(&task.series)).collect();
    // As those of a committed task.
    recorded.sort_by(|a, b| a.name().cmp(b.name()));
    let names: Vec<&str> = recorded.iter().map(LiveSeries::name).collect();
    let labels = match id {
        Some(id) => labels(&model, id, &names).await,
        None => HashMap::new(),
    };
    let series = losses.chain(recorded.iter().map(|series| of_live(series, &labels)));
    Ok(json_answer(&json!({ "series": series.collect::<Vec<Value>>() })))
}

async fn committed(store: &Store, task: &TaskId) -> basin_storage::Result<Option<Metrics>> {
    match store.read_commit(task).await? {
        Some(commit) => store.read_metrics(&commit).await.map(Some),
        None => Ok(None),
    }
}

/// The quantities of a run's series with their units, once the sweep's plan was read.
async fn labels(sweep: &SweepModel, task: TaskId, names: &[&str]) -> HashMap<String, String> {
    let runs = sweep.results.runs.read().await;
    let Some(run) = runs.as_ref().and_then(|runs| runs.run(&task)) else { return HashMap::new() };
    names.iter().map(|name| ((*name).to_owned(), quantity(name, &[run]))).collect()
}

/// A series' label; without the sweep's plan, its name in words.
fn label_of(name: &str, labels: &HashMap<String, String>) -> String {
    labels.get(name).cloned().unwrap_or_else(|| name.replace('_', " "))
}

/// The series that have several points.
fn of_metrics(metrics: &Metrics, labels: &HashMap<String, String>) -> Vec<Value> {
    let several = metrics.series.iter().filter(|(_, series)| series.points.len() > 1);
    let of = several.map(|(name, series)| {
        let every = series.points.len().div_ceil(POINTS);
        let last = series.points.len() - 1;
        let kept = series
            .points
            .iter()
            .enumerate()
            .filter(|(place, _)| place.is_multiple_of(every) || *place == last);
        let (x, y): (Vec<f64>, Vec<f64>) = kept.map(|(_, point)| *point).unzip();
        let label = label_of(name, labels);
        json!({ "name": name, "label": label, "axis": series.axis.as_str(), "x": x, "y": y })
    });
    of.collect()
}

fn of_losses(curve: &v1::LossCurve) -> Value {
    json!({ "name": "loss", "label": "loss", "axis": "iteration", "x": curve.iterations, "y": curve.losses })
}

fn of_live(series: &LiveSeries, labels: &HashMap<String, String>) -> Value {
    let (x, y): (Vec<f64>, Vec<f64>) = series.points.iter().map(|point| (point.x, point.value)).unzip();
    let (name, label) = (series.name(), label_of(series.name(), labels));
    json!({ "name": name, "label": label, "axis": series.axis().as_str(), "x": x, "y": y })
}

#[cfg(test)]
mod tests {
    use basin_domain::live_series::SeriesPoint;
    use basin_domain::metrics::Axis;

    use super::*;

    #[test]
    fn a_message_and_a_line_of_a_log_are_text() {
        let attempt = v1::AttemptSummary {
            attempt: 2,
            state_code: v1::AttemptState::Failed.into(),
            message: "<script>a</script>\nb".to_owned(),
            ..v1::AttemptSummary::default()
        };
        let html = attempts(&[attempt]).into_string();
        assert!(html.contains("state-failed\">failed") && html.contains("&lt;/script&gt;\nb"), "{html}");
        let said = (0..250).map(|number| format!("<i>{number}\u{1b}[2J")).collect();
        let log = v1::GetTaskLogReply { attempt: 2, lines: said, ..v1::GetTaskLogReply::default() };
        let html = log_shown(&Ok(log)).into_string();
        assert!(html.contains("… 50 lines before") && html.contains("&lt;i&gt;50\\u{1b}[2J"), "{html}");
        assert!(!html.contains("<i>") && !html.contains("&lt;i&gt;49\\u"), "{html}");
    }

    #[test]
    fn parameters_are_named_by_the_way_to_them() {
        let html =
            parameters(r#"{"experiment":{"model":{"conv":[8,16]},"name":"a"},"seed":3}"#).into_string();
        for part in ["experiment.model.conv</th><td>[8,16]", "experiment.name</th><td>a", "seed</th><td>3"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(parameters("{").into_string().contains("spec</th><td>{"));
    }

    #[test]
    fn a_series_of_a_running_task_looks_as_it_will_when_it_is_committed() {
        let mut metrics = Metrics::default();
        for epoch in 0..3 {
            metrics.push("test_accuracy", Axis::Epoch, f64::from(epoch), 0.25);
        }
        let points = (0..3).map(|epoch| SeriesPoint { x: f64::from(epoch), value: 0.25 }).collect();
        let live = LiveSeries::new("test_accuracy", Axis::Epoch, points).unwrap();
        let named = HashMap::from([("test_accuracy".to_owned(), "test accuracy".to_owned())]);
        for labels in [HashMap::new(), named] {
            assert_eq!(of_metrics(&metrics, &labels), [of_live(&live, &labels)]);
        }
    }

    #[test]
    fn a_long_curve_is_sent_in_fewer_points_with_its_last_and_what_is_no_number_is_null() {
        let mut metrics = Metrics::default();
        for step in 0..5_001 {
            metrics.push("loss", Axis::Iteration, f64::from(step), f64::NAN);
        }
        metrics.set("parameters", 7.0);
        let series = of_metrics(&metrics, &HashMap::new());
        assert_eq!(series.len(), 1);
        let x = series[0]["x"].as_array().unwrap();
        assert!(x.len() <= POINTS + 1 && x.last() == Some(&json!(5_000.0)), "{}", x.len());
        assert_eq!(series[0]["y"][0], Value::Null);
    }
}
