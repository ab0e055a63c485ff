//! The command line: one file a command. Results go to standard output, everything else to standard error; the exit code
//! is 0 when it is done, 1 when the sweep or the input failed, 2 when Basin failed.

mod adjust;
#[cfg(feature = "worker")]
mod allowed_commands;
mod arguments;
#[cfg(feature = "worker")]
mod bench;
mod board;
mod claim_forecasts;
mod clock;
mod collect;
mod command_error;
mod configuration;
#[cfg(feature = "worker")]
mod core_division;
mod credentials;
mod data;
#[cfg(feature = "worker")]
mod device;
mod doctor;
mod duplicate_runs;
mod env_file;
mod export;
mod failures;
mod forget;
#[doc(hidden)]
pub mod fuzzing;
mod gc;
mod help_files;
mod hints;
mod import;
mod init;
mod journal_location;
mod kinds;
mod launch;
mod local_coordinator;
mod local_journal;
#[cfg(feature = "worker")]
mod local_pace;
mod log;
mod logs;
mod looked_at;
mod lookup;
mod networks;
mod new_file;
mod notes;
mod output;
#[cfg_attr(not(feature = "worker"), allow(dead_code, reason = "a program that trains measures"))]
mod pace_file;
mod plan;
mod planned_memory;
#[cfg(feature = "worker")]
mod planned_steps;
#[cfg_attr(not(feature = "worker"), allow(dead_code, reason = "a program that trains measures"))]
mod prediction;
mod profile;
mod progress;
mod query;
mod rebuild;
mod reference;
mod repair;
#[cfg(feature = "worker")]
mod replay;
mod report;
#[cfg(feature = "worker")]
mod run;
mod schedules;
#[cfg(feature = "worker")]
mod scratch;
mod serve;
mod signals;
mod slurm;
mod source;
mod status;
mod steer;
mod sweep_text;
mod time_left;
mod token;
mod token_file;
mod traces;
mod unmet_needs;
mod usage;
mod verify;
mod watch;
mod why;
#[cfg(feature = "worker")]
mod worker;
#[cfg(feature = "worker")]
mod worker_news;

use std::process::ExitCode;

use clap::FromArgMatches;

use self::arguments::{Arguments, Command};
use self::command_error::{CommandResult, OrFail};
use self::kinds::ProgramKinds;
use self::output::Output;

#[cfg(feature = "worker")]
pub use basin_worker::kind;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    main_of(&ProgramKinds::default())
}

/// Runs the command that was typed, in a program that has kinds of its own: the whole of its `main`. [`kind`] has an example.
#[cfg(feature = "worker")]
pub fn main_with(kinds: Result<kind::Kinds, kind::InvalidDeclaration>) -> ExitCode {
    match kinds {
        Ok(code) => main_of(&ProgramKinds { code }),
        Err(error) => end(Err(command_error::CommandError::basin(error))),
    }
}

fn main_of(kinds: &ProgramKinds) -> ExitCode {
    let mut command = match configuration::command() {
        Ok(command) => command,
        Err(failed) => return end(Err(failed)),
    };
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let command_name = parsed.as_ref().ok().and_then(clap::ArgMatches::subcommand_name);
    let command_name = command_name.unwrap_or_default().to_owned();
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return usage::print(&error, &command).unwrap_or_else(|failed| end(Err(failed))),
    };
    let output = Output { json: arguments.json };
    // The executor is one thread that trains; no runtime, no other threads. Its log is read by its agent.
    #[cfg(feature = "worker")]
    if let Command::Executor(executor) = &arguments.command {
        log::to_stderr(arguments.verbose, arguments::LogFormat::Text);
        return end(worker::execute(executor, kinds));
    }
    #[cfg(feature = "worker")]
    if let Command::Supervisor(supervisor) = &arguments.command {
        log::to_stderr(arguments.verbose, arguments::LogFormat::Text);
        return end(allowed_commands::supervise(supervisor));
    }
    log::to_stderr(arguments.verbose, arguments.log_format);
    #[cfg(feature = "worker")]
    if let Command::Witness(witness) = &arguments.command {
        return end(worker::witness(witness));
    }
    #[cfg(feature = "worker")]
    if let Command::Worker(arguments::Worker { env_file: Some(file), .. }) = &arguments.command
        && let Err(failed) = env_file::restart_with(file)
    {
        return end(Err(failed));
    }
    // Before the runtime: the client of a collector has a thread of its own.
    let trace = match traces::start(&command_name) {
        Ok(trace) => trace,
        Err(failed) => return end(Err(failed)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.or_basin("cannot start").and_then(|runtime| {
        let done = runtime.block_on(trace.follow(dispatch(arguments.command, kinds, output)));
        // A thread that reads a signal or the disk for ever must not keep the process.
        runtime.shutdown_background();
        done
    });
    traces::finish(trace, &done);
    end(done)
}

fn end(done: CommandResult) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            Output { json: false }.say(failed.text().trim_end());
            ExitCode::from(failed.code)
        }
    }
}

