//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::{Failed, OrFail};
use super::output::Output;

/// A token that the first SIGINT or SIGTERM cancels; a second one ends the process at once.
pub(super) fn shutdown(output: Output, remark: &'static str) -> Result<CancellationToken, Failed> {
    let mut interrupt = signal(SignalKind::interrupt()).or_basin("cannot listen for signals")?;
    let mut terminate = signal(SignalKind::terminate()).or_basin("cannot listen for signals")?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        output.say(remark);
        cancel.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        output.say("stopped at once; nothing that was committed is lost");
        std::process::exit(2);
    });
    Ok(token)
}
