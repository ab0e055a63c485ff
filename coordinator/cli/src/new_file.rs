//! Files that a command begins, and never writes over.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::command_error::{CommandError, OrFail};

/// Writes a file that isn't there yet; `hint` says what to type where it is.
pub(super) fn write_new(file: &Path, text: &str, hint: &str) -> Result<(), CommandError> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let mut opened = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            CommandError::input(anyhow::anyhow!("{} is there already", file.display())).hint(hint)
        }
        _ => CommandError::basin(error).context(format!("cannot write {}", file.display())),
    })?;
    opened.write_all(text.as_bytes()).or_basin(format!("cannot write {}", file.display()))
}
