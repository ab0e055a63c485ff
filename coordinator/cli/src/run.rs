//! `basin run`: everything on this machine, through the same coordinator, agent and store as on a cluster.

mod board;
mod end;
mod report_retries;
mod run_times;
mod take_over;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use basin_core::command::Policy;
use basin_core::view::Phase;
use basin_domain::id::SweepId;
use basin_domain::placement::command_label;
use basin_domain::scheduling::UserName;
use basin_domain::sweep::SweepNote;
use basin_domain::utc::Utc;
use basin_proto::dial::{Dial, Token};
use basin_proto::v1;
use basin_worker::agent::{self, ExitReason, NewsListener};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::Run;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::core_division::{self, ChosenSlots};
use super::device::{Defaults, Slots};
use super::failures::{agent_failed, not_started, unprepared};
use super::kinds::ProgramKinds;
use super::local_coordinator::{LocalCoordinator, typed_command};
use super::local_pace::local_pace;
use super::lookup;
use super::output::{Output, counted, span};
use super::prediction::PlannedWork;
use super::progress::Progress;
use super::sweep_text::failed_text;
use super::worker::{cores, executor, force_code_path, fresh_worker, seconds};
use super::{allowed_commands, device, duplicate_runs, notes, report, signals, source, unmet_needs};
use crate::hints;
use basin_coordinator::http::NamedInMetrics;
use basin_coordinator::journal::{DecideError, JournalError};
use basin_coordinator::launch;
use basin_coordinator::server::{JournalLocation, Server, ServerSettings, StartError};
use basin_coordinator::service::{Coordinator, LaunchOptions, sweep_reply};
use basin_coordinator::trust::{NewToken, Role, Tokens, Trust};
use basin_report::Status;
use board::{RunBoard, last_look};
use end::EarlyEnd;
use report_retries::report_with_retries;
use run_times::RunTimes;
use take_over::take_over;

/// How long a local lease lasts: the worker is in this process, so only a hang loses it.
const LEASE_DURATION: Duration = Duration::from_secs(30);
/// How often progress is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How long stopping may take: checkpoints and their writing.
const GRACE: Duration = Duration::from_secs(20);

