//! The numbers: few, the same few whatever is launched, so that no sweep can make a time series of its own.

use std::time::Duration;

use basin_core::Ledger;
use basin_core::view::{Counts, Phase, SweepState, SweepView, WorkerView};
use basin_domain::time::Timestamp;
use basin_proto::PROTOCOL;

use super::ServingStatus;
use super::exposition::{Exposition, Metric, MetricKind};
use crate::journal::DecideError;
use crate::journal::metered::{CLASSES, Histogram, Meter};
use crate::service::Coordinator;

/// The page of metrics.
///
/// # Errors
/// If the ledger has closed meanwhile.
pub(super) async fn exposition(status: &ServingStatus) -> Result<String, DecideError> {
    let mut page = Exposition::default();
    page.begin(Metric {
        name: "basin_build_info",
        kind: MetricKind::Gauge,
        help: "The program that answers; always 1.",
    });
    let protocol = PROTOCOL.to_string();
    let build = [("version", env!("CARGO_PKG_VERSION")), ("protocol", &protocol)];
    page.value("basin_build_info", &build, 1);
    let serving = u8::from(status.is_serving());
    page.single(
        Metric {
            name: "basin_serving",
            kind: MetricKind::Gauge,
            help: "1 if this process answers workers and people.",
        },
        serving,
    );
    match status {
        ServingStatus::Serving(coordinator) => {
            write_gauges(&mut page, &gauges(coordinator).await?);
            write_counters(&mut page, &coordinator.meter);
        }
        ServingStatus::Starting | ServingStatus::Standby | ServingStatus::Stopping => {}
    }
    Ok(page.into_text())
}

/// The kinds of devices, each of which has a series: workers name others only if they are none of ours.
const DEVICES: [&str; 2] = ["cpu", "cuda"];

/// The present values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Gauges {
    tasks: Counts,
    queue_depth: u64,
    sweeps: [u64; 4],
    workers: [u64; 4],
    /// By the kind of device that their workers train on.
    leases: [u64; 3],
    slots: [u64; 2],
}

/// Sweeps or workers that one look goes through.
const PAGE: usize = 256;

async fn gauges(coordinator: &Coordinator) -> Result<Gauges, DecideError> {
    let ledger = &coordinator.ledger;
    let now = ledger.now();
    let counted = |ledger: &Ledger| (ledger.counts(), ledger.queue_depth());
    let (tasks, queue_depth) = ledger.view(counted).await?;
    let mut gauges = Gauges { tasks, queue_depth, ..Gauges::default() };
    let mut next = Some(0);
    while let Some(from) = next {
        let look = move |ledger: &Ledger| {
            let (page, next) = ledger.page_of_sweeps(from, PAGE);
            gauges.count_sweeps(&page);
            (gauges, next)
        };
        (gauges, next) = ledger.view(look).await?;
    }
    let mut after = None;
    loop {
        let look = move |ledger: &Ledger| {
            let page = ledger.page_of_workers(after.as_ref(), PAGE);
            gauges.count_workers(&page, ledger.policy().lease_duration, now);
            (gauges, page.last().map(|worker| worker.id.clone()))
        };
        (gauges, after) = ledger.view(look).await?;
        if after.is_none() {
            return Ok(gauges);
        }
    }
}

