//! The store, as this process sees it. What workers ask of it isn't among it.

use basin_storage::StoreMeter;

use crate::http::exposition::{Exposition, Metric, MetricKind};

/// The cause under which tries are counted that met no outage.
const OTHER: &str = "other";

pub(super) fn write(page: &mut Exposition, meter: &StoreMeter) {
    let name = "basin_store_call_seconds";
    let help = "How long each try of a call to the store took.";
    page.begin(Metric { name, kind: MetricKind::Histogram, help });
    for (call, took) in meter.took() {
        page.distribution(name, &[("call", call.as_str())], took);
    }
    let help = "Tries of calls to the store that failed; that something isn't there is no failure.";
    let outages = meter.outages().map(|(kind, count)| (kind.as_str(), count));
    page.by(
        Metric { name: "basin_store_errors_total", kind: MetricKind::Counter, help },
        "cause",
        outages.chain([(OTHER, meter.other_failures())]),
    );
}
