//! The time that is left of a sweep: in the board's words for people, and for programs.

pub(super) use basin_board::words::time_left::{left_text, percent};
use basin_proto::v1;
use serde_json::{Value, json};

/// What is left of a sweep's work, for programs.
pub(super) fn forecast_value(forecast: Option<&v1::Forecast>) -> Value {
    let Some(it) = forecast else { return Value::Null };
    let experiment = |it: &v1::ExperimentForecast| {
        let value = json!({ "work_seconds": it.work_seconds, "done_seconds": it.done_seconds });
        (it.experiment.clone(), value)
    };
    let experiments: serde_json::Map<_, _> = it.experiments.iter().map(experiment).collect();
    json!({ "done_share": it.done_share, "seconds_left": it.seconds_left, "least_seconds_left": it.least_seconds_left,
        "most_seconds_left": it.most_seconds_left, "experiments": experiments })
}
