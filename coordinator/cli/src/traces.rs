//! What of a command is traced: a span for each that ends by itself, and whatever coordinator and worker do for tasks.

use std::env;

use basin_traces::{Part, Settings, Span, StartError};

use super::command_error::{CommandError, CommandResult};

/// Commands that go on until somebody ends them, or look again and again: one span would say nothing of them.
const UNBOUNDED: [&str; 6] = ["run", "serve", "worker", "watch", "board", "slurm"];
/// Commands that print something of the program itself, as shells call them when they start.
const UNTRACED: [&str; 3] = ["completions", "man", "kinds"];

/// Begins to trace, if the environment names a collector, and gives this command's span.
pub(super) fn start(command: &str) -> Result<Span, CommandError> {
    if UNTRACED.contains(&command) {
        return Ok(Span::none());
    }
    // A value that is no text is none that could be used.
    let variable = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let settings = Settings::read(variable).map_err(|error| {
        CommandError::input(error)
            .context("cannot tell the collector of traces")
            .hint("mend the variable, or set OTEL_SDK_DISABLED=true to do without traces")
    })?;
    let Some(settings) = settings else { return Ok(Span::none()) };
    basin_traces::start(&settings, service(command), env!("CARGO_PKG_VERSION")).map_err(not_started)?;
    if UNBOUNDED.contains(&command) {
        return Ok(Span::none());
    }
    let parent = variable(basin_traces::VARIABLE).and_then(|text| text.parse().ok());
    Ok(Span::of_parent(Part::Command, format!("basin {command}"), parent.as_ref()))
}

fn not_started(error: StartError) -> CommandError {
    CommandError::basin(error).hint("set OTEL_SDK_DISABLED=true to do without traces")
}

/// The name of a process in traces, where the environment has none.
fn service(command: &str) -> &'static str {
    match command {
        "serve" => "basin-coordinator",
        "worker" => "basin-worker",
        _ => "basin",
    }
}

/// Ends a command's span, and waits a moment for the collector to take the last ones.
pub(super) fn finish(trace: Span, done: &CommandResult) {
    if let Err(failed) = done {
        trace.note_count("process.exit.code", u64::from(failed.code));
        trace.fail(failed.text().trim_end());
    }
    drop(trace);
    basin_traces::finish();
}
