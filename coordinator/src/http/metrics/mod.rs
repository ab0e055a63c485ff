//! The numbers: few, and of every label few values, whatever is launched, so that no sweep can make time series without end. Only where an
//! operator asks for it, some sweeps and workers are told apart by name ([`sweeps`], [`workers`]).
//!
//! Each file has what is told of one thing: what it is read from, and how it is written.

mod calls;
mod events;
mod process;
mod store;
mod sweeps;
mod work;
mod workers;

use std::time::SystemTime;

use basin_proto::PROTOCOL;
use basin_storage::StoreMeter;

use self::process::ProcessUsage;
use self::sweeps::ListedSweeps;
use self::work::Gauges;
use self::workers::ListedWorkers;
use super::ServingStatus;
use super::exposition::{Exposition, Metric, MetricKind};
use crate::journal::DecideError;
use crate::trust::CallMeter;

/// What a process has counted, whether or not it leads.
#[derive(Debug, Clone)]
pub struct MetricSources {
    calls: CallMeter,
    store: StoreMeter,
    named: NamedInMetrics,
    began: SystemTime,
}

/// How much the metrics tell by name. Whoever can read the metrics reads these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NamedInMetrics {
    /// The most sweeps: the newest that go on.
    pub sweeps: usize,
    /// The most workers.
    pub workers: usize,
}

impl MetricSources {
    /// Of a process that begins now: its calls, its store, and how much is to be told by name.
    pub fn new(calls: CallMeter, store: StoreMeter, named: NamedInMetrics) -> Self {
        Self { calls, store, named, began: SystemTime::now() }
    }
}

/// The page of metrics.
///
/// # Errors
/// If the ledger has closed meanwhile.
pub(super) async fn exposition(
    status: &ServingStatus,
    sources: &MetricSources,
) -> Result<String, DecideError> {
    let mut page = Exposition::default();
    write_status(&mut page, status.is_serving());
    process::write(&mut page, &ProcessUsage::now(), sources.began);
    calls::write(&mut page, &sources.calls);
    store::write(&mut page, &sources.store);
    match status {
        ServingStatus::Serving(coordinator) => {
            work::write(&mut page, &Gauges::of(coordinator).await?);
            let NamedInMetrics { sweeps, workers } = sources.named;
            if sweeps > 0 {
                sweeps::write(&mut page, &ListedSweeps::of(coordinator, sweeps).await?);
            }
            if workers > 0 {
                workers::write(&mut page, &ListedWorkers::of(coordinator, workers).await?);
            }
            events::write(&mut page, &coordinator.meter);
        }
        ServingStatus::Starting | ServingStatus::Standby | ServingStatus::Stopping => {}
    }
    Ok(page.into_text())
}

fn write_status(page: &mut Exposition, is_serving: bool) {
    page.begin(Metric {
        name: "basin_build_info",
        kind: MetricKind::Gauge,
        help: "The program that answers; always 1.",
    });
    let protocol = PROTOCOL.to_string();
    let build = [("version", env!("CARGO_PKG_VERSION")), ("protocol", &protocol)];
    page.value("basin_build_info", &build, 1);
    let help = "1 if this process answers workers and people.";
    page.single(Metric { name: "basin_serving", kind: MetricKind::Gauge, help }, u8::from(is_serving));
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::journal::Meter;

    /// Of a process in which nothing has happened.
    pub(in crate::http) fn sources() -> MetricSources {
        MetricSources::new(CallMeter::default(), StoreMeter::default(), NamedInMetrics::default())
    }

    const DOCS: &str = include_str!("../../../../docs/measuring.md");

    /// Each metric of a page with the names of its labels, but for those of a histogram's classes.
    fn on_page(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut metrics = BTreeMap::new();
        let mut metric = "";
        for line in text.lines() {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                metric = typed.split(' ').next().unwrap();
            } else if let Some(value) = line.strip_prefix(metric).filter(|_| !line.starts_with('#')) {
                let labels: &mut BTreeSet<&str> = metrics.entry(metric).or_default();
                let pairs = value.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
                let names = pairs.split(',').filter_map(|pair| Some(pair.split_once('=')?.0));
                labels.extend(names.filter(|name| *name != "le"));
            }
        }
        metrics
    }

    /// The same as the table of the documentation has it.
    fn documented() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let cells = DOCS.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let metrics = cells.filter(|(cell, _)| cell.starts_with("basin_") || cell.starts_with("process_"));
        let with_labels = metrics.map(|(cell, _)| match cell.trim_end_matches('}').split_once('{') {
            Some((name, labels)) => (name, labels.split(',').map(str::trim).collect()),
            None => (cell, BTreeSet::new()),
        });
        with_labels.collect()
    }

    #[test]
    fn every_metric_is_documented_with_its_labels_and_every_documented_one_is_there() {
        let mut page = Exposition::default();
        write_status(&mut page, true);
        process::write(&mut page, &ProcessUsage::now(), SystemTime::now());
        calls::write(&mut page, &CallMeter::default());
        store::write(&mut page, &StoreMeter::default());
        work::write(&mut page, &Gauges::default());
        sweeps::write(&mut page, &sweeps::example());
        workers::write(&mut page, &workers::example());
        events::write(&mut page, &Meter::default());
        let text = page.into_text();
        assert_eq!(on_page(&text), documented());
        assert_eq!(text.matches("# TYPE ").count(), on_page(&text).len(), "each is there once: {text}");
    }
}
