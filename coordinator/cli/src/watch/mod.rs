//! `basin watch`: a full-screen view at a terminal, lines elsewhere, and events for programs. All of them look again and again and
//! decide nothing: what they miss between two looks is told by the next one.

mod events;
mod lines;
mod screen;
mod verdict;

use basin_coordinator::client::Client;
use basin_proto::v1;

use super::arguments::Watch;
use super::command_error::{CommandError, CommandResult};
use super::failures::call_failed;
use super::looked_at::LookedAt;
use super::output::Output;
use super::status::say_which;

/// Looks on.
pub(super) async fn watch(arguments: Watch, output: Output) -> CommandResult {
    let looked_at = LookedAt::open(&arguments.viewed, output).await?;
    let found = find(looked_at.client(), arguments.sweep.as_deref(), output).await?;
    if !arguments.plain && output.has_screen() {
        return screen::show(looked_at, arguments.viewed, found, output).await;
    }
    let found = found.ok_or_else(|| {
        CommandError::input(anyhow::anyhow!("there is no sweep yet")).hint("`basin launch` submits one")
    })?;
    lines::follow(looked_at, &arguments.viewed, found, output).await
}

/// The sweep that was asked for, or the one that was launched last; none if there is none at all.
async fn find(
    client: &Client,
    asked: Option<&str>,
    output: Output,
) -> Result<Option<v1::GetSweepReply>, CommandError> {
    let id = match asked {
        Some(asked) => asked.to_owned(),
        None => {
            let sweeps = client.list_sweeps().await.map_err(call_failed)?.sweeps;
            match sweeps.into_iter().max_by_key(|sweep| sweep.launched_unix_ms) {
                Some(newest) => newest.sweep_id,
                None => return Ok(None),
            }
        }
    };
    let reply = client.sweep(&id).await.map_err(call_failed)?;
    say_which(&reply, &id, output);
    Ok(Some(reply))
}
