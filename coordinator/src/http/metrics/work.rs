//! What is to be done, and who does it: the ledger at present.

use std::time::Duration;

use basin_core::Ledger;
use basin_core::command::Progress;
use basin_core::view::{Counts, Phase, SweepState, SweepView, WorkerView};
use basin_domain::time::Timestamp;

use crate::http::exposition::{Exposition, Metric, MetricKind};
use crate::journal::DecideError;
use crate::service::Coordinator;

/// Sweeps or workers that one look goes through.
pub(super) const PAGE: usize = 64;

/// The kinds of devices, each of which has a series: workers name others only if they are none of ours.
const DEVICES: [&str; 2] = ["cpu", "cuda"];

/// The state of a worker: of those that are so, the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkerState {
    /// It works, or could.
    Ready,
    /// It gets nothing for a while, for its failures.
    Avoided,
    /// It takes nothing new.
    Draining,
    /// It waits for an outage to end.
    Waiting,
    /// It wasn't heard for as long as a lease lasts.
    Silent,
    /// Its process has ended.
    Ended,
}

impl WorkerState {
    const ALL: [Self; 6] =
        [Self::Ready, Self::Avoided, Self::Draining, Self::Waiting, Self::Silent, Self::Ended];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Avoided => "avoided",
            Self::Draining => "draining",
            Self::Waiting => "waiting",
            Self::Silent => "silent",
            Self::Ended => "ended",
        }
    }

    fn of(worker: &WorkerView<'_>, lease_duration: Duration, now: Timestamp) -> Self {
        if worker.exited {
            Self::Ended
        } else if worker.last_seen.is_none_or(|seen| now - seen > lease_duration) {
            Self::Silent
        } else if worker.waiting.is_some() {
            Self::Waiting
        } else if worker.draining {
            Self::Draining
        } else if worker.avoided_until.is_some_and(|until| until > now) {
            Self::Avoided
        } else {
            Self::Ready
        }
    }
}

/// The present values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Gauges {
    tasks: Counts,
    queue_depth: u64,
    sweeps: [u64; 4],
    /// By [`WorkerState::ALL`].
    workers: [u64; WorkerState::ALL.len()],
    /// By the kind of device that their workers train on.
    leases: [u64; 3],
    /// Likewise.
    steps_per_second: [f64; 3],
    slots: [u64; 2],
}

impl Gauges {
    /// Of this coordinator's ledger.
    pub(super) async fn of(coordinator: &Coordinator) -> Result<Self, DecideError> {
        let ledger = &coordinator.ledger;
        let now = ledger.now();
        let counted = |ledger: &Ledger| (ledger.counts(), ledger.queue_depth());
        let (tasks, queue_depth) = ledger.view(counted).await?;
        let mut gauges = Self { tasks, queue_depth, ..Self::default() };
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
                for worker in &page {
                    gauges.count_worker(worker, ledger, now);
                }
                (gauges, page.last().map(|worker| worker.id.clone()))
            };
            (gauges, after) = ledger.view(look).await?;
            if after.is_none() {
                return Ok(gauges);
            }
        }
    }

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

    fn count_worker(&mut self, worker: &WorkerView<'_>, ledger: &Ledger, now: Timestamp) {
        let gauges = self;
        let leases = worker.leases as u64;
        let device = worker.description.and_then(|it| DEVICES.iter().position(|kind| *kind == it.device));
        let device = device.unwrap_or(DEVICES.len());
        gauges.leases[device] += leases;
        let Some(description) = worker.description else { return };
        let state = WorkerState::of(worker, ledger.policy().lease_duration, now);
        for (known, count) in WorkerState::ALL.iter().zip(&mut gauges.workers) {
            *count += u64::from(*known == state);
        }
        if state == WorkerState::Ready {
            let slots = u64::from(description.slots);
            gauges.slots[0] += slots.saturating_sub(leases);
            gauges.slots[1] += leases.min(slots);
        }
        if !matches!(state, WorkerState::Silent | WorkerState::Ended) {
            let progress = ledger.progress_of(worker.id);
            gauges.steps_per_second[device] += progress.filter_map(steps_per_second).sum::<f64>();
        }
    }
}

/// The steps that a task makes a second, on average since its attempt began to train, if it is told.
fn steps_per_second(progress: &Progress) -> Option<f64> {
    let seconds = progress.step_seconds.filter(|seconds| *seconds > 0.0 && !progress.is_held)?;
    Some(seconds.recip()).filter(|steps| steps.is_finite())
}

