//! Boards that can't be opened.

use basin_board::BoardError;

use super::client::call;

/// The hint for a board that can't be opened.
pub(crate) fn board(error: &BoardError) -> Option<String> {
    match error {
        BoardError::Listen { address, .. } => Some(format!(
            "another program may use port {}; choose one with `basin board --listen`, or `--board` of `basin serve` and \
             `basin run`",
            address.port()
        )),
        BoardError::WithoutTls(_) => Some(
            "`basin serve --board` shows it with the coordinator's certificate; `basin board` is of its own machine: from \
             elsewhere it is reached through `ssh -L`"
                .to_owned(),
        ),
        BoardError::WithoutTokens(_) => Some(
            "make one with `basin token create --role viewer --name NAME --tokens FILE` and give `--tokens FILE`"
                .to_owned(),
        ),
        BoardError::Dial(error) => call(error),
        BoardError::Threads(_) => {
            Some("let this user have more threads (`ulimit -u`, or the container's limit of processes)".to_owned())
        }
        BoardError::Random(_) => None,
    }
}
