//! Ctrl-C, SIGTERM, a terminal that closes, and what cluster engines send.

use std::io::IsTerminal;
#[cfg(feature = "worker")]
use std::sync::Arc;
#[cfg(feature = "worker")]
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::command_error::{CommandError, OrFail};
use super::output::Output;

/// A token that the first SIGINT, SIGTERM or SIGHUP cancels; a second SIGINT or SIGTERM ends the process at once. A second
/// SIGHUP doesn't: both the terminal and its shell may send one when the terminal closes.
pub(super) fn shutdown(output: Output, remark: &'static str) -> Result<CancellationToken, CommandError> {
    let mut termination = Termination::listen()?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        termination.recv().await;
        output.say(remark);
        cancel.cancel();
        let Termination { mut interrupt, mut terminate, hangup: _ } = termination;
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        stop_at_once(output);
    });
    Ok(token)
}

/// The signals that ask a program to end: SIGINT, SIGTERM, SIGHUP. Once it listens, they do nothing by themselves.
pub(super) struct Termination {
    interrupt: Signal,
    terminate: Signal,
    hangup: Hangup,
}

impl Termination {
    pub(super) fn listen() -> Result<Self, CommandError> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: Hangup::listen()?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = self.hangup.recv() => {}
        }
    }
}

/// The same for a worker, which SIGUSR1 asks to leave, too: Slurm sends that ahead of the end of a job's time, and SIGTERM at
/// the end, as often as it likes. So only a second Ctrl-C ends it at once.
#[cfg(feature = "worker")]
pub(super) fn worker_shutdown(
    output: Output,
    remark: &'static str,
) -> Result<CancellationToken, CommandError> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut user = listen(SignalKind::user_defined1())?;
    let mut hangup = Hangup::listen()?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = user.recv() => {}
            () = hangup.recv() => {}
        }
        output.say(remark);
        cancel.cancel();
        loop {
            tokio::select! {
                _ = interrupt.recv() => stop_at_once(output),
                _ = terminate.recv() => {}
                _ = user.recv() => {}
                () = hangup.recv() => {}
            }
        }
    });
    Ok(token)
}

/// Makes this process, an executor, deaf to signals by which a worker is asked to leave. Slurm and systemd send them to every
/// process of a job or service, and a terminal that closes may too; an executor that died of one could not write its
/// checkpoint. It ends with its agent.
#[cfg(feature = "worker")]
pub(super) fn ignore_termination_signals() -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_basin("cannot listen for signals")?;
    let _inside = runtime.enter();
    // Once it was listened for, a signal never does again what it does by itself.
    for kind in
        [SignalKind::terminate(), SignalKind::user_defined1(), SignalKind::hangup(), SignalKind::interrupt()]
    {
        drop(listen(kind)?);
    }
    Ok(())
}

/// The same, and whether one came.
#[cfg(feature = "worker")]
pub(super) fn note_termination_signals() -> Result<Arc<AtomicBool>, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_basin("cannot listen for signals")?;
    let inside = runtime.enter();
    let kinds =
        [SignalKind::terminate(), SignalKind::user_defined1(), SignalKind::hangup(), SignalKind::interrupt()];
    let [mut terminate, mut user, mut hangup, mut interrupt] =
        kinds.map(listen).into_iter().collect::<Result<Vec<_>, _>>()?.try_into().expect("there are four");
    drop(inside);
    let was_told = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&was_told);
    std::thread::spawn(move || {
        runtime.block_on(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = user.recv() => {}
                _ = hangup.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        told.store(true, Ordering::SeqCst);
    });
    Ok(was_told)
}

/// SIGHUP, by which a terminal says that it closes; never, if this process was started to outlive its terminal.
struct Hangup(Option<Signal>);

impl Hangup {
    fn listen() -> Result<Self, CommandError> {
        // `nohup` and the like start programs with the signal ignored, and that is to stay so.
        if is_ignored() { Ok(Self(None)) } else { listen(SignalKind::hangup()).map(|it| Self(Some(it))) }
    }

    async fn recv(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// Whether this process was started with SIGHUP ignored.
fn is_ignored() -> bool {
    match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => ignores_hangup(&status),
        // Only Linux tells. Elsewhere: `nohup` takes the output away from the terminal.
        Err(_) => !std::io::stdout().is_terminal() && !std::io::stderr().is_terminal(),
    }
}

/// Whether SIGHUP is among the ignored signals of a process, by the line `SigIgn: 0000000000000001` of its status: a bit for
/// each signal, SIGHUP's the lowest.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

fn listen(kind: SignalKind) -> Result<Signal, CommandError> {
    signal(kind).or_basin("cannot listen for signals")
}

fn stop_at_once(output: Output) -> ! {
    output.say("stopped at once; nothing that was committed is lost");
    std::process::exit(2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_started_to_outlive_its_terminal_is_known() {
        assert!(ignores_hangup("Name:\tbasin\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000\n"));
        assert!(ignores_hangup("SigIgn:\t0000000000001003\n"));
        assert!(!ignores_hangup("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n"));
        assert!(!ignores_hangup(""));
    }
}
