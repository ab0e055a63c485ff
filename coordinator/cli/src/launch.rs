//! `basin launch`: submits a sweep to a coordinator.

use basin_domain::escape::line;
use basin_domain::scheduling::SchedulingChange;
use basin_domain::sweep::{Source, SweepFile, SweepNote};
use basin_domain::worker::WorkerDescription;

use super::arguments::Launch;
use super::command_error::{CommandError, CommandResult};
use super::failures::call_failed;
use super::kinds::ProgramKinds;
use super::output::{Output, counted};
use super::{notes, source, unmet_needs};
use basin_coordinator::client::Client;

/// Submits; durable before it returns.
pub(super) async fn launch(arguments: Launch, kinds: &ProgramKinds, output: Output) -> CommandResult {
    let source = source::read(&arguments.sweep, kinds, "launch")?;
    let adjustment = SchedulingChange::from(arguments.quota);
    let client = Client::new(&arguments.remote.dial()?).map_err(call_failed)?;
    let reply = client
        .launch(&source, arguments.sweep.max_tasks, adjustment)
        .await
        .map_err(|error| call_failed(error).context(format!("cannot launch {}", source.file)))?;
    let mut notes = notes::of_wire(reply.notes);
    notes.extend(unmet_by_workers(&client, &source).await);
    notes::say(&notes, output);
    let value = serde_json::json!({
        "sweep": reply.sweep_id, "new": reply.new, "reused": reply.reused, "shared": reply.shared,
        "notes": notes::value(&notes),
    });
    output.say(&format!(
        "{}, {} already committed, {} shared with other sweeps",
        counted(reply.new, "new task", "new tasks"),
        reply.reused,
        reply.shared
    ));
    output.result(&value, &line(&reply.sweep_id))?;
    output.say(&format!(
        "`basin watch {0}` follows it, `basin collect {0}` fetches its results",
        reply.sweep_id
    ));
    if reply.sweep.is_none() && adjustment != SchedulingChange::default() {
        let what = "the coordinator is of a version that knows neither priorities nor limits";
        return Err(CommandError::input(anyhow::anyhow!(what))
            .context(format!("{} was launched without its priority and limit", reply.sweep_id))
            .hint(format!(
                "replace the coordinator by basin {}, and launch again",
                env!("CARGO_PKG_VERSION")
            )));
    }
    Ok(())
}

/// What the file needs of workers that none has which is here now. It was launched: that this can't be told is no failure.
async fn unmet_by_workers(client: &Client, source: &Source) -> Vec<SweepNote> {
    let needs = SweepFile::parse(source).map(|file| file.needs()).unwrap_or_default();
    if needs.is_empty() {
        return Vec::new();
    }
    let Ok(workers) = client.workers().await else { return Vec::new() };
    let there = workers.into_iter().filter(|worker| !worker.exited && !worker.draining);
    let described = there.filter_map(|worker| WorkerDescription::try_from(worker.worker?).ok());
    unmet_needs::by_workers(&needs, &described.collect::<Vec<_>>())
}
