//! `basin gc`: frees what no sweep needs, in the store and on this machine.

mod local;
mod store;
mod text;

use std::time::Duration;

use basin_coordinator::client::Client;

use super::arguments::Gc;
use super::command_error::{CommandError, CommandResult};
use super::failures::call_failed;
use super::lookup;
use super::output::Output;
use local::{LocalCollection, LocalGarbage};
pub(super) use store::{StoreCollection, StoreGarbage};
pub(super) use text::days_text;

/// The longest span that makes sense, in days.
const MOST_DAYS: f64 = 36_500.0;

/// Frees it, or says what would be freed; exit code 1 if something stays that a person can do something about.
pub(super) async fn gc(arguments: Gc, output: Output) -> CommandResult {
    let of_store = StoreCollection {
        is_dry_run: arguments.dry_run,
        with_datasets: arguments.data,
        grace: arguments.grace.map(|value| days("--grace", value)).transpose()?,
    };
    let of_machine = LocalCollection {
        is_dry_run: arguments.dry_run,
        unused_for: days("--older-than", arguments.older_than)?,
        state: &arguments.store.local.state,
        cache: arguments.cache.as_deref(),
        temporary: &std::env::temp_dir(),
    };
    let (garbage, local) = match &arguments.coordinator {
        Some(url) => {
            let client = Client::new(&arguments.credentials.dial(url)?).map_err(call_failed)?;
            (of_store.by_coordinator(&client).await?, None)
        }
        None => {
            let store = lookup::existing_store(&arguments.store.url())?;
            // As long as the journal is open nobody works in the folder of the state.
            let (garbage, journal) = of_store.here(&store, &arguments.store).await?;
            let local = of_machine.collect(journal.is_some())?;
            if let Some(journal) = journal {
                journal.close().await;
            }
            (garbage, Some(local))
        }
    };
    report(&garbage, local.as_ref(), arguments.dry_run, output)
}

/// Says what was freed, and what stays and why.
fn report(
    garbage: &StoreGarbage,
    local: Option<&LocalGarbage>,
    is_dry_run: bool,
    output: Output,
) -> CommandResult {
    output.result(&text::value(garbage, local, is_dry_run), &text::describe(garbage, local, is_dry_run))?;
    if !garbage.collected.unreadable.is_empty() {
        let failed =
            anyhow::anyhow!("lists of sweeps can't be read, so no task counts as one that no sweep lists");
        return Err(CommandError::input(failed).hint(
            "launching the sweep's file again writes its list anew; `basin forget SWEEP --abandoned` takes out one that isn't needed \
             any more",
        ));
    }
    if garbage.collected.irreplaceable.count > 0 {
        let failed = anyhow::anyhow!(
            "the store doesn't say whether an object is still the one that was read, so nothing that counts can be freed there"
        );
        return Err(
            CommandError::input(failed).hint("let its coordinator do it: `basin gc --coordinator URL`")
        );
    }
    Ok(())
}

/// A span from a flag, in days.
fn days(flag: &str, value: f64) -> Result<Duration, CommandError> {
    if (0.0..=MOST_DAYS).contains(&value) {
        return Ok(Duration::from_secs_f64(value * 86_400.0));
    }
    Err(CommandError::input(anyhow::anyhow!("`{flag} {value}` is no span of time that makes sense"))
        .hint(format!("give days, from 0 to {MOST_DAYS}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_of_days_and_makes_sense() {
        assert_eq!(days("--grace", 0.5).unwrap(), Duration::from_secs(43_200));
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
            let failed = days("--grace", wrong).unwrap_err().text();
            assert!(failed.contains("hint: give days, from 0 to 36500"), "{failed}");
        }
    }
}
