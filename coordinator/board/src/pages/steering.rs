//! Steering: the forms on a sweep's page, and what they send. What is allowed is the coordinator's to say.

use std::num::NonZeroU32;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use basin_coordinator::client::Client;
use basin_domain::scheduling::{SchedulingChange, SlotLimit};
use basin_proto::codes::Coded;
use basin_proto::v1::{self, Steering, SweepState};
use maud::{Markup, html};

use super::common::answered;
use super::sign_in::{is_own, led_to};
use crate::access::Rights;
use crate::answer::parts::{sweep_url, text};
use crate::answer::{Failure, Query, segment};
use crate::context::{Asked, Notice, Shared};
use crate::words::steering::{END_OF_RUN, steered};

/// Whether forms for steering are shown to whoever asks.
pub(crate) fn is_steerable(asked: &Asked) -> bool {
    asked.visitor.rights == Rights::Steer && asked.visitor.client.is_some()
}

/// The forms that steer a sweep; of a run on this machine, which ends with it, what that means is said.
pub(crate) fn steering(sweep: &v1::SweepSummary, is_of_run: bool) -> Markup {
    let url = |action: &str| sweep_url(&sweep.sweep_id, action);
    let state = SweepState::read(sweep.state_code, &sweep.state);
    let failed = sweep.counts.unwrap_or_default().failed;
    let is_open = matches!(state, Some(SweepState::Running | SweepState::Paused));
    html! {
        section #steering.steering aria-label="Steering" data-live="sweeps" {
            @if state == Some(SweepState::Running) { (button(&url("pause"), "Pause")) }
            @if state == Some(SweepState::Paused) { (button(&url("resume"), "Resume")) }
            @if failed > 0 { (button(&url("retry"), "Retry what failed")) }
            @if is_open {
                details {
                    summary { "Cancel…" }
                    p {
                        "What is committed stays; the rest is given up"
                        @if is_of_run { (END_OF_RUN) }
                        "."
                    }
                    (button(&url("cancel"), "Cancel the sweep"))
                }
            }
            details {
                summary { "Priority and slots…" }
                form method="post" action=(url("adjust")) {
                    label { "Priority " input type="number" name="priority" value=(sweep.priority); }
                    " "
                    label {
                        "Most slots at once "
                        input name="max_slots" inputmode="numeric" placeholder="a number, or none";
                    }
                    " "
                    button type="submit" { "Change" }
                }
            }
        }
    }
}

/// A button that sends nothing but that it was pressed.
pub(crate) fn button(action: &str, label: &str) -> Markup {
    html! {
        form.inline method="post" action=(action) { button type="submit" { (text(label)) } }
        " "
    }
}

/// `POST /sweeps/{id}/{action}`: pauses, resumes, cancels, retries, adjusts.
pub(crate) async fn steer(
    State(board): State<Shared>,
    Path((id, action)): Path<(String, String)>,
    asked: Asked,
    form: Bytes,
) -> Result<Response, Failure> {
    let form = Query::parse(&form);
    let client = asked.client()?;
    let outcome = match action.as_str() {
        "adjust" => adjusted(client, &id, &form).await,
        other => {
            let steering = steering_of(other).ok_or_else(|| Failure::not_found("there is no such page"))?;
            let steered = answered(steered(client, &id, steering)).await;
            steered.map(|it| if board.is_of_run { it.line_of_run() } else { it.line() })
        }
    };
    let page = sweep_url(&id, "");
    Ok(shown_on(&board, form.get("to").unwrap_or(&page), outcome).await)
}

/// `POST /workers/{id}/drain`.
pub(crate) async fn drain(
    State(board): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let drained = answered(asked.client()?.drain(&id)).await;
    let end = if board.is_of_run { END_OF_RUN } else { "" };
    let outcome =
        drained.map(|worker| format!("{worker} is draining: it gives back what it holds, and leaves{end}"));
    Ok(shown_on(&board, "/workers", outcome).await)
}

/// The address to which a worker's button is sent.
pub(crate) fn drain_url(worker: &str) -> String {
    format!("/workers/{}/drain", segment(worker))
}

