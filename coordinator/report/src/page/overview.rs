//! What was run: data, networks, training, seeds, when, for how long and on which machines.

use std::collections::{BTreeMap, BTreeSet};

use basin_charts::number;
use basin_domain::utc::Utc;
use maud::{Markup, html};

use super::text::text;
use super::{details, settings};
use crate::results::Results;
use crate::runs::Run;
use crate::tables::CommittedRun;

/// The section of the page.
pub(super) fn section(results: &Results) -> Markup {
    let runs: Vec<&Run> = results.runs.iter().collect();
    let committed = CommittedRun::each_once(&results.runs);
    let data = settings::data(&runs);
    let when = When::of(&committed);
    let machines = machines(&committed);
    html! {
        section id="run" aria-labelledby="run-title" { "\n"
            h2 id="run-title" { "What was run" } "\n"
            dl { "\n"
                @if !data.is_empty() {
                    dt { "data" } dd { @for sentence in &data { p { (text(sentence)) } } } "\n"
                }
                dt { "seeds" } dd { (settings::seeds(&runs)) } "\n"
                @if let Some(when) = &when {
                    dt { "when" } dd { (when.span()) } "\n"
                    dt { "duration" } dd { (when.duration()) } "\n"
                }
                @if !machines.is_empty() {
                    dt { "machines" } dd { @for machine in &machines { p { (text(machine)) } } } "\n"
                }
            } "\n"
            (details::experiments(&results.runs))
        } "\n"
    }
}

/// When the runs that count were made, by their workers' clocks, in milliseconds since the Unix epoch.
struct When {
    first: u64,
    last: u64,
    /// The time of all attempts that count, one after the other.
    summed: u64,
}

impl When {
    fn of(committed: &[CommittedRun<'_>]) -> Option<Self> {
        let provenances =
            || committed.iter().filter_map(|run| run.manifest).map(|manifest| &manifest.provenance);
        let last = provenances().map(|it| it.finished_unix_ms).max()?;
        let first = provenances().map(|it| it.started_unix_ms).min()?;
        let summed = provenances().map(|it| it.finished_unix_ms.saturating_sub(it.started_unix_ms)).sum();
        Some(Self { first, last, summed })
    }

    fn span(&self) -> String {
        let minute = |ms: u64| Utc::from_unix(ms / 1_000).to_string().replace('T', " ")[..16].to_owned();
        format!("{} to {} UTC", minute(self.first), minute(self.last))
    }

    fn duration(&self) -> String {
        let span = time(self.last.saturating_sub(self.first));
        format!(
            "{span} from the first run's beginning to the last one's end; {} of all runs together",
            time(self.summed)
        )
    }
}

/// A time in the two largest units that say something.
fn time(milliseconds: u64) -> String {
    let seconds = milliseconds as f64 / 1_000.0;
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{} s", number::rounded(seconds, 3)),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

/// The kinds of machines that made the results, with how many hosts and runs of each.
fn machines(committed: &[CommittedRun<'_>]) -> Vec<String> {
    let mut kinds: BTreeMap<String, (BTreeSet<&str>, usize)> = BTreeMap::new();
    for provenance in committed.iter().filter_map(|run| run.manifest).map(|manifest| &manifest.provenance) {
        let device = provenance.device.split(':').next().unwrap_or_default();
        let threads = if provenance.threads == 1 {
            "1 thread".to_owned()
        } else {
            format!("{} threads", provenance.threads)
        };
        let kind = format!("{device} ({}), {threads} a run", provenance.code_path);
        let entry = kinds.entry(kind).or_default();
        entry.0.insert(&provenance.host);
        entry.1 += 1;
    }
    let words = |(kind, (hosts, runs)): (String, (BTreeSet<&str>, usize))| {
        let of = |count: usize, word: &str| {
            format!("{} {word}{}", number::whole(count as i64), if count == 1 { "" } else { "s" })
        };
        format!("{}: {kind}; {}", of(hosts.len(), "host"), of(runs, "run"))
    };
    kinds.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn times_are_said_in_two_units() {
        assert_eq!([time(12_500), time(83_000), time(3_700_000)], ["12.5 s", "1 min 23 s", "1 h 1 min"]);
        assert_eq!(time(90_000_000), "1 d 1 h");
    }

    #[test]
    fn machines_are_counted_by_kind_and_the_time_is_that_of_the_runs() {
        let results = crate::tests::results_with_claims(samples::functions(3), vec![]);
        let committed = CommittedRun::among(&results.runs);
        assert_eq!(machines(&committed), ["1 host: cpu (avx512), 2 threads a run; 12 runs"]);
        let when = When::of(&committed).unwrap();
        assert_eq!(when.span(), "2023-11-14 22:13 to 2023-11-14 22:13 UTC");
        assert!(when.duration().starts_with("12.5 s from"), "{}", when.duration());
        assert!(when.duration().contains("2 min 30 s of all runs"), "{}", when.duration());
    }
}
