//! The workers, with what they use of their machines.

use std::time::Duration;

use basin_core::Ledger;
use basin_core::view::WorkerView;
use basin_domain::time::Timestamp;
use basin_proto::v1;
use tonic::Status;

use super::summary::worker_summary;
use super::{Coordinator, refusal};

/// Workers that one look goes through.
const PAGE: usize = 32;
/// How long a worker that has left is still listed, for those who look why.
const LISTED_AFTER_LEAVING: Duration = Duration::from_secs(60);
/// And one that was never heard to leave, and holds nothing.
const LISTED_IN_SILENCE: Duration = Duration::from_secs(600);

/// Whether a worker is of interest no more: it has left a while ago, or was never heard since the start.
fn has_left(worker: &WorkerView<'_>, now: Timestamp) -> bool {
    let Some(seen) = worker.last_seen else { return worker.leases == 0 };
    let left = worker.exited || worker.draining;
    worker.leases == 0 && now - seen > if left { LISTED_AFTER_LEAVING } else { LISTED_IN_SILENCE }
}

impl Coordinator {
    /// All workers that are of interest, by id; page by page, so that nobody waits for long.
    pub(super) async fn list_workers(&self) -> Result<Vec<v1::WorkerSummary>, Status> {
        let now = self.ledger.now();
        let (mut workers, mut after) = (Vec::new(), None);
        loop {
            let look = move |ledger: &Ledger| {
                let page = ledger.page_of_workers(after.as_ref(), PAGE);
                let last = page.last().map(|worker| worker.id.clone());
                let here = page.iter().filter(|worker| !has_left(worker, now));
                let summary =
                    |worker: &WorkerView<'_>| (worker.id.clone(), worker_summary(ledger, worker, now));
                (here.map(summary).collect::<Vec<_>>(), last)
            };
            let found = self.ledger.view(look).await.map_err(|error| refusal::decide_error(&error))?;
            let (page, last) = found;
            workers.extend(page.into_iter().map(|(id, summary)| {
                let usage = self.usages.of(&id, now).map(Into::into);
                v1::WorkerSummary { usage, ..summary }
            }));
            if last.is_none() {
                return Ok(workers);
            }
            after = last;
        }
    }
}
