//! Arguments of `basin board`, and those of other commands about their boards.

use std::net::SocketAddr;

use clap::Args;

use super::shared::Viewed;

/// A board in a browser.
#[derive(Debug, Args)]
pub(crate) struct Board {
    /// The address to listen on, of this machine
    #[arg(long, default_value = "127.0.0.1:7472", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Show the sweeps of this store, as far as they have come, and ask no coordinator
    #[arg(long, value_name = "URL", conflicts_with_all = ["coordinator", "state"])]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) names: BoardNames,
    #[command(flatten)]
    pub(crate) viewed: Viewed,
}

/// The names of a board.
#[derive(Debug, Clone, Args)]
pub(crate) struct BoardNames {
    /// A name under which browsers may call the board, beside addresses and `localhost`; as often as there are names
    #[arg(long = "board-host", env = "BASIN_BOARD_HOST", value_name = "NAME", value_delimiter = ',')]
    pub(crate) hosts: Vec<String>,
}
