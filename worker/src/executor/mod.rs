//! The executor: a process that trains one task at a time and speaks over its standard input and output.
//!
//! It dies with its agent: when its standard input ends, it leaves at once. Its standard error is the attempt's log.

mod run;

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver};

use basin_proto::executor::{FromExecutor, Ready, ToExecutor, from_executor, to_executor};

use crate::frames;

/// Serves an agent until `input` ends.
///
/// # Errors
/// If `output` can't be written: the agent is gone.
pub fn serve(input: impl Read + Send + 'static, mut output: impl Write) -> io::Result<()> {
    basin_experiments::keep_freed_memory();
    let inbox = read_in_background(input);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(threads);
    let ready = Ready {
        code_path: basin_experiments::code_path().to_owned(),
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
    };
    send(&mut output, from_executor::Message::Ready(ready))?;
    while let Ok(message) = inbox.recv() {
        match message {
            to_executor::Message::Start(start) => run::run(&start, &inbox, &mut output)?,
            // Both are meant for a task that has just ended.
            to_executor::Message::Checkpoint(_) | to_executor::Message::Stop(_) => {}
        }
    }
    Ok(())
}

/// The variable that sets the number of an executor's threads.
pub(crate) const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";

fn send(output: &mut impl Write, message: from_executor::Message) -> io::Result<()> {
    frames::write(output, &FromExecutor { message: Some(message) })
}

/// Reads messages on a thread of its own, so that a stop is seen between two steps. The end of the input is the end of
/// the process: the agent is gone, and what is being trained belongs to nobody.
fn read_in_background(mut input: impl Read + Send + 'static) -> Receiver<to_executor::Message> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        loop {
            match frames::read::<ToExecutor>(&mut input) {
                Ok(Some(ToExecutor { message: Some(message) })) => {
                    if sender.send(message).is_err() {
                        return;
                    }
                }
                Ok(Some(ToExecutor { message: None })) => tracing::warn!("an unknown message was ignored"),
                Ok(None) => std::process::exit(0),
                Err(error) => {
                    tracing::error!(%error, "the agent's messages could not be read");
                    std::process::exit(1);
                }
            }
        }
    });
    receiver
}
