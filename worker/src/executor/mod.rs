//! The executor: a process that trains tasks, as many at once as it has threads, and speaks over its standard input and output.
//!
//! Its tasks are its *lanes*, its threads its [`crew`]. It dies with its agent: when its standard input ends, it leaves at once. Its standard
//! error is the log of all of its lanes.

mod crew;
mod lane;
mod outbox;

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Sender};

use basin_experiments::accelerator::{Accelerator, DeviceName};
use basin_proto::executor::{Ready, Stopped, ToExecutor, from_executor, to_executor};

use crate::frames;
use crew::Crew;
use lane::Lane;
use outbox::Outbox;

/// What the executor's first thread wakes up for.
enum Event {
    /// The agent said something.
    Told { task: String, message: to_executor::Message },
    /// A thread can't speak to the agent any more.
    Mute(io::Error),
}

/// Serves an agent until `input` ends, with tasks that train on `device`.
///
/// On the processor threads and cores are the same. Where a device trains, a thread is a lane that mostly waits for it, and the cores are
/// shared out among the lanes for what they compute themselves.
///
/// # Errors
/// If the device can't be used, or `output` can't be written: the agent is gone.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send,
    device: DeviceName,
) -> io::Result<()> {
    basin_experiments::keep_freed_memory();
    let accelerator = device.open().map_err(io::Error::other)?;
    let (sender, inbox) = mpsc::channel();
    read_in_background(input, sender.clone());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(cores);
    let cores = if accelerator.is_some() { cores } else { threads };
    let outbox = Outbox::new(output);
    let ready = Ready {
        code_path: basin_experiments::code_path().to_owned(),
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
    };
    outbox.say("", from_executor::Message::Ready(ready))?;
    let crew = Crew::new(threads, cores);
    std::thread::scope(|scope| {
        for seat in 0..threads {
            let (crew, outbox, sender) = (&crew, &outbox, sender.clone());
            scope.spawn(move || {
                if let Err(error) = crew.work(seat, outbox) {
                    // The first thread may have left already.
                    let _ = sender.send(Event::Mute(error));
                }
            });
        }
        let watcher = sender.clone();
        scope.spawn({
            let (crew, outbox) = (&crew, &outbox);
            move || {
                if let Err(error) = crew.watch(outbox) {
                    let _ = watcher.send(Event::Mute(error));
                }
            }
        });
        let ended = loop {
            let event = inbox.recv().map_err(|_| io::Error::other("nobody is left to hear"));
            match event {
                Ok(Event::Told { task, message }) => {
                    if let Err(error) = heed(&crew, &outbox, accelerator.as_ref(), task, message) {
                        break Err(error);
                    }
                }
                Ok(Event::Mute(error)) | Err(error) => break Err(error),
            }
        };
        crew.dismiss();
        ended
    })
}

fn heed(
    crew: &Crew,
    outbox: &Outbox<'_>,
    accelerator: Option<&Accelerator>,
    task: String,
    message: to_executor::Message,
) -> io::Result<()> {
    match message {
        to_executor::Message::Start(start) => crew.add(Lane::new(task, start, accelerator.cloned())),
        // Both may be meant for a task that has just ended.
        to_executor::Message::Checkpoint(_) => crew.ask_for_checkpoint(&task),
        to_executor::Message::Stop(_) => {
            if crew.stop(&task) {
                outbox.say(&task, from_executor::Message::Stopped(Stopped {}))?;
            }
        }
    }
    Ok(())
}

/// The variable that sets the number of an executor's threads.
pub(crate) const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";

/// Reads messages on a thread of its own, so that a stop is seen between two steps. The end of the input is the end of
/// the process: the agent is gone, and what is being trained belongs to nobody.
fn read_in_background(mut input: impl Read + Send + 'static, sender: Sender<Event>) {
    std::thread::spawn(move || {
        loop {
            match frames::read::<ToExecutor>(&mut input) {
                Ok(Some(ToExecutor { task_id, message: Some(message) })) => {
                    if sender.send(Event::Told { task: task_id, message }).is_err() {
                        return;
                    }
                }
                Ok(Some(ToExecutor { message: None, .. })) => {
                    tracing::warn!("an unknown message was ignored");
                }
                Ok(None) => std::process::exit(0),
                Err(error) => {
                    tracing::error!(%error, "the agent's messages could not be read");
                    std::process::exit(1);
                }
            }
        }
    });
}
