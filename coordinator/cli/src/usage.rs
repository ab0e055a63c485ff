//! The answer to a command line that isn't understood, or asks for help.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command_error::CommandError;
use super::output::{Output, printed};

/// Prints it: help to standard output, errors to standard error.
pub(super) fn print(error: &clap::Error, command: &clap::Command) -> Result<ExitCode, CommandError> {
    let written = error.print();
    if !error.use_stderr() {
        printed(written.and_then(|()| std::io::stdout().flush()))?;
    }
    let typed: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    if let Some(variable) = variable(error, command, &typed) {
        Output { json: false }.say(&format!("hint: the value is that of the variable {variable}"));
    }
    // What was typed is input: 2 is for what Basin failed at.
    Ok(ExitCode::from(u8::from(error.use_stderr())))
}

/// The variable that gives the value which is wrong, if it wasn't typed.
fn variable(error: &clap::Error, command: &clap::Command, typed: &[String]) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = argument.split([' ', '=']).next()?;
    let was_typed = |text: &String| text == flag || text.starts_with(&format!("{flag}="));
    if typed.iter().any(was_typed) {
        return None;
    }
    variable_of(command, flag.strip_prefix("--")?)
}

fn variable_of(command: &clap::Command, long: &str) -> Option<String> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(long));
    let own = own.and_then(|argument| Some(argument.get_env()?.to_string_lossy().into_owned()));
    own.or_else(|| command.get_subcommands().find_map(|sub| variable_of(sub, long)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::arguments::Arguments;
    use super::*;

    #[test]
    fn a_wrong_value_that_nobody_typed_is_said_to_be_a_variables() {
        let mut command = Arguments::command();
        let line = ["basin", "plan", "x.toml", "--max-tasks", "many"];
        let error = command.try_get_matches_from_mut(line).unwrap_err();
        let typed = line.map(str::to_owned);
        assert_eq!(variable(&error, &command, &typed), None);
        assert_eq!(variable(&error, &command, &typed[..3]).as_deref(), Some("BASIN_MAX_TASKS"));
    }
}
