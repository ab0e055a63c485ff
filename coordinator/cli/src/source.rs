//! A sweep file from disk, with what the command line adds.

use basin_domain::sweep::Source;

use super::arguments::SweepFile;
use super::command_error::{CommandError, OrFail};

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
