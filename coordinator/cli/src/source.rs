//! A sweep file from disk, with what the command line adds.

use basin_domain::sweep::Source;

use super::arguments::SweepFile;
use super::command_error::{CommandError, OrFail};
use crate::hints;
use basin_coordinator::launch::PrepareError;

/// Reads the file.
pub(super) fn read(file: &SweepFile) -> Result<Source, CommandError> {
    let name = file.file.to_string_lossy().into_owned();
    let text =
        std::fs::read_to_string(&file.file).or_input(format!("cannot read {name}")).map_err(|failed| {
            match std::fs::read_dir("sweeps") {
                Ok(_) => failed.hint("sweep files that come with Basin are in sweeps/"),
                Err(_) => failed,
            }
        })?;
    Ok(Source { file: name, text, profile: file.profile.clone(), overrides: file.overrides.clone() })
}

/// The failure of a sweep that can't be prepared: the input's, unless it is the store's.
pub(super) fn unprepared(error: PrepareError, what: &str, source: &Source) -> CommandError {
    let hint = hints::prepare(&error);
    let failed = match &error {
        PrepareError::Sweep(_) | PrepareError::TooManyTasks(_) | PrepareError::Dataset(_) => {
            CommandError::input(error)
        }
        PrepareError::Storage(cause) if cause.is_misconfiguration() => CommandError::input(error),
        PrepareError::Storage(_) => CommandError::basin(error),
    };
    failed.context(format!("cannot {what} {}", source.file)).hint_if_any(hint)
}
