//! The executor: a process that trains tasks, as many at once as it has threads, and speaks over its standard input and output.
//!
//! Its tasks are its *lanes*, its threads its [`thread_pool`]. It dies with its agent: when its standard input ends, it leaves at once. Its standard
//! error is the log of all of its lanes.

mod agent_channel;
mod example_rate;
mod lane;
mod log_pacing;
mod recorded_series;
mod scratch_file;
mod stages;
mod thread_pool;
mod trainer;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use basin_experiments::accelerator::DeviceName;
use basin_experiments::kind::Kinds;
use basin_proto::executor::{Ready, Stopped, ToExecutor, from_executor, to_executor};

use crate::command::AllowedCommands;
use crate::frames;
use agent_channel::AgentChannel;
use lane::Lane;
use thread_pool::ThreadPool;
use trainer::Trainer;

/// An event that the executor's first thread handles.
enum Event {
    /// A message of the agent.
    Received { task: String, message: Box<to_executor::Message> },
    /// A thread can't reach the agent any more.
    Disconnected(io::Error),
}

/// Serves an agent until `input` ends, with tasks that train on `device`, and those whose programs are among `commands`, or whose kind is
/// among `kinds`.
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
    commands: AllowedCommands,
    kinds: Kinds,
) -> io::Result<()> {
    basin_experiments::keep_freed_memory();
    let trainer = Arc::new(Trainer::open(device, commands, kinds).map_err(io::Error::other)?);
    let (sender, inbox) = mpsc::channel();
    read_in_background(input, sender.clone());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = std::env::var(THREADS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(cores);
    let cores = if trainer.accelerator.is_some() { cores } else { threads };
    let channel = AgentChannel::new(output);
    let ready = Ready {
        code_path: basin_experiments::code_path().to_owned(),
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
    };
    channel.send("", from_executor::Message::Ready(ready))?;
    let pool = ThreadPool::new(threads, cores);
    std::thread::scope(|scope| {
        for index in 0..threads {
            let (pool, channel, sender) = (&pool, &channel, sender.clone());
            scope.spawn(move || {
                if let Err(error) = pool.work(index, channel) {
                    // The first thread may have left already.
                    let _ = sender.send(Event::Disconnected(error));
                }
            });
        }
        let watcher = sender.clone();
        scope.spawn({
            let (pool, channel) = (&pool, &channel);
            move || {
                if let Err(error) = pool.watch(channel) {
                    let _ = watcher.send(Event::Disconnected(error));
                }
            }
        });
        let ended = loop {
            let event = inbox.recv().map_err(|_| io::Error::other("nobody is left to hear"));
            match event {
                Ok(Event::Received { task, message }) => {
                    if let Err(error) = apply_message(&pool, &channel, &trainer, task, *message) {
                        break Err(error);
                    }
                }
                Ok(Event::Disconnected(error)) | Err(error) => break Err(error),
            }
        };
        pool.shut_down();
        ended
    })
}

fn apply_message(
    pool: &ThreadPool,
    channel: &AgentChannel<'_>,
    trainer: &Arc<Trainer>,
    task: String,
    message: to_executor::Message,
) -> io::Result<()> {
    match message {
        to_executor::Message::Start(start) => pool.add(Lane::new(task, start, Arc::clone(trainer))),
        // Both may be meant for a task that has just ended.
        to_executor::Message::Checkpoint(_) => pool.ask_for_checkpoint(&task),
        to_executor::Message::Stop(_) => {
            if pool.stop(&task) {
                channel.send(&task, from_executor::Message::Stopped(Stopped {}))?;
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
                    if sender.send(Event::Received { task: task_id, message: Box::new(message) }).is_err() {
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
