//! `basin serve`: the coordinator of a cluster.

use std::time::Duration;

use basin_core::command::Policy;

use super::arguments::Serve;
use super::failure::{Done, Failed};
use super::output::Output;
use super::{lookup, signals};
use crate::server::{Server, Settings, StartError};

/// The shortest lease: below it, an ordinary pause of a machine loses it.
const SHORTEST_LEASE: f64 = 1.0;
/// The longest lease: beyond it, a dead worker's tasks would be missed by its people first.
const LONGEST_LEASE: f64 = 86_400.0;

/// The failure of a coordinator that can't start.
pub(super) fn not_started(error: StartError) -> Failed {
    let hint = error.hint();
    let failed = match &error {
        StartError::Listen { .. }
        | StartError::Http { .. }
        | StartError::NotLoopback(_)
        | StartError::Journal { .. } => Failed::input(error),
        StartError::Store { .. } | StartError::UnconditionalStore { .. } | StartError::Ledger(_) => {
            Failed::basin(error)
        }
    };
    failed.maybe_hint(hint)
}

/// Serves until it is told to stop.
pub(super) async fn serve(arguments: Serve, output: Output) -> Done {
    if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&arguments.lease) {
        return Err(Failed::input(anyhow::anyhow!("a lease of {} s makes no sense", arguments.lease))
            .hint(format!("give `--lease` {SHORTEST_LEASE} to {LONGEST_LEASE} seconds")));
    }
    let store = lookup::store(&arguments.store.url())?;
    let policy = Policy {
        term: Duration::from_secs_f64(arguments.lease),
        max_tasks: arguments.max_tasks,
        ..Policy::default()
    };
    let journal = arguments.store.local.state.join("journal.sqlite");
    let shutdown = signals::shutdown(output, "stopping; workers go on and wait for the next coordinator")?;
    let settings = Settings { listen: arguments.listen, store, journal, policy, http: arguments.http };
    let server = Server::start(settings).await.map_err(|error| not_started(error).context("cannot serve"))?;
    let http = server.http.as_ref().map(|port| format!("http://{}", port.address));
    let value = serde_json::json!({
        "url": server.url(),
        "store": server.coordinator.store.url(),
        "http": http,
    });
    output.result(&value, &format!("serving at {} over {}", server.url(), server.coordinator.store.url()));
    let failed = tokio::select! {
        () = shutdown.cancelled() => false,
        () = server.failed() => true,
    };
    server.shut_down().await;
    if failed {
        return Err(Failed::basin(anyhow::anyhow!(
            "the journal or the port failed; nothing more can be acknowledged"
        ))
        .hint("the log above says why (a full disk, say); workers wait for the next coordinator"));
    }
    Ok(())
}
