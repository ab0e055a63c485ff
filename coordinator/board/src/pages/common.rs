//! What stands above several pages.

use maud::{Markup, html};

use crate::answer::parts::text;
use crate::context::Asked;
use crate::model::Snapshot;

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
