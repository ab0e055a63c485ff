//! `basin serve`: the coordinator of a cluster.

use std::sync::Arc;
use std::time::Duration;

use basin_board::{Board, BoardError, BoardSettings, JournalTimes, Source, StoreChoice};
use basin_core::command::Policy;
use basin_domain::escape;
use basin_proto::dial::Dial;
use basin_storage::CommitMode;

use super::arguments::Serve;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::{board_not_opened, not_started, tokens_failed};
use super::local_coordinator::LocalCoordinator;
use super::output::Output;
use super::{journal_location, lookup, signals};
use crate::hints;
use basin_coordinator::http::NamedInMetrics;
use basin_coordinator::server::{JournalLocation, Server, ServerSettings};
use basin_coordinator::service::LeadershipRole;
use basin_coordinator::trust::{ServerTlsFiles, Tokens, Trust};

/// The shortest lease: below it, an ordinary pause of a machine loses it.
const SHORTEST_LEASE: f64 = 1.0;
/// The longest lease: beyond it, a dead worker's tasks would be missed by its people first.
const LONGEST_LEASE: f64 = 86_400.0;

/// Says each change of role, for ever.
async fn print_role_changes(server: &Server, output: Output) {
    let mut roles = server.leadership().roles();
    while roles.changed().await.is_ok() {
        let role = roles.borrow_and_update().clone();
        match role {
            LeadershipRole::Leading(_) => output.say("leading"),
            LeadershipRole::Standby { leader: Some(leader) } => {
                output.say(&format!("standing by; {} leads", escape::line(&leader)));
            }
            LeadershipRole::Standby { leader: None } => output.say("standing by; nobody is known to lead"),
            LeadershipRole::Transition => {}
        }
    }
}

/// Who may call, and how.
fn trust(arguments: &Serve) -> Result<Trust, CommandError> {
    let tokens = match &arguments.tokens {
        None => Tokens::Anybody,
        Some(path) => Tokens::of_file(path).map_err(tokens_failed)?,
    };
    let files = match (&arguments.tls_cert, &arguments.tls_key) {
        (None, None) if arguments.tls_client_ca.is_none() => None,
        (Some(certificate), Some(key)) => Some(ServerTlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authorities: arguments.tls_client_ca.clone(),
        }),
        (None, _) | (_, None) => {
            return Err(CommandError::input(anyhow::anyhow!("TLS takes a certificate and its key"))
                .hint("give both `--tls-cert FILE` and `--tls-key FILE`"));
        }
    };
    let tls = files.map(ServerTlsFiles::open).transpose().map_err(|error| {
        let hint = hints::tls_file(&error);
        CommandError::input(error).hint_if_any(hint)
    })?;
    Ok(Trust {
        tokens,
        tls: tls.map(Arc::new),
        allows_plaintext: arguments.insecure_plaintext,
        calls_per_second: Some(arguments.calls_per_second),
    })
}

/// Refuses a board whose visitors can't be told apart as the coordinator's callers are.
fn can_have_board(arguments: &Serve) -> CommandResult {
    let Some(address) = arguments.board else { return Ok(()) };
    if arguments.tls_client_ca.is_some() {
        return Err(CommandError::input(anyhow::anyhow!(
            "a board can't show the coordinator the certificates of those who look at it"
        ))
        .context("cannot serve")
        .hint("leave `--board` out, and start `basin board --coordinator URL --tls-cert FILE --tls-key FILE` beside it"));
    }
    if !address.ip().is_loopback() && arguments.tokens.is_none() {
        return Err(board_not_opened(BoardError::WithoutTokens(address)).context("cannot serve"));
    }
    Ok(())
}

/// Opens the board of a coordinator that listens.
async fn open_board(server: &Server, settings: BoardSettings) -> Result<Board, CommandError> {
    let url = server.url_from_here().await.or_basin("the board has no way to the coordinator")?;
    let dial = Dial::to(&url).or_basin("the board has no way to the coordinator")?;
    let source = Source::Coordinator(Box::new(dial));
    let leadership = server.leadership().clone();
    let journal = JournalTimes::new(move || Some(leadership.coordinator().ok()?.meter.appends().counts()));
    let settings = BoardSettings { source, journal: Some(journal), ..settings };
    Board::open(settings).await.map_err(board_not_opened)
}