async fn dispatch(command: Command, kinds: &ProgramKinds, output: Output) -> CommandResult {
    match command {
        #[cfg(feature = "worker")]
        Command::Run(arguments) => run::run(arguments, kinds, output).await,
        #[cfg(not(feature = "worker"))]
        Command::Run(_) => {
            Err(command_error::CommandError::input(anyhow::anyhow!("this program was built without workers"))
                .hint("build it with `--features worker`, or use `basin launch`"))
        }
        Command::Init(arguments) => init::init(&arguments, output),
        Command::Completions(arguments) => help_files::completions(&arguments, output),
        Command::Man(arguments) => help_files::man(&arguments, output),
        Command::Plan(arguments) => plan::plan(arguments, kinds, output).await,
        Command::Serve(arguments) => serve::serve(arguments, output).await,
        #[cfg(feature = "worker")]
        Command::Worker(arguments) => worker::worker(arguments, kinds, output).await,
        Command::Slurm(arguments) => slurm::slurm(arguments, output).await,
        Command::Launch(arguments) => launch::launch(arguments, kinds, output).await,
        Command::List(arguments) => status::list(arguments, output).await,
        Command::Status(arguments) => status::status(arguments, output).await,
        Command::Watch(arguments) => watch::watch(arguments, output).await,
        Command::Board(arguments) => board::board(arguments, output).await,
        Command::Why(arguments) => status::why(arguments, output).await,
        Command::Logs(arguments) => logs::logs(arguments, output).await,
        Command::Profile(arguments) => profile::profile(arguments, output).await,
        Command::Adjust(arguments) => adjust::adjust(arguments, output).await,
        Command::Pause(arguments) => steer::steer(arguments, steer::Steering::Pause, output).await,
        Command::Resume(arguments) => steer::steer(arguments, steer::Steering::Resume, output).await,
        Command::Cancel(arguments) => steer::steer(arguments, steer::Steering::Cancel, output).await,
        Command::Retry(arguments) => {
            steer::steer(arguments.sweep, steer::Steering::RetryFailed, output).await
        }
        Command::Workers(arguments) => status::workers(arguments, output).await,
        Command::Drain(arguments) => steer::drain(arguments, output).await,
        Command::Collect(arguments) => collect::collect(arguments, output).await,
        Command::Report(arguments) => report::report(arguments, output).await,
        Command::Export(arguments) => export::export(arguments, output).await,
        Command::Query(arguments) => query::query(arguments, output).await,
        Command::Import(arguments) => import::import(&arguments, output),
        #[cfg(feature = "worker")]
        Command::Replay(arguments) => replay::replay(arguments, kinds, output).await,
        Command::Verify(arguments) => verify::verify(arguments, output).await,
        Command::Repair(arguments) => repair::repair(arguments, output).await,
        Command::Rebuild(arguments) => rebuild::rebuild(arguments, output).await,
        Command::Forget(arguments) => forget::forget(arguments, output).await,
        Command::Gc(arguments) => gc::gc(arguments, output).await,
        Command::Data(arguments) => data::data(arguments, kinds, output).await,
        Command::Kinds => kinds::kinds(kinds, output),
        Command::Token(arguments) => token::token(arguments, output),
        #[cfg(feature = "worker")]
        Command::Bench(arguments) => bench::bench(arguments, output).await,
        Command::Doctor(arguments) => doctor::doctor(arguments, output).await,
        #[cfg(feature = "worker")]
        Command::Executor(_) => Ok(()),
        #[cfg(feature = "worker")]
        Command::Supervisor(_) => Ok(()),
        #[cfg(feature = "worker")]
        Command::Witness(_) => Ok(()),
    }
}
