//! Ctrl-C, SIGTERM, and what cluster engines send.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::{Failed, OrFail};
use super::output::Output;

/// A token that the first SIGINT or SIGTERM cancels; a second one ends the process at once.
pub(super) fn shutdown(output: Output, remark: &'static str) -> Result<CancellationToken, Failed> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        output.say(remark);
        cancel.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        stop_at_once(output);
    });
    Ok(token)
}

/// The same for a worker, which SIGUSR1 asks to leave, too: Slurm sends that ahead of the end of a job's time, and SIGTERM at
/// the end, as often as it likes. So only a second Ctrl-C ends it at once.
#[cfg(feature = "worker")]
pub(super) fn departure(output: Output, remark: &'static str) -> Result<CancellationToken, Failed> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut user = listen(SignalKind::user_defined1())?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = user.recv() => {} }
        output.say(remark);
        cancel.cancel();
        loop {
            tokio::select! {
                _ = interrupt.recv() => stop_at_once(output),
                _ = terminate.recv() => {}
                _ = user.recv() => {}
            }
        }
    });
    Ok(token)
}

/// Makes this process, an executor, deaf to signals by which a worker is asked to leave. Slurm and systemd send them to every
/// process of a job or service; an executor that died of one could not write its checkpoint. It ends with its agent.
#[cfg(feature = "worker")]
pub(super) fn leave_them_to_the_agent() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_basin("cannot listen for signals")?;
    let _inside = runtime.enter();
    // Once it was listened for, a signal never does again what it does by itself.
    for kind in [SignalKind::terminate(), SignalKind::user_defined1(), SignalKind::hangup()] {
        drop(listen(kind)?);
    }
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal, Failed> {
    signal(kind).or_basin("cannot listen for signals")
}

fn stop_at_once(output: Output) -> ! {
    output.say("stopped at once; nothing that was committed is lost");
    std::process::exit(2);
}
