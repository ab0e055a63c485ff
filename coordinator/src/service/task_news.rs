//! What workers say of the tasks that they work on, for people who look on: in memory alone, and bounded. Nothing is decided by it.
//!
//! It is read, kept and looked at on a thread that stands back: with ten thousand tasks it takes a third of a processor, and no worker
//! waits for its answer until what another one said is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use basin_core::command::{HeldLease, Synced};
use basin_domain::id::{LeaseId, TaskId};
use basin_domain::loss_curve::LossPoint;
use basin_domain::time::Timestamp;
use basin_domain::worker::Progress;
use basin_proto::{live_series, task_log, v1};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::running_curves::RunningCurves;
use super::running_logs::RunningLogs;
use crate::work_host::WorkHost;

/// What may wait until it is kept: so many messages, and so many bytes of them. What comes beyond that isn't kept.
const MESSAGES: usize = 4_096;
const BYTES: usize = 64 << 20;
/// The most points of a task's loss that one message can bring.
const POINT_LIMIT: usize = 256;

/// The news of tasks.
#[derive(Debug)]
pub struct TaskNews {
    queue: mpsc::Sender<Message>,
    /// Bytes.
    room: Arc<Semaphore>,
}

/// What is kept of them.
#[derive(Debug, Default)]
pub(super) struct KeptNews {
    /// Lines of their logs.
    pub(super) logs: RunningLogs,
    /// How their losses and their series go.
    pub(super) curves: RunningCurves,
}

/// What a worker said with one call of tasks that it holds indeed.
#[derive(Debug)]
pub(super) struct Said {
    at: Timestamp,
    held: Vec<HeldTask>,
    /// Logs as they came.
    logs: Vec<task_log::Bytes>,
}

/// A task that a worker holds, and its latest loss.
#[derive(Debug)]
struct HeldTask {
    task: TaskId,
    lease: LeaseId,
    /// Workers of before say no more of the loss than this.
    loss: Option<LossPoint>,
}

enum Message {
    Said(Said, OwnedSemaphorePermit),
    Look(Box<dyn FnOnce(&mut KeptNews) + Send>),
}

impl Said {
    /// What a worker said of what it holds, where the ledger's answer was this.
    pub(super) fn new(
        holds: &[HeldLease],
        synced: &Synced,
        logs: Vec<task_log::Bytes>,
        at: Timestamp,
    ) -> Self {
        let renewed: HashSet<&LeaseId> = synced.renewed.iter().map(|(lease, _)| lease).collect();
        let live = holds.iter().filter(|held| renewed.contains(&held.lease));
        let held = live.flat_map(|held| {
            held.progress.iter().map(|&(task, Progress { iteration, loss, .. })| HeldTask {
                task,
                lease: held.lease.clone(),
                loss: loss.map(|loss| LossPoint { iteration, loss }),
            })
        });
        Self { at, held: held.collect(), logs }
    }

    /// About how much memory it takes, in bytes.
    fn size(&self) -> usize {
        size_of_val(self.held.as_slice()) + self.logs.iter().map(task_log::Bytes::len).sum::<usize>()
    }
}

impl TaskNews {
    /// Keeps them from now on, until this is dropped.
    pub fn start(host: WorkHost) -> Self {
        let (queue, mut messages) = mpsc::channel(MESSAGES);
        let work = async move {
            let mut kept = KeptNews::default();
            while let Some(message) = messages.recv().await {
                match message {
                    Message::Said(said, room) => {
                        kept.keep(said);
                        drop(room);
                    }
                    Message::Look(look) => look(&mut kept),
                }
            }
        };
        if let Err(error) = host.start_behind("news", work) {
            tracing::warn!(%error, "what workers say of their tasks can't be kept");
        }
        Self { queue, room: Arc::new(Semaphore::new(BYTES)) }
    }

    /// Has it kept, unless too much waits for that already.
    pub(super) fn hear(&self, said: Said) {
        if said.held.is_empty() {
            return;
        }
        let size = u32::try_from(said.size()).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(size) else {
            return tracing::debug!("what a worker said of its tasks isn't kept: too much was said before");
        };
        // Full, or nobody keeps it.
        let _ = self.queue.try_send(Message::Said(said, room));
    }

    /// Looks at what is kept, once everything is that was said until now.
    pub(super) async fn look<T: Default + Send + 'static>(
        &self,
        look: impl FnOnce(&mut KeptNews) -> T + Send + 'static,
    ) -> T {
        let (sender, seen) = oneshot::channel();
        let look = Box::new(|kept: &mut KeptNews| {
            // Whoever asked may have gone.
            let _ = sender.send(look(kept));
        });
        // Where nobody keeps anything, nothing is seen.
        let _ = self.queue.send(Message::Look(look)).await;
        seen.await.unwrap_or_default()
    }
}

