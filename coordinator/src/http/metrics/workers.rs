//! Some workers by name: what each uses of its machine, and how fast it trains; no more of them than an operator allows.

use basin_core::Ledger;
use basin_core::view::WorkerView;
use basin_domain::id::WorkerId;
use basin_domain::time::Timestamp;
use basin_domain::worker::WorkerUsage;

use super::work::PAGE;
use crate::http::exposition::{Exposition, Metric, MetricKind};
use crate::journal::DecideError;
use crate::service::Coordinator;

/// A worker that is told by name.
#[derive(Debug, Clone, PartialEq)]
struct ListedWorker {
    id: WorkerId,
    usage: WorkerUsage,
    examples_per_second: f64,
}

/// The workers that are told by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ListedWorkers {
    /// The first by their ids.
    named: Vec<ListedWorker>,
    /// How many more work, or could.
    unlisted: u64,
}

impl ListedWorkers {
    /// At most so many at present.
    pub(super) async fn of(coordinator: &Coordinator, most: usize) -> Result<Self, DecideError> {
        let now = coordinator.ledger.now();
        let (mut listed, mut after) = (Self::default(), None);
        loop {
            let look = move |ledger: &Ledger| {
                let page = ledger.page_of_workers(after.as_ref(), PAGE);
                let last = page.last().map(|worker| worker.id.clone());
                let here = page.iter().filter(|worker| is_there(worker, ledger, now));
                let rate = |worker: &WorkerView<'_>| ledger.examples_per_second(worker).unwrap_or(0.0);
                (here.map(|worker| (worker.id.clone(), rate(worker))).collect::<Vec<_>>(), last)
            };
            let (page, last) = coordinator.ledger.view(look).await?;
            for (id, examples_per_second) in page {
                let usage = coordinator.usages.of(&id, now).unwrap_or_default();
                listed.add(ListedWorker { id, usage, examples_per_second }, most);
            }
            if last.is_none() {
                return Ok(listed);
            }
            after = last;
        }
    }

    /// Adds the next one.
    fn add(&mut self, worker: ListedWorker, most: usize) {
        if self.named.len() < most {
            self.named.push(worker);
        } else {
            self.unlisted += 1;
        }
    }
}

/// Whether a worker was heard of late and its process hasn't ended, as far as anybody knows.
fn is_there(worker: &WorkerView<'_>, ledger: &Ledger, now: Timestamp) -> bool {
    !worker.exited && worker.last_seen.is_some_and(|seen| now - seen <= ledger.policy().lease_duration)
}

pub(super) fn write(page: &mut Exposition, workers: &ListedWorkers) {
    let gauge = |name, help| Metric { name, kind: MetricKind::Gauge, help };
    let cores = gauge("basin_worker_cpu_cores", "Cores that each worker's processes keep busy.");
    page.begin(cores);
    for worker in &workers.named {
        if let Some(busy) = worker.usage.cpu_cores {
            page.value(cores.name, &[("worker", worker.id.as_str())], busy);
        }
    }
    let memory = gauge("basin_worker_memory_bytes", "Memory that each worker's processes have.");
    page.begin(memory);
    for worker in &workers.named {
        if let Some(bytes) = worker.usage.memory {
            page.value(memory.name, &[("worker", worker.id.as_str())], bytes);
        }
    }
    let help =
        "Training examples a second that each worker's tasks take; 0 where none of them counts examples.";
    let examples = gauge("basin_worker_examples_per_second", help);
    page.begin(examples);
    for worker in &workers.named {
        page.value(examples.name, &[("worker", worker.id.as_str())], worker.examples_per_second);
    }
    let help = "Workers that were heard of late and aren't among those of basin_worker_memory_bytes.";
    page.single(gauge("basin_workers_unlisted", help), workers.unlisted);
}

/// One worker, for tests.
#[cfg(test)]
pub(super) fn example() -> ListedWorkers {
    let mut listed = ListedWorkers::default();
    listed.add(tests::worker(1), 1);
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn worker(number: u32) -> ListedWorker {
        let usage =
            WorkerUsage { cpu_cores: Some(1.5), cores: 2, memory: Some(1 << 30), memory_limit: 1 << 34 };
        let id = WorkerId::new(format!("w-{number}")).unwrap();
        ListedWorker { id, usage, examples_per_second: 512.0 }
    }

    #[test]
    fn the_first_are_told_and_of_the_others_how_many_there_are() {
        let mut listed = ListedWorkers::default();
        (0..5).for_each(|number| listed.add(worker(number), 2));
        let mut page = Exposition::default();
        write(&mut page, &listed);
        let text = page.into_text();
        assert!(text.contains("\nbasin_worker_cpu_cores{worker=\"w-1\"} 1.5\n"), "{text}");
        assert!(text.contains("\nbasin_worker_memory_bytes{worker=\"w-1\"} 1073741824\n"), "{text}");
        assert!(text.contains("\nbasin_worker_examples_per_second{worker=\"w-1\"} 512\n"), "{text}");
        assert_eq!(text.matches("worker=\"").count(), 2 * 3, "{text}");
        assert!(text.ends_with("\nbasin_workers_unlisted 3\n"), "{text}");
    }

    #[test]
    fn what_a_worker_does_not_say_is_left_out() {
        let mut listed = ListedWorkers::default();
        let silent = ListedWorker { usage: WorkerUsage::default(), examples_per_second: 0.0, ..worker(1) };
        listed.add(silent, 1);
        let mut page = Exposition::default();
        write(&mut page, &listed);
        let text = page.into_text();
        assert!(!text.contains("basin_worker_cpu_cores{") && !text.contains("basin_worker_memory_bytes{"));
        assert!(text.contains("basin_worker_examples_per_second{worker=\"w-1\"} 0\n"), "{text}");
    }
}