/// Runs a sweep to its report, or until it is stopped.
pub(super) async fn run(arguments: Run, kinds: &ProgramKinds, output: Output) -> CommandResult {
    let began = Instant::now();
    force_code_path(&arguments.executors.kernels)?;
    let devices = device::select(&arguments.executors.devices.device)?;
    let programs = allowed_commands::programs(&arguments.commands.allowed)?;
    let source = source::read(&arguments.sweep, kinds, "run")?;
    let checkpoint_every = seconds("--checkpoint-every", arguments.checkpoint_every)?;
    let shutdown =
        signals::shutdown(output, "stopping: checkpoints are being written; Ctrl-C again stops at once")?;
    let state = arguments.store.local.state.clone();
    let store = lookup::store(&arguments.store.url())?;
    let prepared = launch::prepare(&store, &source, arguments.sweep.max_tasks)
        .await
        .map_err(|error| unprepared(error, "run", &source))?;
    let tasks = prepared.plan.runs().count();
    let missing = || prepared.plan.runs().filter(|task| !prepared.committed.contains_key(&task.id));
    allowed_commands::are_allowed(missing(), &programs)
        .and_then(|()| kinds.are_here(missing()))
        .map_err(|error| error.context(format!("cannot run {}", source.file)))?;
    let reused = prepared.plan.runs().filter(|task| prepared.committed.contains_key(&task.id)).count();
    let labels: BTreeMap<String, String> = programs.keys().map(command_label).chain(kinds.labels()).collect();
    let executor_of = |Slots { executors, threads }: Slots| {
        agent::description_of(&devices, executors, threads, labels.clone())
    };
    let planned = PlannedWork::of(&prepared);
    let defaults = Defaults::of_run((tasks - reused) as u64, cores());
    let usual = Slots::on(&devices, arguments.executors.workers, arguments.executors.threads, defaults);
    let chosen = match arguments.executors.are_open() && device::is_processor(&devices) {
        true => {
            core_division::for_sweep(&state, usual, cores(), &planned, &prepared, executor_of, output).await
        }
        false => ChosenSlots::usual(usual),
    };
    let slots = chosen.slots;
    let Slots { executors: workers, threads } = slots;
    let executor_here = executor_of(slots);
    let to_do: BTreeSet<_> = missing().map(|task| &task.experiment).collect();
    let needs = prepared.needs.iter().filter(|needs| to_do.contains(&needs.experiment));
    needs_are_met(&unmet_needs::by_executor(needs, &executor_here))
        .map_err(|error| error.context(format!("cannot run {}", source.file)))?;
    notes::say(&prepared.plan.notes, output);
    for same in prepared.plan.duplicate_runs() {
        output.say(&duplicate_runs::sentence(&same, &prepared.plan));
    }
    let sweep = prepared.plan.id.clone();
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("basin-out").join(sweep.as_str()));
    // Before anything is trained for a report that has no place.
    let folder = report::claim_folder(&out, &sweep, arguments.replace)?;

    let local = local_pace(&state, &devices, slots, &planned.total(), output).await;
    let prediction = planned.predict(local.as_ref(), &HashMap::new());
    let kinds_of_experiments: BTreeMap<String, String> = prepared
        .plan
        .runs()
        .map(|task| (task.experiment.to_string(), task.spec.experiment.kind().to_owned()))
        .collect();

    let policy =
        Policy { lease_duration: LEASE_DURATION, max_tasks: arguments.sweep.max_tasks, ..Policy::default() };
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    // Others on this machine reach the port too; only the worker beneath has the token, which is in memory alone.
    let ours =
        NewToken::new(UserName::new("run").expect("it is a name"), Role::Worker, Utc::from_unix(0), None)
            .or_basin("this system gives no random numbers")?;
    // Whoever looks at this run reads a viewer's token in its folder.
    let viewer =
        NewToken::new(UserName::new("view").expect("it is a name"), Role::Viewer, Utc::from_unix(0), None)
            .or_basin("this system gives no random numbers")?;
    // Whoever started it steers it by its board, which alone has this one, in memory.
    let owner =
        NewToken::new(UserName::new("owner").expect("it is a name"), Role::Admin, Utc::from_unix(0), None)
            .or_basin("this system gives no random numbers")?;
    let tokens = Tokens::Fixed(Arc::from([ours.entry, viewer.entry, owner.entry]));
    let trust = Trust { tokens, ..Trust::default() };
    let journal = JournalLocation::File(state.join("journal.sqlite"));
    let settings = ServerSettings {
        listen,
        store: store.clone(),
        journal,
        advertise: None,
        policy,
        trust,
        http: None,
        named_in_metrics: NamedInMetrics::default(),
        hint_of: hints::refusal,
    };
    let server = Server::start(settings).await.map_err(|error| cannot_start(error, &state))?;
    let board_of_run = RunBoard { address: arguments.board, is_left_out: arguments.no_board };
    let board = board_of_run.open(&server, owner.secret.expose_secret(), &store, output).await;
    let board = match board {
        Ok(board) => board,
        Err(failed) => {
            server.shut_down().await;
            return Err(failed.context("cannot start"));
        }
    };
    let viewer = Some(viewer.secret.expose_secret().to_owned());
    let here = LocalCoordinator::here(server.url(), viewer, Some(sweep.clone()), typed_command());
    let announced = here.announce(&state);
    if let Err(error) = &announced {
        tracing::warn!(%error, state = %state.display(), "others won't find this run");
    }
    let coordinator =
        server.coordinator().expect("on a journal of its own a coordinator leads from the start");
    take_over(&coordinator, &sweep).await?;
    if let Some(local) = &local {
        coordinator.forecasts.expect(&sweep, planned.expected(local, coordinator.ledger.now()));
    }
    let launched = coordinator.launch_prepared(&source, prepared, LaunchOptions::default()).await;
    if let Err(status) = launched {
        server.shut_down().await;
        let failed = if status.code() == tonic::Code::FailedPrecondition {
            CommandError::input
        } else {
            CommandError::basin
        };
        let hint = hints::refused(&status);
        return Err(failed(anyhow::anyhow!("{}", status.message()))
            .context(format!("cannot launch {}", source.file))
            .hint_if_any(hint));
    }

    let on = devices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    output.say(&format!(
        "{sweep}: {}, {reused} already done; {} of {} on {on}",
        counted(tasks as u64, "task", "tasks"),
        counted(workers.into(), "executor", "executors"),
        counted(threads.into(), "thread", "threads")
    ));
    // The journal's lock makes this folder ours: what a killed run left there is nobody's.
    let scratch = state.join("scratch");
    let _ = std::fs::remove_dir_all(&scratch);
    chosen.keep(&state);
    let stop_agent = CancellationToken::new();
    let token = Token::fixed(ours.secret.expose_secret()).expect("a token that was made is one");
    let agent = agent::Settings {
        dial: Dial::to(&server.url()).expect("its own address is one").with_token(Some(token)),
        store: Some(store.url().to_owned()),
        id: fresh_worker("local"),
        slots: workers,
        threads,
        devices,
        pack: if chosen.is_one_by_one { 1 } else { agent::LARGEST_PACK },
        labels,
        data_cache: state.join("cache"),
        scratch,
        // The coordinator would die with it.
        witness: None,
        executor: executor(&programs)?,
        progress_timeout: seconds("--progress-timeout", arguments.progress_timeout)?,
        checkpoint_every,
        idle_exit: None,
        walltime: None,
        grace: GRACE,
        // The sweep's progress says what is done.
        listener: NewsListener::default(),
        platform: Arc::new(agent::SystemPlatform),
    };
    let work_began = Instant::now();
    let mut agent = tokio::spawn(agent::run(agent, stop_agent.clone()));
    let followed = tokio::select! {
        followed = follow(&coordinator, &sweep, &shutdown, output) => followed,
        ended = &mut agent => {
            let ended = ended.or_basin("the worker crashed")?;
            if matches!(ended, Ok(ExitReason::Drained)) {
                last_look(board.as_ref(), &shutdown).await;
            }
            server.shut_down().await;
            return Err(match ended {
                Err(error) => agent_failed(error).context("the worker cannot work"),
                Ok(ExitReason::Drained) => EarlyEnd::Drained.of(&sweep),
                Ok(ExitReason::Idle | ExitReason::Walltime) => {
                    CommandError::basin(anyhow::anyhow!("the worker left before the sweep was done"))
                }
            });
        }
    };
    let took = work_began.elapsed().as_secs_f64();
    stop_agent.cancel();
    let _ = tokio::time::timeout(GRACE + Duration::from_secs(5), agent).await;
    if matches!(followed, Ok(Some(EarlyEnd::Cancelled))) {
        last_look(board.as_ref(), &shutdown).await;
    }
    drop(board);
    let (status, failed) = final_status(&coordinator, &sweep).await;
    let forecast = coordinator.forecast_now(&sweep).await;
    server.shut_down().await;
    if let Some(end) = followed? {
        return Err(end.of(&sweep));
    }
    let experiments = forecast.map(|forecast| forecast.experiments).unwrap_or_default();
    let times = RunTimes { took, prediction, experiments };
    times.learn(local, &kinds_of_experiments, &state);
    let summary = report_with_retries(&store, &sweep, folder, &status, &shutdown, output).await?;
    output.say(&format!("done in {}{}", span(began.elapsed().as_secs_f64()), times.text()));
    let page = summary.page.display().to_string();
    let (figures, claims) = report::value(&summary);
    let value = json!({ "sweep": sweep.to_string(), "tasks": tasks, "reused": reused, "failed": status.failures.len(),
        "report": page, "out": out.display().to_string(), "figures": figures, "claims": claims, "times": times.json() });
    output.result(&value, &report::describe(&summary))?;
    if status.failures.is_empty() {
        return report::all_readable(&summary.counts, &sweep);
    }
    for text in &failed {
        output.say(text.trim_end());
    }
    Err(CommandError::input(anyhow::anyhow!(
        "{} of {} failed; the report marks them",
        status.failures.len(),
        counted(tasks as u64, "task", "tasks")
    ))
    .hint(hints::failed_tasks(status.failures.values().map(|failure| failure.kind), &sweep)))
}