impl KeptNews {
    fn keep(&mut self, Said { at, held, logs }: Said) {
        let mut leases: HashMap<TaskId, &LeaseId> = HashMap::with_capacity(held.len());
        for HeldTask { task, lease, loss } in &held {
            leases.insert(*task, lease);
            self.curves.add(*task, *loss, at);
        }
        // One a task at most.
        for log in logs.into_iter().take(held.len()).filter_map(task_log::read) {
            let Ok(task) = log.task_id.parse::<TaskId>() else { continue };
            let Some(lease) = leases.get(&task) else { continue };
            let points = log.losses.iter().flat_map(v1::LossCurve::points).take(POINT_LIMIT);
            self.curves.add(task, points, at);
            self.curves.add_series(task, &live_series::read(&log.series), at);
            if !log.lines.is_empty() {
                self.logs.add(task, lease, log.first, log.lines);
            }
        }
    }

    /// The tasks of which something is kept.
    pub(super) fn tasks(&self) -> HashSet<TaskId> {
        self.logs.tasks().chain(self.curves.tasks()).copied().collect()
    }

    /// Forgets what was said of these tasks.
    pub(super) fn forget(&mut self, tasks: &HashSet<TaskId>) {
        self.logs.forget(tasks);
        self.curves.forget(tasks);
    }
}

#[cfg(test)]
mod tests {
    use basin_domain::digest::Digest;

    use super::*;

    fn task(number: u8) -> TaskId {
        TaskId(Digest::of(&[number]))
    }

    fn lease(name: &str) -> LeaseId {
        LeaseId::new(name).unwrap()
    }

    fn held(name: &str, number: u8, loss: Option<f64>) -> HeldLease {
        let progress = Progress { iteration: 7, loss, ..Progress::default() };
        HeldLease { lease: lease(name), progress: vec![(task(number), progress)] }
    }

    fn log(number: u8, lines: &[&str], points: std::ops::Range<u64>) -> task_log::Bytes {
        task_log::written(&v1::TaskLog {
            task_id: task(number).to_string(),
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
            losses: Some(v1::LossCurve {
                iterations: points.clone().collect(),
                losses: points.map(|_| 0.5).collect(),
            }),
            ..v1::TaskLog::default()
        })
    }

    fn said(holds: &[HeldLease], renewed: &[&str], logs: Vec<task_log::Bytes>) -> Said {
        let renewed = renewed.iter().map(|name| (lease(name), Timestamp(9_000))).collect();
        Said::new(holds, &Synced { renewed, ..Synced::default() }, logs, Timestamp(1_000))
    }

    async fn iterations(news: &TaskNews, number: u8) -> Vec<u64> {
        let points = news.look(move |kept| kept.curves.read(&task(number))).await;
        points.into_iter().map(|point| point.iteration).collect()
    }

    #[tokio::test]
    async fn what_was_said_before_a_look_is_seen_by_it() {
        for host in [WorkHost::Thread, WorkHost::Runtime] {
            let news = TaskNews::start(host);
            news.hear(said(&[held("l", 1, Some(0.25))], &["l"], vec![log(1, &["a"], 8..10)]));
            assert_eq!(iterations(&news, 1).await, [7, 8, 9]);
            let lines = news.look(|kept| kept.logs.read(&task(1), &lease("l"), 0)).await.unwrap();
            assert_eq!(lines.lines, ["a"]);
            news.look(|kept| kept.forget(&HashSet::from([task(1)]))).await;
            assert_eq!(news.look(|kept| kept.tasks()).await, HashSet::new());
        }
    }

    #[tokio::test]
    async fn only_what_a_worker_holds_is_kept_and_what_makes_no_sense_is_left_out() {
        let news = TaskNews::start(WorkHost::Runtime);
        let junk = task_log::Bytes::from_static(b"\xff\xff");
        let holds = [held("l", 1, None), held("gone", 2, Some(0.5)), held("l", 3, None)];
        let logs = vec![junk, log(2, &["b"], 1..3), log(1, &["a"], 1..3)];
        news.hear(said(&holds, &["l"], logs));
        assert_eq!(iterations(&news, 1).await, [] as [u64; 0], "more logs than tasks: the third isn't read");
        news.hear(said(&holds, &["l"], vec![log(2, &["b"], 1..3), log(1, &["a"], 1..3)]));
        assert_eq!((iterations(&news, 1).await, iterations(&news, 2).await), (vec![1, 2], vec![]));
        assert_eq!(news.look(|kept| kept.tasks()).await, HashSet::from([task(1)]));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_its_room_is_free_once_it_is_kept() {
        let news = TaskNews::start(WorkHost::Runtime);
        // Nothing is kept as long as this one thread doesn't wait.
        let line = "x".repeat(1 << 20);
        for number in 0..100 {
            news.hear(said(&[held("l", number, Some(1.0))], &["l"], vec![log(number, &[&line], 0..1)]));
        }
        assert!(news.room.available_permits() < 2 << 20);
        let tasks = news.look(|kept| kept.tasks().len()).await;
        assert!((60..64).contains(&tasks), "{tasks}");
        assert_eq!(news.room.available_permits(), BYTES);
        for _ in 0..2 * MESSAGES {
            news.hear(said(&[held("l", 1, None)], &["l"], Vec::new()));
        }
        assert!(news.room.available_permits() > BYTES / 2);
        news.look(|_| ()).await;
        assert_eq!(news.room.available_permits(), BYTES);
    }
}
