//! The runs that a claim's selection means.

use basin_domain::claim::Selection;
use basin_domain::value::Value;

use super::runs::Run;

/// Whether a selection means this run: by its coordinates, which are what the sweep file was checked by. A parameter that
/// isn't given at the run's point selects it by no default.
pub(crate) fn is_selected(run: &Run, selection: &Selection) -> bool {
    let point = &run.task.point;
    let has = |(name, wanted): (&String, &Value)| point.get(name).is_some_and(|value| is_same(value, wanted));
    run.task.experiment == selection.experiment && selection.values.iter().all(has)
}

/// Whether two values are the same, however a number was written.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        _ => a == b || a.as_f64().is_some_and(|a| b.as_f64() == Some(a)),
    }
}
