//! A worker that calls as real ones do, and trains nothing.

use std::time::{Duration, Instant};

use basin_proto::v1::scheduler_client::SchedulerClient;
use basin_proto::{task_log, v1};
use tonic::transport::Channel;

/// Points of its loss, and of each of its series, that a task says with each call: executors tell five times a second how far they are
/// and what they have recorded, and these record something each time.
const POINTS: u64 = 10;
/// The series that a task records.
const SERIES: [&str; 10] = [
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "gradient_norm",
    "learning_rate",
    "sharpness",
    "sensitivity",
    "average_test_loss",
    "average_test_accuracy",
];
/// A worker that calls as a real one does.
pub(crate) struct SimulatedWorker {
    client: SchedulerClient<Channel>,
    id: String,
    slots: u32,
    seen: u64,
    /// Its leases, each with its one task.
    held: Vec<(String, String)>,
    step: u64,
}

impl SimulatedWorker {
    pub(crate) fn new(client: &SchedulerClient<Channel>, id: String, slots: u32) -> Self {
        Self { client: client.clone(), id, slots, seen: 0, held: Vec::new(), step: 0 }
    }

    fn holds(&self) -> Vec<v1::HeldLease> {
        let progress = v1::Progress {
            iteration: self.step,
            iterations: 1_000_000,
            epoch: 3,
            epochs: 100,
            loss: Some(1.0 / (1.0 + self.step as f64)),
            step_seconds: Some(0.02),
            silent_ms: Some(100),
            is_held: false,
            done_share: Some(0.25),
            examples_per_second: Some(3_200.0),
        };
        let held = self.held.iter().map(|(lease, task)| v1::HeldLease {
            lease_id: lease.clone(),
            tasks: vec![v1::TaskProgress { task_id: task.clone(), progress: Some(progress) }],
        });
        held.collect()
    }

    fn logs(&self) -> Vec<task_log::Bytes> {
        let iterations: Vec<u64> = (self.step..self.step + POINTS).collect();
        let losses: Vec<f64> = iterations.iter().map(|at| 1.0 / (1.0 + *at as f64)).collect();
        let line = format!("2026-11-29T08:00:00Z  INFO trained step={} steps=1000000 epoch=3", self.step);
        let series = SERIES.map(|name| v1::SeriesCurve {
            name: name.to_owned(),
            axis: v1::SeriesAxis::Epoch.into(),
            x: iterations.iter().map(|at| *at as f64 / 100.0).collect(),
            values: losses.clone(),
        });
        let log = self.held.iter().map(|(_, task)| v1::TaskLog {
            task_id: task.clone(),
            first: self.step / POINTS,
            lines: vec![line.clone()],
            losses: Some(v1::LossCurve { iterations: iterations.clone(), losses: losses.clone() }),
            series: series.to_vec(),
        });
        log.map(|log| task_log::written(&log)).collect()
    }

    /// Calls once; how long the answer took.
    pub(crate) async fn sync(&mut self) -> Duration {
        let description = v1::WorkerDescription {
            host: "simulated".to_owned(),
            device: "cpu".to_owned(),
            slots: self.slots,
            threads: 1,
            ..v1::WorkerDescription::default()
        };
        let usage = v1::WorkerUsage {
            cpu_cores: Some(19.5),
            cores: 32,
            memory: Some(8 << 30),
            memory_limit: 64 << 30,
        };
        let request = v1::SyncRequest {
            worker_id: self.id.clone(),
            worker: Some(description),
            holds: self.holds(),
            free_slots: self.slots - u32::try_from(self.held.len()).unwrap(),
            max_pack: 1,
            seen: self.seen,
            logs: self.logs(),
            usage: Some(usage),
            ..v1::SyncRequest::default()
        };
        let began = Instant::now();
        let reply = self.client.sync(request).await.unwrap().into_inner();
        let took = began.elapsed();
        assert!(reply.stop.is_empty(), "{} lost leases: {:?}", self.id, reply.stop);
        self.seen = reply.answer;
        self.step += POINTS;
        for grant in reply.grants {
            let tasks = grant.tasks.into_iter();
            self.held.extend(tasks.map(|task| (grant.lease_id.clone(), task.task_id)));
        }
        took
    }

    /// Calls until all of its slots have tasks.
    pub(crate) async fn fill(&mut self) {
        while self.held.len() < self.slots as usize {
            self.sync().await;
        }
    }

    /// Asks for a lease, and gives it back; how long it took to get it.
    pub(crate) async fn lease(&mut self) -> Duration {
        let mut took = Duration::ZERO;
        while self.held.is_empty() {
            took += self.sync().await;
        }
        for (lease_id, task_id) in self.held.drain(..) {
            let reason = v1::ReleaseReason::Drain;
            let request = v1::ReleaseRequest {
                lease_id,
                task_id,
                reason: "drain".to_owned(),
                reason_code: reason.into(),
            };
            assert!(self.client.release(request).await.unwrap().into_inner().held);
        }
        took
    }
}
