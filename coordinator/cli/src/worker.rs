//! `basin worker`: a worker of a coordinator.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use basin_domain::id::{CommandName, WorkerId};
use basin_domain::placement::command_label;
use basin_worker::agent::witness::WitnessOutcome;
use basin_worker::agent::{self, CommandLine, ExitReason, NewsListener, Settings};
use basin_worker::{CodePath, DeviceName};

use super::arguments::{Credentials, Executor, Kernels, Remote, Witness, Worker};
use super::command_error::{CommandError, CommandResult, OrFail};
use super::core_division;
use super::device::{Defaults, Slots};
use super::failures::agent_failed;
use super::kinds::ProgramKinds;
use super::output::Output;
use super::scratch::Scratch;
use super::worker_news::WorkerNews;
use super::{allowed_commands, device, signals, slurm};

/// The longest span that a flag may give: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The cores of this machine.
pub(super) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

/// A worker's id: unique to this start, and telling a person where it runs.
pub(super) fn fresh_worker(host: &str) -> WorkerId {
    let host: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .skip_while(|c| *c == '-')
        .take(40)
        .collect();
    let host = if host.is_empty() { "worker".to_owned() } else { host };
    let unique = uuid::Uuid::new_v4().simple().to_string();
    WorkerId::new(format!("{host}-{}", &unique[..8])).expect("letters, digits and dashes make an id")
}

/// How this program starts an executor, one that trains with the instructions that this process would train with.
pub(super) fn executor(programs: &BTreeMap<CommandName, PathBuf>) -> Result<CommandLine, CommandError> {
    let program = std::env::current_exe().or_basin("cannot find this program's own file")?;
    let arguments =
        ["executor", "--verbose", "--code-path", basin_worker::code_path()].map(str::to_owned).into_iter();
    let arguments = arguments.chain(allowed_commands::executor_arguments(programs)).collect();
    Ok(CommandLine { program, arguments })
}

/// Trains for an agent until it has no more to say.
pub(super) fn execute(arguments: &Executor, kinds: &ProgramKinds) -> CommandResult {
    force_code_path(&arguments.kernels)?;
    let device: DeviceName = arguments.device.parse().map_err(CommandError::input)?;
    signals::ignore_termination_signals()?;
    let commands = allowed_commands::of_executor(&arguments.allowed)?;
    let (input, output) = (std::io::stdin(), std::io::stdout());
    let served = basin_worker::executor::serve(input, output, device, commands, kinds.code.clone());
    served.or_basin("cannot train")
}

/// How this program starts the witness of a worker that calls its coordinator so.
fn witness_of(remote: &Remote) -> Result<CommandLine, CommandError> {
    let program = std::env::current_exe().or_basin("cannot find this program's own file")?;
    let mut arguments = vec!["witness".to_owned(), "--coordinator".to_owned(), remote.coordinator.clone()];
    let Credentials { token, tls_ca, tls_cert, tls_key } = &remote.credentials;
    let files = [("--tls-ca", tls_ca), ("--tls-cert", tls_cert), ("--tls-key", tls_key)];
    // A token file that wasn't typed yields to a token in the environment, there as here.
    let typed = token.path.clone().filter(|_| token.is_typed);
    for (flag, path) in files.into_iter().chain([("--token-file", &typed)]) {
        let Some(path) = path else { continue };
        arguments.extend([flag.to_owned(), path.to_string_lossy().into_owned()]);
    }
    Ok(CommandLine { program, arguments })
}

/// Watches over an agent, and tells the coordinator of its death.
pub(super) fn witness(arguments: &Witness) -> CommandResult {
    signals::ignore_termination_signals()?;
    let worker: WorkerId = arguments.worker.parse().map_err(CommandError::input)?;
    let dial = arguments.remote.dial()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_basin("cannot watch over the worker")?;
    let outcome = runtime.block_on(agent::witness::serve(tokio::io::stdin(), &worker, &dial));
    runtime.shutdown_background();
    match outcome {
        Ok(WitnessOutcome::NotNeeded) => Ok(()),
        Ok(WitnessOutcome::Reported) => {
            tracing::warn!(%worker, "the worker died; the coordinator was told");
            Ok(())
        }
        Err(error) => Err(CommandError::basin(error).context(format!("worker {worker} died"))),
    }
}

