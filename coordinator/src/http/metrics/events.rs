//! What passed through the journal since this process began to lead.

use crate::http::exposition::{Exposition, Metric, MetricKind};
use crate::journal::Meter;

pub(super) fn write(page: &mut Exposition, meter: &Meter) {
    let counter = |name, help| Metric { name, kind: MetricKind::Counter, help };
    page.single(counter("basin_sweeps_launched_total", "Sweeps launched."), meter.launched());
    page.single(counter("basin_leases_granted_total", "Leases granted."), meter.granted());
    page.single(
        counter("basin_leases_expired_total", "Leases that ran out without an end."),
        meter.expired(),
    );
    page.single(counter("basin_tasks_committed_total", "Tasks committed."), meter.committed());
    page.single(
        counter("basin_tasks_released_total", "Tasks given back unfinished, free of charge."),
        meter.released(),
    );
    page.single(counter("basin_journal_events_total", "Events kept in the journal."), meter.events());
    let failed = meter.failed().map(|(kind, count)| (kind.as_str(), count));
    page.by(counter("basin_attempts_failed_total", "Attempts that failed."), "kind", failed);
    let name = "basin_journal_append_seconds";
    let help = "How long it took until a batch of events was on disk.";
    page.begin(Metric { name, kind: MetricKind::Histogram, help });
    page.distribution(name, &[], meter.appends());
}
