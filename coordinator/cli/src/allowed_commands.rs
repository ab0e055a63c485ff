//! The programs that tasks of kind `command` may run: named by whoever operates the worker, never by a sweep.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use basin_domain::id::CommandName;
use basin_domain::task::Task;
use basin_worker::agent::CommandLine;
use basin_worker::command::{AllowedCommands, supervisor};

use super::arguments::{AllowedCommand, Supervisor};
use super::command_error::{CommandError, CommandResult, OrFail};
use super::signals;

/// The programs by their names.
///
/// # Errors
/// If a name is given twice, or a program isn't there or can't be run.
pub(super) fn programs(allowed: &[AllowedCommand]) -> Result<BTreeMap<CommandName, PathBuf>, CommandError> {
    let mut programs = BTreeMap::new();
    for AllowedCommand { name, program } in allowed {
        let what = || format!("cannot allow the command {name}");
        let path = std::path::absolute(program).map_err(CommandError::input)?;
        is_program(&path).map_err(|why| CommandError::input(anyhow::anyhow!(why)).context(what()))?;
        if programs.insert(name.clone(), path).is_some() {
            return Err(CommandError::input(anyhow::anyhow!("it is given twice")).context(what()));
        }
    }
    Ok(programs)
}

fn is_program(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    match metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
        true => Ok(()),
        false => Err(format!("{shown} is no file that can be executed; `chmod +x` makes a script one")),
    }
}

/// The arguments by which an executor learns of the programs.
pub(super) fn executor_arguments(programs: &BTreeMap<CommandName, PathBuf>) -> impl Iterator<Item = String> {
    programs
        .iter()
        .flat_map(|(name, path)| ["--allow-command".to_owned(), format!("{name}={}", path.to_string_lossy())])
}

/// The programs of an executor that was started with such arguments.
pub(super) fn of_executor(allowed: &[AllowedCommand]) -> Result<AllowedCommands, CommandError> {
    let program = std::env::current_exe().or_basin("cannot find this program's own file")?;
    let supervisor = CommandLine { program, arguments: vec!["supervisor".to_owned()] };
    let programs = allowed.iter().map(|it| (it.name.clone(), it.program.clone())).collect();
    Ok(AllowedCommands { programs, supervisor: Some(supervisor) })
}

/// Runs a program for an executor.
pub(super) fn supervise(arguments: &Supervisor) -> CommandResult {
    let was_told = signals::note_termination_signals()?;
    let (input, output) = (std::io::stdin(), std::io::stdout());
    let supervised = supervisor::supervise(&arguments.program, input, output, &was_told);
    supervised.or_basin("cannot supervise the program")
}

/// Refuses tasks whose command isn't allowed here, where there is no other worker.
///
/// # Errors
/// Names the first such command.
pub(super) fn are_allowed<'a>(
    tasks: impl IntoIterator<Item = &'a Task>,
    programs: &BTreeMap<CommandName, PathBuf>,
) -> CommandResult {
    for task in tasks {
        let missing = task.spec.experiment.command().filter(|command| !programs.contains_key(*command));
        let Some(command) = missing else { continue };
        let message =
            format!("experiment {} runs the command {command}, which isn't allowed here", task.experiment);
        return Err(CommandError::input(anyhow::anyhow!(message))
            .hint(format!("`--allow-command {command}=PATH` allows it, and names its program")));
    }
    Ok(())
}
