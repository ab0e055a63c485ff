//! `/workers/stream.json`: what ran on which slot of which worker.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::{Failure, json_answer};
use crate::clock::unix_ms;
use crate::context::{Asked, Shared};
use crate::model::Bar;

/// The minutes that are told where nothing else is asked for, and the most.
const MINUTES: u64 = 10;
const MOST_MINUTES: u64 = 24 * 60;

/// The task stream of the last minutes.
pub(crate) async fn stream(State(board): State<Shared>, asked: Asked) -> Result<Response, Failure> {
    let asked_for = asked.query.get("minutes").and_then(|minutes| minutes.parse::<u64>().ok());
    let minutes = asked_for.unwrap_or(MINUTES).clamp(1, MOST_MINUTES);
    let now = unix_ms();
    // There may be very many, and whoever puts some there waits for others.
    let told = tokio::task::spawn_blocking(move || {
        let bars = board.model.bars_since(now.saturating_sub(minutes * 60_000));
        json_answer(&value(now, &bars))
    });
    told.await.map_err(|_| Failure::unavailable("the task stream couldn't be told"))
}

fn value(now: u64, bars: &[Bar]) -> Value {
    let rows: BTreeSet<(&str, usize)> = bars.iter().map(|bar| (bar.worker.as_str(), bar.slot)).collect();
    let rows: Vec<(&str, usize)> = rows.into_iter().collect();
    let bars: Vec<Value> = bars
        .iter()
        .map(|bar| {
            let row = rows.binary_search(&(bar.worker.as_str(), bar.slot)).unwrap_or(0);
            json!({ "row": row, "from": bar.from, "to": bar.to, "task": bar.task, "sweep": bar.sweep, "label": bar.name,
                "state": bar.state })
        })
        .collect();
    let rows: Vec<Value> =
        rows.iter().map(|(worker, slot)| json!({ "worker": worker, "slot": slot })).collect();
    json!({ "now": now, "rows": rows, "bars": bars })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_slot_and_a_bar_knows_its_row() {
        let bar = |worker: &str, slot, to| Bar {
            worker: worker.to_owned(),
            slot,
            from: 1,
            to,
            sweep: "a-1".to_owned(),
            task: "t".to_owned(),
            name: "fits seed 1".to_owned(),
            state: "running".to_owned(),
        };
        let told = value(9, &[bar("w-2", 0, None), bar("w-1", 1, Some(3)), bar("w-1", 0, Some(4))]);
        assert_eq!(told["rows"][1], json!({ "worker": "w-1", "slot": 1 }));
        assert_eq!(
            told["bars"].as_array().unwrap().iter().map(|bar| bar["row"].clone()).collect::<Vec<_>>(),
            [2, 1, 0]
        );
        assert_eq!((&told["bars"][0]["to"], &told["bars"][1]["to"]), (&Value::Null, &json!(3)));
    }
}
