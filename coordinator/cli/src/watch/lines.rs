//! Looking on without a screen, until the sweep ends: bars or lines for people, an event a line for programs.

use std::time::{Duration, Instant};

use basin_coordinator::client::{CallError, Client, TaskTable};
use basin_proto::v1;
use serde_json::Value;

use super::events::{self, Events};
use super::verdict::Verdict;
use crate::arguments::Viewed;
use crate::command_error::{CommandError, CommandResult};
use crate::failures::call_failed;
use crate::looked_at::LookedAt;
use crate::output::Output;
use crate::progress::Progress;
use crate::sweep_text::describe;

/// The pause between two looks: of bars that move, and of lines.
const LIVE_PAUSE: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_secs(1);

/// Follows a sweep that stands so at first.
pub(super) async fn follow(
    mut looked_at: LookedAt,
    arguments: &Viewed,
    first: v1::GetSweepReply,
    output: Output,
) -> CommandResult {
    let mut progress = Progress::new(output);
    let mut feed = output.json.then(|| Feed::new(output));
    let mut reply = first;
    loop {
        progress.show(&reply);
        if let Some(feed) = &mut feed {
            feed.look(looked_at.client(), &reply).await?;
        }
        let summary = reply.sweep.unwrap_or_default();
        if let Some(verdict) = Verdict::of(&summary) {
            progress.finish();
            match output.json {
                true => output.event(&events::end(&summary, verdict), "")?,
                false => output.result(&Value::Null, &describe(&summary))?,
            }
            return verdict.result(&summary);
        }
        if let Some(state) = looked_at.left_in() {
            progress.finish();
            return Err(CommandError::input(anyhow::anyhow!(
                "{} isn't done, and nobody works on it in {}",
                summary.sweep_id,
                state.display()
            ))
            .hint("`basin run` with its file goes on where it was"));
        }
        tokio::time::sleep(if output.is_live() { LIVE_PAUSE } else { PAUSE }).await;
        reply = next(&mut looked_at, arguments, &summary.sweep_id).await?;
    }
}

/// How the sweep of this id stands now. A coordinator that was there comes back.
async fn next(
    looked_at: &mut LookedAt,
    arguments: &Viewed,
    sweep: &str,
) -> Result<v1::GetSweepReply, CommandError> {
    loop {
        match looked_at.client().sweep(sweep).await {
            Err(error) if error.is_transient() => {
                looked_at.find_again(arguments).await;
                tokio::time::sleep(PAUSE).await;
            }
            reply => return reply.map_err(call_failed),
        }
    }
}

/// The events of a sweep, and what has to be asked for them beside how it stands.
struct Feed {
    output: Output,
    events: Events,
    table: Option<TaskTable>,
    /// Whether the coordinator is of a version that lists tasks.
    lists_tasks: bool,
}

impl Feed {
    fn new(output: Output) -> Self {
        Self { output, events: Events::default(), table: None, lists_tasks: true }
    }

    /// Prints what has happened since the last look.
    async fn look(&mut self, client: &Client, reply: &v1::GetSweepReply) -> CommandResult {
        let sweep = reply.sweep.as_ref().map_or("", |sweep| sweep.sweep_id.as_str());
        let mut said = Vec::new();
        // What isn't answered now is told by the next look.
        if let Ok(workers) = client.workers().await {
            said.extend(self.events.workers(&workers));
        }
        if self.lists_tasks {
            match read(&mut self.table, client, sweep).await {
                Ok(table) => said.extend(self.events.tasks(sweep, table)),
                Err(CallError::UnknownCall { .. }) => {
                    self.lists_tasks = false;
                    self.output.say(
                        "the coordinator is of a version that doesn't list tasks: it says nothing of each",
                    );
                }
                Err(_) => {}
            }
        }
        said.extend(self.events.progress(reply, Instant::now()));
        said.iter().try_for_each(|event| self.output.event(event, ""))
    }
}

/// The tasks of a sweep as they are now; those that are known already are asked for their states alone.
async fn read<'a>(
    table: &'a mut Option<TaskTable>,
    client: &Client,
    sweep: &str,
) -> Result<&'a TaskTable, CallError> {
    match table {
        Some(known) => known.read_states(client, sweep).await?,
        None => *table = Some(TaskTable::read(client, sweep).await?),
    }
    Ok(table.get_or_insert_default())
}
