//! A sweep file from disk, with what the command line adds.

use basin_domain::sweep::{self, Source};

use super::arguments::SweepFile;
use super::command_error::{CommandError, OrFail};
use super::failures::unprepared;
use super::kinds::ProgramKinds;

/// Reads the file. If this program has kinds of its own, their code is asked about every point: `what` is what the sweep is read for.
pub(super) fn read(file: &SweepFile, kinds: &ProgramKinds, what: &str) -> Result<Source, CommandError> {
    let name = file.file.to_string_lossy().into_owned();
    let text =
        std::fs::read_to_string(&file.file).or_input(format!("cannot read {name}")).map_err(|failed| {
            match std::fs::read_dir("sweeps") {
                Ok(_) => failed.hint("sweep files that come with Basin are in sweeps/"),
                Err(_) => failed,
            }
        })?;
    let source = Source {
        file: name,
        text,
        profile: file.profile.clone(),
        overrides: file.overrides.clone(),
        kinds: kinds.and_of_files(&file.kinds)?,
    };
    if !kinds.declarations().is_empty() {
        let checked =
            sweep::SweepFile::parse(&source).and_then(|file| file.check_custom(|it| kinds.check(it)));
        checked.map_err(|error| unprepared(error.into(), what, &source))?;
    }
    Ok(source)
}