/// Refuses to begin where tasks would wait for ever.
fn needs_are_met(unmet: &[SweepNote]) -> CommandResult {
    match unmet {
        [] => Ok(()),
        [only] => Err(CommandError::input(anyhow::anyhow!("{only}")).hint_if_any(only.hint.clone())),
        several => Err(CommandError::input(anyhow::anyhow!("{}", notes::listed(several)))),
    }
}

/// A run that can't start; who has its folder, if somebody has.
fn cannot_start(error: StartError, state: &Path) -> CommandError {
    let is_locked = matches!(error, StartError::Journal { source: JournalError::Locked, .. });
    match LocalCoordinator::read(state).filter(|_| is_locked) {
        None => not_started(error).context("cannot start"),
        Some(other) => {
            let follow = match &other.sweep {
                Some(sweep) => format!("`basin watch {sweep} --state {}` follows it", state.display()),
                None => format!("`basin list --state {}` shows what it does", state.display()),
            };
            CommandError::input(other.in_use(state))
                .hint(format!("{follow}; `--state DIR` gives this run a folder of its own"))
        }
    }
}

/// The failure of a ledger that ended while the sweep ran.
fn ledger_stopped(error: DecideError) -> CommandError {
    let hint = match &error {
        DecideError::Failed(failure) if failure.is_full => {
            Some("make space for `--state DIR`, and run the same command again: what is done is kept")
        }
        DecideError::Failed(_) => Some("run the same command again to go on where it was"),
        DecideError::Unavailable | DecideError::Refused(_) => None,
    };
    CommandError::basin(error).context("the ledger stopped").hint_if_any(hint.map(str::to_owned))
}