/// Makes this process train with the instructions that were asked for.
pub(super) fn force_code_path(kernels: &Kernels) -> Result<(), CommandError> {
    let Some(name) = &kernels.code_path else { return Ok(()) };
    let path: CodePath = name.parse().map_err(|error: String| CommandError::input(anyhow::anyhow!(error)))?;
    if basin_worker::force_code_path(path) {
        return Ok(());
    }
    let available = CodePath::ALL.into_iter().filter(|path| path.is_available()).map(CodePath::name);
    Err(CommandError::input(anyhow::anyhow!("this machine has no {name}"))
        .hint(format!("it has: {}", available.collect::<Vec<_>>().join(", "))))
}

/// A span from a flag, in seconds.
pub(super) fn seconds(flag: &str, value: f64) -> Result<Duration, CommandError> {
    let span = Duration::try_from_secs_f64(value).ok().filter(|span| *span <= LONGEST);
    span.ok_or_else(|| {
        CommandError::input(anyhow::anyhow!("`{flag} {value}` is no span of time that makes sense"))
            .hint(format!("give seconds, from 0 to {}", LONGEST.as_secs()))
    })
}

fn labels(texts: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => {
            Err(CommandError::input(anyhow::anyhow!("`--label {text}` is no label")).hint("give KEY=VALUE"))
        }
    };
    texts.iter().map(pair).collect()
}

fn default_cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("basin")
}

/// Works until it is told to stop, or there is nothing more to do.
pub(super) async fn worker(arguments: Worker, kinds: &ProgramKinds, output: Output) -> CommandResult {
    force_code_path(&arguments.kernels)?;
    let devices = device::select(&arguments.devices.device)?;
    let programs = allowed_commands::programs(&arguments.commands.allowed)?;
    let mut labels = labels(&arguments.labels)?;
    labels.extend(programs.keys().map(command_label).chain(kinds.labels()));
    let cache = arguments.cache.clone().unwrap_or_else(default_cache);
    let defaults = Defaults { executors: 1, cores: cores(), pack: arguments.pack };
    let usual = Slots::on(&devices, arguments.slots, arguments.threads, defaults);
    let mut settings = Settings {
        dial: arguments.remote.dial()?,
        store: arguments.store.clone(),
        id: fresh_worker(""),
        slots: usual.executors,
        threads: usual.threads,
        devices,
        pack: arguments.pack,
        labels,
        data_cache: cache,
        scratch: std::env::temp_dir(),
        witness: Some(witness_of(&arguments.remote)?),
        executor: executor(&programs)?,
        progress_timeout: seconds("--progress-timeout", arguments.progress_timeout)?,
        checkpoint_every: seconds("--checkpoint-every", arguments.checkpoint_every)?,
        idle_exit: arguments.idle_exit.map(|value| seconds("--idle-exit", value)).transpose()?,
        walltime: arguments.walltime.map(|value| seconds("--walltime", value)).transpose()?,
        grace: seconds("--grace", arguments.grace)?,
        listener: {
            let news = WorkerNews::new(output);
            NewsListener::new(move |heard| news.hear(&heard))
        },
        platform: Arc::new(agent::SystemPlatform),
    };
    if arguments.slots.is_none() && arguments.threads.is_none() && device::is_processor(&settings.devices) {
        let memory = agent::description(&settings).memory;
        let chosen = core_division::for_worker(&settings.data_cache, cores(), memory, output).await;
        (settings.slots, settings.threads) = (chosen.executors, chosen.threads);
    }
    if settings.walltime.is_none() {
        settings.walltime = slurm::walltime().await;
    }
    settings.id = fresh_worker(&agent::description(&settings).host);
    let scratch = Scratch::new_in(&std::env::temp_dir()).or_basin("cannot make a scratch folder")?;
    settings.scratch = scratch.path().to_owned();
    let shutdown = signals::worker_shutdown(output, "leaving: checkpointing and giving leases back")?;
    let id = settings.id.to_string();
    output.say(&format!("worker {id} for {}", settings.dial.first()));
    let departure =
        agent::run(settings, shutdown).await.map_err(|error| agent_failed(error).context("cannot work"))?;
    let why = match departure {
        ExitReason::Drained => "drained",
        ExitReason::Idle => "idle",
        ExitReason::Walltime => "walltime",
    };
    output.result(&serde_json::json!({ "worker": id, "departure": why }), &format!("worker {id} left: {why}"))
}