/// What a form's address asks for, beside adjusting.
fn steering_of(action: &str) -> Option<Steering> {
    match action {
        "pause" => Some(Steering::Pause),
        "resume" => Some(Steering::Resume),
        "cancel" => Some(Steering::Cancel),
        "retry" => Some(Steering::RetryFailed),
        _ => None,
    }
}

async fn adjusted(client: &Client, sweep: &str, form: &Query) -> Result<String, Failure> {
    let change = change(form)?;
    let now = answered(client.adjust(sweep, change)).await?;
    let most = now.max_slots.map_or_else(|| "as many as there are".to_owned(), |most| most.to_string());
    Ok(format!("the sweep has priority {} and may take {most} slots at once", now.priority))
}

/// What a form asks for; what is left empty stays.
fn change(form: &Query) -> Result<SchedulingChange, Failure> {
    let priority = match form.get("priority") {
        None => None,
        Some(text) => {
            let number = text.parse::<i32>();
            Some(number.map_err(|_| Failure::bad_request("a priority is a whole number"))?)
        }
    };
    let max_slots = match form.get("max_slots") {
        None => None,
        Some("none") => Some(SlotLimit::None),
        Some(text) => {
            let number = text.parse::<NonZeroU32>();
            let number =
                number.map_err(|_| Failure::bad_request("a limit is a number of slots, or `none`"))?;
            Some(SlotLimit::AtMost(number))
        }
    };
    Ok(SchedulingChange { priority, max_slots })
}

/// Leads back to a page of the board that says what came of it.
async fn shown_on(board: &Shared, to: &str, outcome: Result<String, Failure>) -> Response {
    let notice = match outcome {
        Ok(text) => Notice { text, is_trouble: false },
        Err(Failure { what, hint, .. }) => {
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            Notice { text: format!("{what}{hint}"), is_trouble: true }
        }
    };
    if !notice.is_trouble {
        board.model.look_again().await;
    }
    let name = board.notices.keep(notice);
    let to = if is_own(to) { to } else { "/" };
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let query = Query::parse(query.as_bytes()).with(&[("outcome", Some(name.as_str()))]);
    led_to(&format!("{path}{query}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(form: &str) -> Result<SchedulingChange, String> {
        change(&Query::parse(form.as_bytes())).map_err(|failure| failure.what)
    }

    #[test]
    fn what_is_left_empty_stays_and_what_is_no_number_is_refused() {
        assert_eq!(changed("priority=&max_slots="), Ok(SchedulingChange::default()));
        let both = SchedulingChange {
            priority: Some(-3),
            max_slots: Some(SlotLimit::AtMost(NonZeroU32::new(8).unwrap())),
        };
        assert_eq!(changed("priority=-3&max_slots=8"), Ok(both));
        assert_eq!(changed("max_slots=none").unwrap().max_slots, Some(SlotLimit::None));
        assert!(changed("max_slots=0").unwrap_err().contains("a number of slots"));
        assert!(changed("priority=high").unwrap_err().contains("whole number"));
    }

    #[test]
    fn a_sweep_offers_what_can_be_done_with_it() {
        let sweep = |state: SweepState, failed| v1::SweepSummary {
            sweep_id: "a-1".to_owned(),
            state_code: state.into(),
            counts: Some(v1::Counts { failed, ..v1::Counts::default() }),
            ..v1::SweepSummary::default()
        };
        let offered = |state, failed| {
            let html = steering(&sweep(state, failed), false).into_string();
            ["pause", "resume", "cancel", "retry"]
                .map(|action| html.contains(&format!("/sweeps/a-1/{action}\"")))
        };
        assert_eq!(offered(SweepState::Running, 0), [true, false, true, false]);
        assert_eq!(offered(SweepState::Paused, 2), [false, true, true, true]);
        assert_eq!(offered(SweepState::Done, 0), [false, false, false, false]);
        let said = |is_of_run| steering(&sweep(SweepState::Running, 0), is_of_run).into_string();
        assert!(said(false).contains("the rest is given up.") && said(true).contains("the run ends"));
    }
}
