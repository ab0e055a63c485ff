//! `basin replay`: a committed task, trained again from nothing and compared bit by bit.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use basin_domain::worker::Progress;
use basin_worker::replay::{self, Comparison, Original, ReplayError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::Replay;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::OrStore;
use super::kinds::ProgramKinds;
use super::lookup;
use super::output::{Output, span};
use super::signals;
use super::worker::{cores, force_code_path};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Differences that are printed; there may be one for every tensor.
const SHOWN: usize = 20;

/// Trains a task again; exit code 1 if anything came out otherwise.
pub(super) async fn replay(arguments: Replay, kinds: &ProgramKinds, output: Output) -> CommandResult {
    force_code_path(&arguments.kernels)?;
    let threads = arguments.threads.unwrap_or_else(cores);
    basin_worker::set_threads(threads as usize).or_basin("cannot start the training's threads")?;
    let store = lookup::existing_store(&arguments.store.url())?;
    let (sweep, task) = lookup::task(&store, &arguments.task.join(" ")).await?;
    let name = format!("{} ({}) of {sweep}", task.name(), task.id.short());
    if let Some(command) = task.spec.experiment.command() {
        let message = format!("it runs the command {command}, and the bytes of a command are not promised");
        return Err(CommandError::input(anyhow::anyhow!(message))
            .context(format!("cannot compare {name}"))
            .hint("`basin verify` proves the stored bytes; more seeds show how far results vary"));
    }
    let original = Original::find(&store, &task.id).await.map_err(|error| failed(error, &name))?;
    let provenance = &original.manifest.provenance;
    if provenance.device != "cpu" {
        output.say(&format!(
            "it was trained on {}: only the processor promises the same bits, so differences are to be expected",
            provenance.device
        ));
    }
    output.say(&format!(
        "{name}: trained with {} by {}, now with {} and {threads} threads",
        provenance.code_path,
        original.commit.worker,
        basin_worker::code_path()
    ));

    let shutdown = signals::shutdown(output, "stopping: a replay keeps nothing")?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    tokio::spawn(async move {
        shutdown.cancelled().await;
        stopped.store(true, Ordering::Relaxed);
    });
    let folder = tempfile::tempdir().or_basin("cannot make a scratch folder")?;
    let began = Instant::now();
    let progress_bar = ReplayProgress::new(output);
    let told = move |progress: Progress| progress_bar.show(&progress);
    let replayed = replay::train(&store, &task.spec, &kinds.code, folder.path(), stop, told).await;
    let comparison = Comparison::of(&original, &replayed.map_err(|error| failed(error, &name))?);

    let value = serde_json::json!({
        "task": task.id.to_string(), "name": task.name(), "sweep": sweep.to_string(), "same": comparison.is_same(), "same_bytes": comparison.same_bytes,
        "values": comparison.values, "tensors": comparison.tensors, "differences": comparison.differences,
        "code_path": basin_worker::code_path(), "committed_code_path": provenance.code_path,
    });
    output.say(&format!("trained again in {}", span(began.elapsed().as_secs_f64())));
    output.result(&value, &describe(&name, &comparison))?;
    if comparison.is_same() {
        return Ok(());
    }
    Err(CommandError::input(anyhow::anyhow!("{name} came out otherwise than it was committed")).hint(
        "what was committed may have been changed, or this machine or the one that trained it computes wrongly; `basin verify` \
         proves the stored bytes",
    ))
}

fn failed(error: ReplayError, name: &str) -> CommandError {
    let what = format!("cannot train {name} again");
    match error {
        ReplayError::Storage(error) => Err::<(), _>(error).or_store(what).expect_err("it is an error"),
        ReplayError::NotCommitted(_) => {
            CommandError::input(error).context(what).hint("there is nothing yet to compare with")
        }
        ReplayError::Stopped | ReplayError::Training(_) => CommandError::input(error).context(what),
        ReplayError::MissingInput { .. } | ReplayError::Data { .. } | ReplayError::Crashed(_) => {
            CommandError::basin(error).context(what)
        }
    }
}

fn describe(name: &str, comparison: &Comparison) -> String {
    let Comparison { differences, same_bytes, values, tensors } = comparison;
    let mut text = match (differences.is_empty(), same_bytes) {
        (true, true) => format!("{name}: the same bytes: {values} values and {tensors} tensors\n"),
        (true, false) => format!(
            "{name}: the same bits: {values} values and {tensors} tensors; the files were written by another version and differ\n"
        ),
        (false, _) => format!("{name}: {} differences\n", differences.len()),
    };
    for difference in differences.iter().take(SHOWN) {
        text.push_str(&format!("differs: {difference}\n"));
    }
    if differences.len() > SHOWN {
        text.push_str(&format!("and {} more\n", differences.len() - SHOWN));
    }
    text
}

/// Shows how far the training is: a bar at a terminal, a line now and then elsewhere.
struct ReplayProgress {
    output: Output,
    bar: ProgressBar,
    last_line: Mutex<Instant>,
}

impl ReplayProgress {
    fn new(output: Output) -> Self {
        let bar = ProgressBar::no_length();
        if !output.is_live() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} steps, about {eta} left") {
            bar.set_style(style);
        }
        Self { output, bar, last_line: Mutex::new(Instant::now()) }
    }

    fn show(&self, progress: &Progress) {
        self.bar.set_length(progress.iterations);
        self.bar.set_position(progress.iteration);
        if self.output.is_live() {
            return;
        }
        let mut last = self.last_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            self.output.say(&format!("step {} of {}", progress.iteration, progress.iterations));
        }
    }
}

impl Drop for ReplayProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
