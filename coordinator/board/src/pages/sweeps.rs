//! `/`: all sweeps.

use axum::extract::State;
use basin_proto::v1;
use maud::{Markup, html};

use super::common::above;
use crate::answer::parts::Head::{Numbers, Words};
use crate::answer::parts::{
    counts_text, heads, is_stored, progress, scrolling, state, sweep_url, text, time,
};
use crate::answer::{Page, Place};
use crate::context::{Asked, Shared};
use crate::model::Snapshot;
use crate::words::sweep::{sweep_state, total};
use crate::words::time_left::left_text;

/// The sweeps, those that were launched last first.
pub(crate) async fn list(State(board): State<Shared>, asked: Asked) -> Page {
    let now = board.model.fresh().await;
    let main = html! {
        h1 tabindex="-1" { "Sweeps" }
        (above(&asked, &now))
        div #sweeps data-live="sweeps" { (table(&now)) }
    };
    asked.shows(Page::new("Sweeps", Place::Sweeps, "sweeps", main))
}

fn table(now: &Snapshot) -> Markup {
    if now.sweeps.is_empty() {
        return html! { p.empty { "There is no sweep yet." } };
    }
    let table = html! {
        table {
            thead {
                tr {
                    (heads(&["Sweep", "State", "Done", "Time left", "Tasks"].map(Words)))
                    (heads(&[Numbers("Failed"), Words("User"), Numbers("Priority"), Words("Launched")]))
                }
            }
            tbody { @for sweep in &now.sweeps { (row(sweep, now)) } }
        }
    };
    scrolling("Sweeps", &table)
}

fn row(sweep: &v1::SweepSummary, now: &Snapshot) -> Markup {
    let counts = sweep.counts.unwrap_or_default();
    let left = now.forecast(&sweep.sweep_id).and_then(left_text);
    html! {
        tr {
            th scope="row" {
                a href=(sweep_url(&sweep.sweep_id, "")) { (text(&sweep.sweep_id)) }
                @if !sweep.variant.is_empty() { br; small { (text(&sweep.variant)) } }
            }
            td { (state(sweep_state(sweep))) }
            td { (progress(counts.committed, total(&counts))) }
            td { @if let Some(left) = &left { (left) } @else { "–" } }
            td { (counts_text(&counts, is_stored(sweep))) }
            td.number.bad[counts.failed > 0] { (counts.failed) }
            td { @if sweep.user.is_empty() { "–" } @else { (text(&sweep.user)) } }
            td.number { (sweep.priority) }
            td { (time(sweep.launched_unix_ms)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_has_its_state_its_progress_and_its_failures_and_no_markup_of_its_own() {
        let sweep = v1::SweepSummary {
            sweep_id: "a-<b>1".to_owned(),
            state_code: v1::SweepState::Running.into(),
            counts: Some(v1::Counts { committed: 3, running: 2, failed: 1, ..v1::Counts::default() }),
            user: "<script>".to_owned(),
            ..v1::SweepSummary::default()
        };
        let forecast = v1::Forecast { done_share: 0.5, seconds_left: Some(47.0), ..v1::Forecast::default() };
        let reply = v1::GetSweepReply { forecast: Some(forecast), ..v1::GetSweepReply::default() };
        let replies = [(sweep.sweep_id.clone(), std::sync::Arc::new(reply))].into();
        let now = Snapshot { sweeps: vec![sweep], replies, ..Snapshot::default() };
        let html = table(&now).into_string();
        for part in
            ["state-running\">running", "3 of 6", "2 running, 1 failed", "about 45 s", "&lt;script&gt;"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("<script>") && !html.contains("a-<b>"), "{html}");
    }
}
