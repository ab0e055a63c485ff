//! `basin forget`: takes a sweep that is over out of the journal and out of the store.

use basin_coordinator::client::Client;
use basin_coordinator::journal::DecideError;
use basin_coordinator::service::{Coordinator, ForgottenSweep, forget_stored};
use basin_core::command::{Cancel, Refusal};
use basin_domain::escape::line;
use basin_domain::placement::ByteSize;
use basin_storage::{CommitMode, Store};
use serde_json::json;
use tonic::{Code, Status};

use super::arguments::Forget;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::call_failed;
use super::gc::{StoreCollection, StoreGarbage, days_text};
use super::hints;
use super::local_journal::{end_leases, lead};
use super::lookup;
use super::output::{Output, counted};

/// What could be freed afterwards.
const SURVEY: StoreCollection = StoreCollection { is_dry_run: true, with_datasets: false, grace: None };

/// Forgets a sweep, and says what that lets `gc` free.
pub(super) async fn forget(arguments: Forget, output: Output) -> CommandResult {
    let (sweep, tasks, survey) = match &arguments.coordinator {
        Some(url) => {
            let client = Client::new(&arguments.credentials.dial(url)?).map_err(call_failed)?;
            let forgotten =
                client.forget(&arguments.sweep, arguments.abandoned).await.map_err(call_failed)?;
            (forgotten.sweep_id, forgotten.tasks, SURVEY.by_coordinator(&client).await)
        }
        None => {
            let store = lookup::existing_store(&arguments.store.url())?;
            let what = format!("cannot forget {}", arguments.sweep);
            let forgotten = here(&arguments, &store).await.map_err(|failed| failed.context(what))?;
            let survey = SURVEY.here(&store, &arguments.store).await;
            (forgotten.sweep.to_string(), forgotten.tasks, survey.map(|(garbage, _)| garbage))
        }
    };
    let survey = match survey {
        Ok(survey) => Some(survey),
        // It is forgotten all the same.
        Err(failed) => {
            output.say(failed.text().trim_end());
            None
        }
    };
    let would_free = survey.as_ref().map(|survey| survey.collected.freed);
    let value = json!({ "sweep": sweep, "tasks": tasks, "would_free": would_free });
    output.result(&value, &describe(&sweep, tasks, survey.as_ref()))?;
    let at = arguments.coordinator.as_ref().map_or_else(String::new, |url| format!(" --coordinator {url}"));
    output.say(&format!(
        "`basin gc{at} --dry-run` says what could be freed, `basin gc{at}` frees it; until then launching the sweep's file again reuses it"
    ));
    Ok(())
}

fn describe(sweep: &str, tasks: u64, survey: Option<&StoreGarbage>) -> String {
    let mut text = format!("{} is forgotten: it listed {}\n", line(sweep), counted(tasks, "task", "tasks"));
    if let Some(StoreGarbage { collected, grace, .. }) = survey {
        let (freed, young) = (collected.freed.tasks, collected.young);
        text.push_str(&format!(
            "{} by no sweep any more ({})\n",
            counted(freed.count, "task is listed", "tasks are listed"),
            ByteSize(freed.bytes)
        ));
        if young.count > 0 {
            let (count, age) = (counted(young.count, "other is", "others are"), days_text(*grace));
            text.push_str(&format!("{count} too young to be freed yet: what is younger than {age} stays\n"));
        }
    }
    text
}

/// In the journal of the state and in the store; in the store alone if the state has no journal.
async fn here(arguments: &Forget, store: &Store) -> Result<ForgottenSweep, CommandError> {
    let state = &arguments.store.local.state;
    // Nothing is committed meanwhile.
    let commits = CommitMode::Conditional;
    let Some(session) = lead(state, store, commits, "the journal can't be used").await? else {
        let sweep = lookup::stored_sweep(store, &arguments.sweep).await?;
        let tasks = forget_stored(store, &sweep, arguments.abandoned).await;
        let tasks = tasks.map_err(|error| refused(&Status::from(error)))?;
        return Ok(ForgottenSweep { sweep, tasks });
    };
    let forgotten = in_journal(&session.coordinator, arguments).await;
    session.end().await;
    forgotten
}

async fn in_journal(coordinator: &Coordinator, arguments: &Forget) -> Result<ForgottenSweep, CommandError> {
    let Forget { sweep, abandoned, .. } = arguments;
    if *abandoned {
        let what = "cannot end what an earlier run has left";
        let sweep = coordinator.sweep_to_forget(sweep).await.map_err(|status| refused(&status))?;
        end_leases(coordinator, what).await?;
        match coordinator.ledger.decide(Cancel(sweep)).await {
            // The store alone may know it.
            Err(DecideError::Refused(Refusal::UnknownSweep(_))) => {}
            ended => ended.or_basin(what)?,
        }
    }
    coordinator.forget(sweep, *abandoned).await.map_err(|status| refused(&status))
}

/// The failure of what a coordinator of this process refuses.
fn refused(status: &Status) -> CommandError {
    let error = anyhow::anyhow!("{}", status.message());
    let failed = match status.code() {
        Code::NotFound | Code::FailedPrecondition => CommandError::input(error),
        _ => CommandError::basin(error),
    };
    failed.hint_if_any(hints::refused(status))
}
