//! The runs of points, for the script that opens a row.

use serde_json::{Value, json};

use super::points::Point;
use crate::page::json::embedded;
use maud::PreEscaped;

/// The runs of each point: seed, outcome, task, and the values of the measures; none if there is no room for all of them. What is
/// used is taken from `room`, a number of runs.
pub(super) fn json(
    points: &[Point<'_>],
    measures: &[String],
    room: &mut usize,
) -> Option<PreEscaped<String>> {
    let count: usize = points.iter().map(|point| point.runs.len()).sum();
    if count > *room {
        return None;
    }
    *room -= count;
    let of_point = |point: &Point<'_>| -> Value {
        let runs = point.runs.iter().map(|run| {
            let value = |name: &String| -> Value {
                // What isn't finite is no number of JSON.
                run.metrics().and_then(|metrics| metrics.last(name)).map_or(Value::Null, number)
            };
            let values: Vec<Value> = measures.iter().map(value).collect();
            json!([run.task.spec.seed, run.outcome(), run.task.id.short(), values])
        });
        runs.collect()
    };
    Some(embedded(&points.iter().map(of_point).collect::<Vec<Value>>()))
}

/// A number to eight figures: enough to read.
fn number(value: f64) -> Value {
    if value.is_finite() {
        let rounded: f64 = format!("{value:.7e}").parse().unwrap_or(value);
        json!(rounded)
    } else {
        json!(format!("{value}"))
    }
}
