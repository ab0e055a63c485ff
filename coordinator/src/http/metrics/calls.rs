//! The calls of workers and people.

use crate::http::exposition::{Exposition, Metric, MetricKind};
use crate::trust::CallMeter;

pub(super) fn write(page: &mut Exposition, meter: &CallMeter) {
    let name = "basin_call_seconds";
    let help = "How long calls took, from their headers to their answer. An idle worker's `Sync` waits for work meanwhile.";
    page.begin(Metric { name, kind: MetricKind::Histogram, help });
    for (call, took) in meter.took() {
        page.distribution(name, &[("call", call)], took);
    }
    let name = "basin_calls_total";
    let help = "Calls by how they ended: answered, refused for the caller's sake, failed for the coordinator's, or abandoned.";
    page.begin(Metric { name, kind: MetricKind::Counter, help });
    for (call, end, count) in meter.ended() {
        page.value(name, &[("call", call), ("end", end.as_str())], count);
    }
}
