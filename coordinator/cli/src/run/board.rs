//! The board of a local run: whoever has the link looks on and steers, as long as it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use basin_board::{Board, BoardSettings, JournalTimes, Source, StoreChoice};
use basin_coordinator::server::Server;
use basin_proto::dial::{Dial, Token};
use basin_storage::Store;
use tokio_util::sync::CancellationToken;

use crate::command_error::{CommandError, OrFail};
use crate::failures::board_not_opened;
use crate::output::Output;

/// How long the board stays once a run was ended by it.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// What was asked for of a run's board.
pub(super) struct RunBoard {
    /// Where it should be.
    pub(super) address: Option<SocketAddr>,
    /// Whether there should be none.
    pub(super) is_left_out: bool,
}

impl RunBoard {
    /// Opens the board, which calls the coordinator with this token, and says where it is. One that nobody asked for is left out if it
    /// can't be opened: the run goes on without it.
    pub(super) async fn open(
        &self,
        server: &Server,
        token: &str,
        store: &Store,
        output: Output,
    ) -> Result<Option<Board>, CommandError> {
        if self.is_left_out {
            return Ok(None);
        }
        let token = Token::fixed(token).or_basin("its token can't be used")?;
        let dial = Dial::to(&server.url()).or_basin("its address can't be used")?;
        let leadership = server.leadership().clone();
        let settings = BoardSettings {
            listen: self.address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()),
            hosts: Vec::new(),
            tls: None,
            allows_plaintext: false,
            source: Source::Coordinator(Box::new(dial.with_token(Some(token)))),
            store: StoreChoice::Given(store.clone()),
            journal: Some(JournalTimes::new(move || {
                Some(leadership.coordinator().ok()?.meter.appends().counts())
            })),
            is_of_run: true,
        };
        match Board::open(settings).await {
            Ok(board) => {
                output.say(&format!("the board is at {}", board.link()));
                Ok(Some(board))
            }
            Err(error) if self.address.is_none() => {
                tracing::warn!(%error, "the board could not be opened");
                Ok(None)
            }
            Err(error) => Err(board_not_opened(error)),
        }
    }
}

/// Keeps the board for a moment: whoever ended the run by a button of it sees what came of that. A signal ends it at once.
pub(super) async fn last_look(board: Option<&Board>, shutdown: &CancellationToken) {
    if board.is_some() {
        let _ = tokio::time::timeout(LAST_LOOK, shutdown.cancelled()).await;
    }
}
