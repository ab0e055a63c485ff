//! `/latencies`: how long coordinator, store and journal take.

use std::time::{Duration, Instant};

use axum::extract::State;
use basin_charts::number;
use basin_storage::{Histogram, HistogramCounts, Store};
use maud::{Markup, html};

use super::common::above;
use crate::answer::parts::Head::{Numbers, Words};
use crate::answer::parts::{heads, scrolling, text, whole};
use crate::answer::{Page, Place};
use crate::context::{Asked, Shared};
use crate::model::{LatencySummary, Timed};
use crate::settings::JournalTimes;

/// How long the store may take to say whether it answers.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long things take.
pub(crate) async fn show(State(board): State<Shared>, asked: Asked) -> Page {
    let now = board.model.fresh().await;
    let store = probed(&board).await;
    let main = html! {
        h1 tabindex="-1" { "Latencies" }
        (above(&asked, &now))
        section aria-labelledby="calls-title" {
            h2 #calls-title { "As the board sees it" }
            div #calls data-live="sweeps" {
                (calls(&board.model.latencies.summaries()))
                @if let Err(why) = &store { p.trouble { (text(why)) } }
            }
        }
        section aria-labelledby="store-title" {
            h2 #store-title { "Store" }
            div #store data-live="sweeps" {
                p.note { "Each try of a call, of this process, since it began." }
                @if let Ok(store) = board.model.store() { (store_calls(&store)) }
            }
        }
        section aria-labelledby="journal-title" {
            h2 #journal-title { "Journal" }
            div #journal data-live="sweeps" { (journal(board.journal.as_ref().and_then(JournalTimes::now).as_ref())) }
        }
    };
    asked.shows(Page::new("Latencies", Place::Latencies, "sweeps", main))
}

/// Asks the store whether it answers.
async fn probed(board: &Shared) -> Result<(), String> {
    let store = board.model.store()?;
    let began = Instant::now();
    match tokio::time::timeout(PATIENCE, store.check_reachable()).await {
        Ok(Ok(())) => {
            board.model.latencies.note(Timed::Listing, began.elapsed());
            Ok(())
        }
        Ok(Err(error)) => Err(basin_domain::error_chain::with_causes(&error)),
        Err(_) => Err(format!("the store hasn't answered within {} s", PATIENCE.as_secs())),
    }
}

/// A span in seconds, in the unit that it is read in.
fn took(seconds: f64) -> String {
    match seconds {
        ..0.001 => format!("{} µs", number::rounded(seconds * 1e6, 3)),
        0.001..1.0 => format!("{} ms", number::rounded(seconds * 1e3, 3)),
        _ => format!("{} s", number::rounded(seconds, 3)),
    }
}

fn calls(summaries: &[LatencySummary]) -> Markup {
    if summaries.is_empty() {
        return html! { p.empty { "Nothing was asked yet." } };
    }
    let table = html! {
        table {
            thead { tr { (heads(&[Words("What")])) (heads(&["Calls", "Median", "19 of 20", "Longest"].map(Numbers))) } }
            tbody {
                @for it in summaries {
                    tr {
                        th scope="row" { (it.what.words()) }
                        td.number { (it.calls) }
                        td.number { (took(it.median)) }
                        td.number { (took(it.most)) }
                        td.number { (took(it.longest)) }
                    }
                }
            }
        }
    };
    html! {
        p.note { "From the board to coordinator and store and back, over the last calls of each kind." }
        (scrolling("Latencies", &table))
    }
}

/// The end of the class in which 19 of 20 lie, in words.
fn most(counts: &HistogramCounts) -> String {
    let most = counts.count - counts.count / 20;
    let end = Histogram::ENDS.iter().zip(counts.up_to).find(|(_, up_to)| *up_to >= most);
    end.map_or_else(|| "longer".to_owned(), |(end, _)| format!("within {}", took(*end)))
}

/// What `counts` took on average, in words.
fn mean(counts: &HistogramCounts) -> String {
    took(if counts.count == 0 { 0.0 } else { counts.sum / counts.count as f64 })
}

/// What the store's calls took since this process began.
fn store_calls(store: &Store) -> Markup {
    let calls: Vec<_> = store.meter().took().map(|(call, took)| (call.as_str(), took.counts())).collect();
    let table = html! {
        table {
            thead { tr { (heads(&[Words("Call")])) (heads(&["Tries", "Mean", "19 of 20"].map(Numbers))) } }
            tbody {
                @for (call, counts) in calls.iter().filter(|(_, counts)| counts.count > 0) {
                    tr {
                        th scope="row" { (call) }
                        td.number { (whole(counts.count)) }
                        td.number { (mean(counts)) }
                        td.number { (most(counts)) }
                    }
                }
            }
        }
    };
    let failures: Vec<_> = store.meter().outages().filter(|(_, count)| *count > 0).collect();
    html! {
        (scrolling("How long the store's calls took", &table))
        @for (kind, count) in failures { p.trouble { (kind.as_str()) ": " (whole(count)) } }
    }
}

fn journal(appends: Option<&HistogramCounts>) -> Markup {
    let Some(appends) = appends else {
        return html! {
            p.empty {
                "It is known to the coordinator's own process alone; its side port tells it as " code { "basin_journal_append_seconds" } "."
            }
        };
    };
    let mut before = 0;
    let classes = Histogram::ENDS.iter().zip(appends.up_to).map(|(end, up_to)| {
        let count = up_to - before;
        before = up_to;
        (took(*end), count)
    });
    let classes: Vec<(String, u64)> = classes.collect();
    let table = html! {
        table {
            thead { tr { (heads(&[Words("No longer than"), Numbers("Batches")])) } }
            tbody {
                @for (end, count) in &classes {
                    tr { th scope="row" { (end) } td.number { (whole(*count)) } }
                }
                tr { th scope="row" { "longer" } td.number { (whole(appends.count.saturating_sub(before))) } }
            }
        }
    };
    html! {
        p { (whole(appends.count)) " batches of events were put on disk, in " (mean(appends)) " on average." }
        (scrolling("How long batches of events took", &table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_units_that_people_read() {
        assert_eq!([0.000_25, 0.012_34, 1.5].map(took), ["250 µs", "12.3 ms", "1.5 s"]);
    }

    #[test]
    fn the_journals_classes_are_told_with_what_is_beyond_them() {
        let mut appends = HistogramCounts { count: 5, sum: 0.01, ..HistogramCounts::default() };
        appends.up_to[2..].fill(3);
        let html = journal(Some(&appends)).into_string();
        assert!(html.contains("5 batches of events were put on disk, in 2 ms on average"), "{html}");
        assert!(
            html.contains("1 ms</th><td class=\"number\">3")
                && html.contains("longer</th><td class=\"number\">2"),
            "{html}"
        );
        assert!(journal(None).into_string().contains("basin_journal_append_seconds"));
    }
}
