//! What is left of sweeps' work. It is foretold when somebody looks: from the ledger, a page at a time, and from what tasks are expected to
//! take, which follows from their parameters. Those stand in the lists of tasks of the store, which are read when they are first
//! asked for; whoever launches a sweep on workers that it knows may say better.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use basin_core::forecast::{ExpectedWork, Forecast, TaskWork, WorkTally};
use basin_core::view::SweepState;
use basin_domain::data::{self, Contents, Dataset};
use basin_domain::experiment::work::{Work, works};
use basin_domain::id::SweepId;
use basin_domain::task::Task;
use basin_proto::v1;

use super::forecasts::LatestForecast;
use super::{Coordinator, wire};
use crate::launch::on_blocking_thread;

/// How long an answer waits for the list of a sweep's tasks; without it nothing is foretold yet.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tasks that one look at the ledger goes through: a fraction of a millisecond.
const PAGE: usize = 500;
/// For how long a forecast is good, and for how much longer of every thousand tasks: a look costs little of the ledger's time.
const FRESH: Duration = Duration::from_millis(400);
const FRESH_A_THOUSAND: Duration = Duration::from_millis(50);
/// For how long slots count that were seen at work: one that is between two leases is not gone.
const RECENT: Duration = Duration::from_secs(10);

impl Coordinator {
    /// What is left of a sweep's work, as it was foretold a moment ago; none if it isn't known what its tasks are.
    pub async fn forecast(self: &Arc<Self>, sweep: &SweepId) -> Option<Forecast> {
        if let Some(fresh) = self.forecasts.fresh(sweep, self.ledger.now()) {
            return Some(fresh);
        }
        self.forecast_now(sweep).await
    }

    /// The same, as of now.
    pub async fn forecast_now(self: &Arc<Self>, sweep: &SweepId) -> Option<Forecast> {
        let asked = self.ledger.now();
        let expected = self.expected_work(sweep).await?;
        let _counting = self.forecasts.counting.lock().await;
        if let Some(latest) = self.forecasts.latest(sweep).filter(|latest| latest.at > asked) {
            return Some(latest.forecast);
        }
        let now = self.ledger.now();
        let (mut tally, mut has_more) = (WorkTally::default(), true);
        while has_more {
            let (id, expected) = (sweep.clone(), Arc::clone(&expected));
            let look = self.ledger.view(move |ledger| {
                let has_more = ledger.tally_work(&mut tally, &id, &expected, PAGE, now);
                (tally, has_more)
            });
            (tally, has_more) = look.await.ok()?;
        }
        let id = sweep.clone();
        let stand = self.ledger.view(move |ledger| {
            let sweep = ledger.sweep(&id)?;
            let goes_on =
                sweep.state == SweepState::Running || sweep.counts.queued + sweep.counts.blocked == 0;
            Some((sweep.slots, goes_on, sweep.counts.total()))
        });
        let (slots_now, goes_on, tasks) = stand.await.ok()??;
        let mut slots = self.forecasts.latest(sweep).map(|latest| latest.slots).unwrap_or_default();
        slots.retain(|(at, _)| now - *at < RECENT);
        slots.push((now, slots_now));
        let most = slots.iter().map(|(_, slots)| *slots).max().filter(|most| *most > 0);
        let forecast = tally.forecast(&expected, most.or(expected.slots), goes_on);
        let thousands = u32::try_from(tasks / 1_000).unwrap_or(u32::MAX);
        let fresh_for = FRESH + FRESH_A_THOUSAND.saturating_mul(thousands);
        let latest = LatestForecast { at: now, fresh_for, forecast: forecast.clone(), slots };
        self.forecasts.keep(sweep, latest);
        Some(forecast)
    }

    /// An answer about a sweep, with what is left of its work.
    pub async fn with_forecast(
        self: &Arc<Self>,
        sweep: &SweepId,
        reply: v1::GetSweepReply,
    ) -> v1::GetSweepReply {
        let forecast = self.forecast(sweep).await.map(wire::forecast);
        v1::GetSweepReply { forecast, ..reply }
    }

    /// What a sweep's tasks are expected to take; none while the store hasn't said what they are.
    async fn expected_work(self: &Arc<Self>, sweep: &SweepId) -> Option<Arc<ExpectedWork>> {
        if let Some(known) = self.forecasts.expected(sweep) {
            return Some(known);
        }
        // It goes on where nobody waits any more: the next look finds it.
        let (coordinator, id) = (Arc::clone(self), sweep.clone());
        let read = tokio::spawn(async move { coordinator.read_expected_work(&id).await });
        tokio::time::timeout(PATIENCE, read).await.ok()?.ok()?
    }

