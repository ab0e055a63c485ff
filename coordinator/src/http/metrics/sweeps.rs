//! Some sweeps by name: the newest of those that go on, and no more than an operator allows.

use std::collections::VecDeque;

use basin_core::Ledger;
use basin_core::view::{Counts, SweepState, SweepView};
use basin_domain::id::SweepId;

use super::work::{PAGE, by_phase};
use crate::http::exposition::{Exposition, Metric, MetricKind};
use crate::journal::DecideError;
use crate::service::Coordinator;

/// The sweeps that are told by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ListedSweeps {
    /// The newest last.
    newest: VecDeque<(SweepId, Counts)>,
    /// How many more go on.
    unlisted: u64,
}

impl ListedSweeps {
    /// At most so many at present.
    pub(super) async fn of(coordinator: &Coordinator, most: usize) -> Result<Self, DecideError> {
        let mut listed = Self::default();
        let mut next = Some(0);
        while let Some(from) = next {
            let look = move |ledger: &Ledger| {
                let (page, next) = ledger.page_of_sweeps(from, PAGE);
                listed.add(&page, most);
                (listed, next)
            };
            (listed, next) = coordinator.ledger.view(look).await?;
        }
        Ok(listed)
    }

    /// Adds later ones, as far as they go on.
    fn add(&mut self, sweeps: &[SweepView<'_>], most: usize) {
        for sweep in sweeps {
            match sweep.state {
                SweepState::Running | SweepState::Paused => {
                    self.newest.push_back((sweep.id.clone(), sweep.counts));
                }
                SweepState::Cancelled | SweepState::Done => {}
            }
            if self.newest.len() > most {
                self.newest.pop_front();
                self.unlisted += 1;
            }
        }
    }
}

pub(super) fn write(page: &mut Exposition, sweeps: &ListedSweeps) {
    let name = "basin_sweep_tasks";
    let help = "Tasks by state, of each of the newest sweeps that go on.";
    page.begin(Metric { name, kind: MetricKind::Gauge, help });
    for (sweep, counts) in &sweeps.newest {
        for (phase, count) in by_phase(counts) {
            page.value(name, &[("sweep", sweep.as_str()), ("state", phase)], count);
        }
    }
    let help = "Sweeps that go on and aren't among those of basin_sweep_tasks.";
    page.single(Metric { name: "basin_sweeps_unlisted", kind: MetricKind::Gauge, help }, sweeps.unlisted);
}

/// One sweep, for tests.
#[cfg(test)]
pub(super) fn example() -> ListedSweeps {
    let mut listed = ListedSweeps::default();
    listed.add(&[tests::sweep(&tests::id(1), SweepState::Running)], 1);
    listed
}

#[cfg(test)]
mod tests {
    use basin_domain::scheduling::SchedulingOptions;
    use basin_domain::time::Timestamp;

    use super::*;

    pub(super) fn id(number: usize) -> SweepId {
        SweepId::new(format!("s-{number}")).unwrap()
    }

    pub(super) fn sweep(id: &SweepId, state: SweepState) -> SweepView<'_> {
        SweepView {
            id,
            user: None,
            share: SchedulingOptions::default(),
            max_slots: None,
            slots: 0,
            state,
            counts: Counts { queued: 3, ..Counts::default() },
            experiments: Vec::new(),
            launched_at: Timestamp(0),
            finished_at: None,
        }
    }

    #[test]
    fn the_newest_that_go_on_are_told_and_of_the_others_how_many_there_are() {
        let ids: Vec<SweepId> = (0..6).map(id).collect();
        let states = [SweepState::Running, SweepState::Paused, SweepState::Running, SweepState::Running]
            .into_iter()
            .chain([SweepState::Done, SweepState::Cancelled]);
        let sweeps: Vec<_> = ids.iter().zip(states).map(|(id, state)| sweep(id, state)).collect();
        let mut listed = ListedSweeps::default();
        // A page at a time.
        listed.add(&sweeps[..3], 2);
        listed.add(&sweeps[3..], 2);
        let mut page = Exposition::default();
        write(&mut page, &listed);
        let text = page.into_text();
        for name in ["s-2", "s-3"] {
            let line = format!("\nbasin_sweep_tasks{{sweep=\"{name}\",state=\"queued\"}} 3\n");
            assert!(text.contains(&line), "{text}");
        }
        assert_eq!(text.matches("basin_sweep_tasks{").count(), 2 * 9, "{text}");
        assert!(text.ends_with("\nbasin_sweeps_unlisted 2\n"), "{text}");
    }
}
