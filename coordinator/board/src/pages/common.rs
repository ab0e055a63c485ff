//! What several pages need.

use std::time::Duration;

use basin_coordinator::client::CallError;
use maud::{Markup, html};

use crate::answer::Failure;
use crate::answer::parts::text;
use crate::context::Asked;
use crate::model::Snapshot;

/// How long a coordinator may take to answer what a page asks.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of what was asked for before, and that the coordinator doesn't answer, if it doesn't.
pub(crate) fn above(asked: &Asked, now: &Snapshot) -> Markup {
    html! {
        @if let Some(notice) = &asked.notice {
            p.notice.trouble[notice.is_trouble] role="status" { (text(&notice.text)) }
        }
        div #trouble data-live="sweeps" {
            @if let Some(trouble) = &now.trouble {
                p.trouble role="alert" { "What is shown may be old: " (text(trouble)) }
            }
        }
    }
}

/// A coordinator's answer, if it comes in time.
pub(crate) async fn answered<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::unavailable("the coordinator is too slow to answer")),
    }
}

/// A chart that a script draws from the numbers at an address; without scripts there are the numbers.
pub(crate) fn chart(kind: &str, source: &str, caption: &str, label: &str) -> Markup {
    html! {
        figure.chart data-chart=(kind) data-src=(source) id={ "chart-" (kind) } {
            figcaption { (caption) }
            div.plot role="img" aria-label=(text(label)) {}
            details {
                summary { "Values" }
                p { a href=(source) data-full { "The numbers as JSON" } }
            }
        }
    }
}