    async fn read_expected_work(&self, sweep: &SweepId) -> Option<Arc<ExpectedWork>> {
        let _reading = self.forecasts.reading.lock().await;
        // Whoever read before may have read these.
        if let Some(known) = self.forecasts.expected(sweep) {
            return Some(known);
        }
        let tasks = match self.store.read_tasks(sweep).await {
            Ok(tasks) => tasks,
            Err(error) => {
                tracing::debug!(%sweep, %error, "the work of its tasks can't be read");
                return None;
            }
        };
        let mut contents: HashMap<Dataset, Option<Contents>> = HashMap::new();
        for dataset in tasks.iter().filter_map(|task| task.spec.data.as_ref()) {
            if !contents.contains_key(dataset) && !data::is_made(dataset.name.as_str()) {
                let found = self.store.dataset_contents(dataset).await.ok().flatten();
                contents.insert(dataset.clone(), found);
            }
        }
        let expected = on_blocking_thread(move || {
            expected_on_the_reference_machine(&tasks, |dataset| contents.get(dataset).cloned().flatten())
        });
        let expected = expected.await;
        Some(self.forecasts.expect(sweep, expected))
    }
}

/// What tasks take on the machine that work is counted in seconds of: workers are another, and show by how much.
fn expected_on_the_reference_machine(
    tasks: &[Task],
    stored: impl Fn(&Dataset) -> Option<Contents>,
) -> ExpectedWork {
    let of_task = |(task, work): (&Task, Work)| {
        let work = match work {
            Work::Seconds(seconds) => TaskWork::seconds(seconds.total()),
            Work::Relative(amount) => TaskWork::relative(amount),
        };
        (task.id, work)
    };
    let tasks = tasks.iter().zip(works(tasks, stored)).map(of_task).collect();
    ExpectedWork { tasks, ..ExpectedWork::default() }
}

#[cfg(test)]
mod tests {
    use basin_core::command::Policy;
    use basin_domain::sweep::Source;
    use basin_storage::{CommitMode, Store};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::journal::{MemoryDisk, MemoryJournal};
    use crate::leader_session::{LeaderContext, LeaderSession};
    use crate::platform::SystemPlatform;
    use crate::service::LaunchOptions;

    const LINES: &str = r#"
name = "lines"

[[experiment]]
id = "lines"
kind = "fit-function"
function = "sin"
hidden = [10]
interval = [-3.0, 3.0]
points = 32
epochs = 20
seeds = 1100
"#;

    #[tokio::test]
    async fn what_tasks_are_is_read_from_the_store_when_somebody_looks() {
        let context = LeaderContext {
            store: Store::open("memory://forecasts").unwrap(),
            commits: CommitMode::Conditional,
            policy: Policy::default(),
            has_shared_journal: false,
            platform: Arc::new(SystemPlatform),
        };
        let journal = MemoryJournal::open(&MemoryDisk::default()).unwrap();
        let session = LeaderSession::begin(journal, &context, &CancellationToken::new()).await.unwrap();
        let coordinator = Arc::clone(&session.coordinator);
        assert!(coordinator.forecast(&SweepId::new("nowhere").unwrap()).await.is_none());
        let source = Source {
            file: "lines.toml".to_owned(),
            text: LINES.to_owned(),
            profile: None,
            overrides: Vec::new(),
            kinds: Vec::new(),
        };
        let launched = coordinator.launch(&source, LaunchOptions::default()).await.unwrap();
        let reply = coordinator.with_forecast(&launched.sweep, v1::GetSweepReply::default()).await;
        let forecast = reply.forecast.unwrap();
        // Nobody has worked on it yet, so nobody knows how fast that goes.
        assert_eq!((forecast.done_share, forecast.seconds_left), (0.0, None));
        assert_eq!(forecast.experiments.len(), 1);
        assert!(forecast.experiments[0].work_seconds > 1_100.0 * 0.01, "{forecast:?}");
        // Who knows the workers says better.
        let expected = ExpectedWork { is_of_these_workers: true, slots: Some(2), ..ExpectedWork::default() };
        let tasks = coordinator.store.read_tasks(&launched.sweep).await.unwrap();
        let tasks = tasks.iter().map(|task| (task.id, TaskWork::seconds(3.0))).collect();
        coordinator.forecasts.expect(&launched.sweep, ExpectedWork { tasks, ..expected });
        let left = coordinator.forecast_now(&launched.sweep).await.unwrap().left.unwrap();
        assert!((left.seconds - 1_650.0).abs() < 1e-6, "{left:?}");
        session.end().await;
    }
}