/// Shows progress until the sweep is done, or ends early.
async fn follow(
    coordinator: &Arc<Coordinator>,
    sweep: &SweepId,
    shutdown: &CancellationToken,
    output: Output,
) -> Result<Option<EarlyEnd>, CommandError> {
    let mut progress = Progress::new(output);
    loop {
        let (id, now) = (sweep.clone(), coordinator.ledger.now());
        let reply = coordinator.ledger.view(move |ledger| sweep_reply(ledger, &id, now)).await;
        let reply = reply.map_err(ledger_stopped)?.unwrap_or_default();
        let reply = coordinator.with_forecast(sweep, reply).await;
        let reply = coordinator.with_names(sweep, reply).await;
        progress.show(&reply);
        let state = reply.sweep.map(|sweep| sweep.state_code());
        if matches!(state, Some(v1::SweepState::Done | v1::SweepState::Cancelled)) {
            progress.finish();
            return Ok((state == Some(v1::SweepState::Cancelled)).then_some(EarlyEnd::Cancelled));
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = shutdown.cancelled() => {
                progress.finish();
                return Ok(Some(EarlyEnd::Stopped));
            }
        }
    }
}

/// The ledger's knowledge at the end beside the store, and the failed tasks in words.
async fn final_status(coordinator: &Coordinator, sweep: &SweepId) -> (Status, Vec<String>) {
    let (id, now) = (sweep.clone(), coordinator.ledger.now());
    let view = coordinator.ledger.view(move |ledger| {
        let phase = ledger.sweep(&id).map_or_else(String::new, |sweep| sweep.state.as_str().to_owned());
        let tasks = ledger.sweep_tasks(&id).into_iter().flatten();
        let failures = tasks.filter(|(task, _)| task.phase == Phase::Failed);
        let failures =
            failures.filter_map(|(task, _)| Some((task.id, task.first_failure?.clone()))).collect();
        (Status { phase, failures }, sweep_reply(ledger, &id, now).unwrap_or_default())
    });
    let (status, reply) = view.await.unwrap_or_default();
    let reply = coordinator.with_names(sweep, reply).await;
    (status, reply.failed.iter().map(failed_text).collect())
}