/// Serves until it is told to stop.
pub(super) async fn serve(arguments: Serve, output: Output) -> CommandResult {
    if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&arguments.lease) {
        return Err(CommandError::input(anyhow::anyhow!("a lease of {} s makes no sense", arguments.lease))
            .hint(format!("give `--lease` {SHORTEST_LEASE} to {LONGEST_LEASE} seconds")));
    }
    let store = lookup::store(&arguments.store.url())?;
    let policy = Policy {
        lease_duration: Duration::from_secs_f64(arguments.lease),
        max_tasks: arguments.max_tasks,
        max_slots_of_sweep: arguments.max_slots_per_sweep,
        max_slots_of_user: arguments.max_slots_per_user,
        ..Policy::default()
    };
    let journal = journal_location::of(arguments.journal.as_ref(), &arguments.store.local.state)?;
    let journal_name = journal.to_string();
    let state = matches!(journal, JournalLocation::File(_)).then(|| arguments.store.local.state.clone());
    let shutdown = signals::shutdown(output, "stopping; workers go on and wait for the next coordinator")?;
    let trust = trust(&arguments).map_err(|failed| failed.context("cannot serve"))?;
    can_have_board(&arguments)?;
    let store_url = store.url().to_owned();
    let Serve { listen, advertise, http, metrics_per_sweep, metrics_per_worker, board, board_names, .. } =
        arguments;
    let board = board.map(|listen| BoardSettings {
        listen,
        hosts: board_names.hosts,
        tls: trust.tls.clone(),
        allows_plaintext: trust.allows_plaintext,
        // It is asked for once the coordinator listens.
        source: Source::Store,
        store: StoreChoice::Given(store.clone()),
        journal: None,
        is_of_run: false,
    });
    let settings = ServerSettings {
        listen,
        store,
        journal,
        advertise,
        policy,
        trust,
        http,
        named_in_metrics: NamedInMetrics {
            sweeps: usize::from(metrics_per_sweep),
            workers: usize::from(metrics_per_worker),
        },
        hint_of: hints::refusal,
    };
    let server = Server::start(settings).await.map_err(|error| not_started(error).context("cannot serve"))?;
    // What was typed may hold a password; a journal in a database is in no folder.
    let announced = state.map(|state| {
        let here = LocalCoordinator::here(server.url(), None, None, format!("basin serve --listen {listen}"));
        here.announce(&state)
    });
    if let Some(Err(error)) = &announced {
        tracing::warn!(%error, "others won't find this coordinator in its folder");
    }
    let board = match board {
        Some(settings) => match open_board(&server, settings).await {
            Ok(board) => Some(board),
            Err(failed) => {
                server.shut_down().await;
                return Err(failed.context("cannot serve"));
            }
        },
        None => None,
    };
    let (role, doing) = match &*server.leadership().roles().borrow() {
        LeadershipRole::Leading(_) => ("leader", "serving"),
        LeadershipRole::Standby { .. } | LeadershipRole::Transition => ("standby", "standing by"),
    };
    let commits = server.commits;
    let who = match commits {
        CommitMode::Conditional => "workers commit by conditional writes",
        CommitMode::Serialised => {
            "the store ignores conditional writes, so the coordinator commits; give the store no other one"
        }
    };
    let value = serde_json::json!({
        "url": server.url(), "store": store_url, "journal": journal_name, "role": role, "commits": commits,
        "http": server.http.as_ref().map(|port| format!("http://{}", port.address)),
        "board": board.as_ref().map(Board::link),
    });
    let shown =
        board.as_ref().map_or_else(String::new, |board| format!("\nthe board is at {}", board.link()));
    let said = output.result(&value, &format!("{doing} at {} over {store_url}\n{who}{shown}", server.url()));
    if let Err(failed) = said {
        server.shut_down().await;
        return Err(failed);
    }
    let ledger = server.coordinator().map(|coordinator| coordinator.ledger.clone());
    let failed = tokio::select! {
        () = shutdown.cancelled() => false,
        () = server.failed() => true,
        () = print_role_changes(&server, output) => true,
    };
    drop(board);
    server.shut_down().await;
    if failed {
        let failure = ledger.as_ref().and_then(|ledger| ledger.failure());
        if let Some(failure) = failure {
            let advice = match failure.is_full {
                true => format!("make space for {journal_name}, and start it again"),
                false => "start it again once that is mended".to_owned(),
            };
            return Err(CommandError::basin(failure.clone())
                .context("nothing more can be acknowledged")
                .hint(format!(
                    "{advice}: what was answered is kept, and workers wait for the next coordinator"
                )));
        }
        return Err(CommandError::basin(anyhow::anyhow!(
            "the journal or the port failed; nothing more can be acknowledged"
        ))
        .hint("the log above says why (a full disk, say); workers wait for the next coordinator"));
    }
    Ok(())
}
