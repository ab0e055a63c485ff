//! `basin board`: sweeps, workers and results in a browser.

use basin_board::{Board, BoardSettings, Source, StoreChoice};
use serde_json::json;

use super::arguments;
use super::command_error::CommandResult;
use super::failures::board_not_opened;
use super::looked_at::LookedAt;
use super::output::Output;
use super::{lookup, signals};

/// Shows a board until it is told to stop.
pub(super) async fn board(arguments: arguments::Board, output: Output) -> CommandResult {
    let arguments::Board { listen, store, names, viewed } = arguments;
    let shutdown = signals::shutdown(output, "closing the board")?;
    let (source, store, looked_at) = match &store {
        Some(url) => (Source::Store, StoreChoice::Given(lookup::existing_store(url)?), None),
        None => {
            let looked_at = LookedAt::open(&viewed, output).await?;
            let source = Source::Coordinator(Box::new(looked_at.dial().clone()));
            (source, store_beside_coordinator()?, Some(looked_at))
        }
    };
    let settings = BoardSettings {
        listen,
        hosts: names.hosts,
        tls: None,
        allows_plaintext: false,
        source,
        store,
        journal: None,
        is_of_run: false,
    };
    let board = Board::open(settings).await.map_err(board_not_opened)?;
    let link = board.link();
    output.result(&json!({ "board": link }), &format!("the board is at {link}"))?;
    shutdown.cancelled().await;
    // What a folder's last coordinator has left answers until here.
    drop(looked_at);
    Ok(())
}

/// Where results are, if it isn't where the coordinator says.
fn store_beside_coordinator() -> Result<StoreChoice, super::command_error::CommandError> {
    match std::env::var("BASIN_STORE") {
        Ok(url) => Ok(StoreChoice::Given(lookup::existing_store(&url)?)),
        Err(_) => Ok(StoreChoice::AsTheCoordinatorSays),
    }
}
