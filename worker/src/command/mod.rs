//! The kind `command`: a program that the worker's operator allows, driven from within the executor like any other run.
//!
//! A [`CommandRun`] starts the program under a [`supervisor`] and reads the [lines](program_message) in which it says what it
//! measured; a [`record`] keeps them. The program's folder of checkpoints becomes a [`checkpoint`] whenever it says that it is
//! whole. Start reading at [`CommandRun`]; what the program is told stands in `docs/command.md`.

mod checkpoint;
pub(crate) mod fuzzing;
mod line_reader;
mod output_files;
mod process;
mod program_log;
mod program_message;
mod record;
mod run;
pub mod supervisor;

use std::collections::BTreeMap;
use std::path::PathBuf;

use basin_domain::id::CommandName;

pub use self::run::{CommandRun, Place};
use crate::agent::CommandLine;

/// The programs that an executor may run, and how.
#[derive(Debug, Clone, Default)]
pub struct AllowedCommands {
    /// The program of each command.
    pub programs: BTreeMap<CommandName, PathBuf>,
    /// Starts a [`supervisor`], to which the program is added; none where no command may be run.
    pub supervisor: Option<CommandLine>,
}