impl Gauges {
    fn count_sweeps(&mut self, sweeps: &[SweepView<'_>]) {
        for sweep in sweeps {
            self.sweeps[match sweep.state {
                SweepState::Running => 0,
                SweepState::Paused => 1,
                SweepState::Cancelled => 2,
                SweepState::Done => 3,
            }] += 1;
        }
    }

    fn count_workers(&mut self, workers: &[WorkerView<'_>], lease_duration: Duration, now: Timestamp) {
        for worker in workers {
            self.count_worker(worker, lease_duration, now);
        }
    }

    fn count_worker(&mut self, worker: &WorkerView<'_>, lease_duration: Duration, now: Timestamp) {
        let gauges = self;
        let leases = worker.leases.len() as u64;
        let device = worker.description.and_then(|it| DEVICES.iter().position(|kind| *kind == it.device));
        gauges.leases[device.unwrap_or(DEVICES.len())] += leases;
        let Some(description) = worker.description else { return };
        let is_silent = worker.exited || worker.last_seen.is_none_or(|seen| now - seen > lease_duration);
        let is_avoided = worker.avoided_until.is_some_and(|until| until > now);
        let state = if is_silent {
            3
        } else if worker.draining {
            1
        } else if is_avoided {
            2
        } else {
            let slots = u64::from(description.slots);
            gauges.slots[0] += slots.saturating_sub(leases);
            gauges.slots[1] += leases.min(slots);
            0
        };
        gauges.workers[state] += 1;
    }
}

fn write_gauges(page: &mut Exposition, gauges: &Gauges) {
    let tasks = &gauges.tasks;
    let phases = [
        (Phase::Blocked, tasks.blocked),
        (Phase::Queued, tasks.queued),
        (Phase::Running, tasks.running),
        (Phase::Expiring, tasks.expiring),
        (Phase::Completed, tasks.completed),
        (Phase::Diverged, tasks.diverged),
        (Phase::Stopped, tasks.stopped),
        (Phase::Failed, tasks.failed),
        (Phase::UpstreamFailed, tasks.upstream_failed),
    ];
    let help = "Tasks by state; one that several sweeps list counts once.";
    let phases = phases.map(|(phase, count)| (phase.as_str(), count));
    page.by(Metric { name: "basin_tasks", kind: MetricKind::Gauge, help }, "state", phases);
    let help = "Tasks that a worker could be given, now or once their pause after a failure is over; not what waits for a limit.";
    page.single(Metric { name: "basin_queue_depth", kind: MetricKind::Gauge, help }, gauges.queue_depth);
    let states = [SweepState::Running, SweepState::Paused, SweepState::Cancelled, SweepState::Done];
    let sweeps = states.map(SweepState::as_str).into_iter().zip(gauges.sweeps);
    page.by(
        Metric { name: "basin_sweeps", kind: MetricKind::Gauge, help: "Sweeps by state." },
        "state",
        sweeps,
    );
    let workers = ["ready", "draining", "avoided", "silent"].into_iter().zip(gauges.workers);
    page.by(
        Metric { name: "basin_workers", kind: MetricKind::Gauge, help: "Workers by state." },
        "state",
        workers,
    );
    let slots = ["free", "busy"].into_iter().zip(gauges.slots);
    page.by(
        Metric { name: "basin_slots", kind: MetricKind::Gauge, help: "Slots of ready workers." },
        "state",
        slots,
    );
    let help = "Leases that are held, by what their workers train on; `other` until a worker was heard.";
    let leases = DEVICES.into_iter().chain(["other"]).zip(gauges.leases);
    page.by(Metric { name: "basin_leases", kind: MetricKind::Gauge, help }, "device", leases);
}

fn write_counters(page: &mut Exposition, meter: &Meter) {
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
    write_histogram(page, "basin_journal_append_seconds", &meter.appends());
}

fn write_histogram(page: &mut Exposition, name: &str, histogram: &Histogram) {
    page.begin(Metric {
        name,
        kind: MetricKind::Histogram,
        help: "How long it took until a batch of events was on disk.",
    });
    let bucket = format!("{name}_bucket");
    let mut below = 0;
    for (end, count) in CLASSES.iter().zip(histogram.classes) {
        below += count;
        page.value(&bucket, &[("le", &end.to_string())], below);
    }
    page.value(&bucket, &[("le", "+Inf")], histogram.count);
    page.value(&format!("{name}_sum"), &[], histogram.sum);
    page.value(&format!("{name}_count"), &[], histogram.count);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_every_state_whether_or_not_anything_is_in_it() {
        let mut page = Exposition::default();
        write_gauges(&mut page, &Gauges { queue_depth: 7, slots: [2, 1], ..Gauges::default() });
        let text = page.into_text();
        for phase in
            ["blocked", "queued", "running", "expiring", "completed", "diverged", "stopped", "failed"]
        {
            assert!(text.contains(&format!("\nbasin_tasks{{state=\"{phase}\"}} 0\n")), "{text}");
        }
        assert!(text.contains("\nbasin_queue_depth 7\n"), "{text}");
        assert!(text.contains("\nbasin_slots{state=\"free\"} 2\nbasin_slots{state=\"busy\"} 1\n"), "{text}");
    }

    #[test]
    fn classes_of_a_histogram_add_up() {
        let mut histogram = Histogram { count: 4, sum: 3.5, ..Histogram::default() };
        histogram.classes[0] = 1;
        histogram.classes[2] = 2;
        let mut page = Exposition::default();
        write_histogram(&mut page, "h", &histogram);
        let text = page.into_text();
        for line in ["h_bucket{le=\"0.0001\"} 1", "h_bucket{le=\"0.0005\"} 1", "h_bucket{le=\"0.001\"} 3"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.ends_with("h_bucket{le=\"+Inf\"} 4\nh_sum 3.5\nh_count 4\n"), "{text}");
    }
}