/// Every phase as a word, with how many tasks are in it.
pub(super) fn by_phase(tasks: &Counts) -> [(&'static str, u64); 9] {
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
    phases.map(|(phase, count)| (phase.as_str(), count))
}

pub(super) fn write(page: &mut Exposition, gauges: &Gauges) {
    let help = "Tasks by state; one that several sweeps list counts once.";
    let tasks = by_phase(&gauges.tasks);
    page.by(Metric { name: "basin_tasks", kind: MetricKind::Gauge, help }, "state", tasks);
    let help = "Tasks that a worker could be given, now or once their pause after a failure is over; not what waits for a limit.";
    page.single(Metric { name: "basin_queue_depth", kind: MetricKind::Gauge, help }, gauges.queue_depth);
    let states = [SweepState::Running, SweepState::Paused, SweepState::Cancelled, SweepState::Done];
    let sweeps = states.map(SweepState::as_str).into_iter().zip(gauges.sweeps);
    page.by(
        Metric { name: "basin_sweeps", kind: MetricKind::Gauge, help: "Sweeps by state." },
        "state",
        sweeps,
    );
    let workers = WorkerState::ALL.map(WorkerState::as_str).into_iter().zip(gauges.workers);
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
    let help = "Steps a second of the tasks that run, each by its mean since its attempt began, by what they train on.";
    let steps = DEVICES.into_iter().chain(["other"]).zip(gauges.steps_per_second);
    page.by(Metric { name: "basin_steps_per_second", kind: MetricKind::Gauge, help }, "device", steps);
}

#[cfg(test)]
mod tests {
    use basin_domain::id::WorkerId;
    use basin_domain::outage::{Outage, OutageKind, OutageWait};
    use basin_domain::worker::WorkerDescription;

    use super::*;

    #[test]
    fn a_page_names_every_state_whether_or_not_anything_is_in_it() {
        let mut page = Exposition::default();
        write(&mut page, &Gauges { queue_depth: 7, slots: [2, 1], ..Gauges::default() });
        let text = page.into_text();
        for phase in
            ["blocked", "queued", "running", "expiring", "completed", "diverged", "stopped", "failed"]
        {
            assert!(text.contains(&format!("\nbasin_tasks{{state=\"{phase}\"}} 0\n")), "{text}");
        }
        assert!(text.contains("\nbasin_workers{state=\"ended\"} 0\n"), "{text}");
        assert!(text.contains("\nbasin_queue_depth 7\n"), "{text}");
        assert!(text.contains("\nbasin_slots{state=\"free\"} 2\nbasin_slots{state=\"busy\"} 1\n"), "{text}");
    }

    #[test]
    fn of_a_worker_the_gravest_is_told() {
        let (id, description) = (WorkerId::new("w").unwrap(), WorkerDescription::default());
        let outage = Outage::new(OutageKind::Full, "full");
        let waiting = OutageWait { outage, results: 0, lasting: Duration::ZERO };
        let mut worker = WorkerView {
            id: &id,
            description: Some(&description),
            last_seen: Some(Timestamp(100_000)),
            draining: false,
            avoided_until: None,
            waiting: None,
            exited: false,
            leases: 0,
        };
        let of = |worker: &WorkerView<'_>, now| {
            WorkerState::of(worker, Duration::from_secs(30), Timestamp(now)).as_str()
        };
        assert_eq!(of(&worker, 110_000), "ready");
        worker.avoided_until = Some(Timestamp(110_001));
        assert_eq!(of(&worker, 110_000), "avoided");
        worker.draining = true;
        assert_eq!(of(&worker, 110_000), "draining");
        worker.waiting = Some(&waiting);
        assert_eq!(of(&worker, 110_000), "waiting");
        assert_eq!(of(&worker, 130_000), "waiting");
        assert_eq!(of(&worker, 130_001), "silent");
        worker.exited = true;
        assert_eq!(of(&worker, 130_001), "ended");
    }

    #[test]
    fn a_task_that_is_slow_or_held_or_says_nothing_is_no_endless_speed() {
        let of = |step_seconds, is_held| {
            steps_per_second(&Progress { step_seconds, is_held, ..Progress::default() })
        };
        assert_eq!(of(Some(0.25), false), Some(4.0));
        let none = [(None, false), (Some(0.25), true), (Some(0.0), false), (Some(-1.0), false)];
        assert!(none.into_iter().all(|(seconds, is_held)| of(seconds, is_held).is_none()));
        assert_eq!((of(Some(f64::NAN), false), of(Some(1e-320), false)), (None, None));
    }
}
