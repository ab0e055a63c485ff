//! `basin import`: a sweep file of what another program sweeps over.
//!
//! Each program's file is read into an [`ImportedSweep`](imported_sweep::ImportedSweep) ([`wandb`], [`hydra`]), which becomes the text of a
//! sweep file (`toml_text`) of `kind = "command"`: the program stays what it is. Whatever can't be carried over is noted, in the file
//! and to whoever typed the command.

pub(super) mod fuzzing;
mod hydra;
mod imported_sweep;
mod naming;
mod note;
mod setting;
mod toml_text;
mod wandb;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use basin_domain::escape::line;
use basin_domain::sweep::{Source, SweepFile};
use serde_json::json;

use self::imported_sweep::ImportedSweep;
use self::naming::Naming;
use self::note::{Fate, Note, Place};
use super::arguments::{Import, ImportedFile};
use super::command_error::{CommandError, CommandResult, OrFail};
use super::new_file::write_new;
use super::output::{Output, counted};

/// Imports.
pub(super) fn import(arguments: &Import, output: Output) -> CommandResult {
    match arguments {
        Import::WandbSweep(arguments) => {
            let file = arguments.file.display().to_string();
            let failed = format!("cannot import {file}");
            let naming = Naming::of_file(&file, arguments.to.name.as_deref()).or_input(failed.clone())?;
            let root = document(&arguments.file, &failed)?;
            write(&wandb::read(&root, &naming).or_input(failed)?, &arguments.to, output)
        }
        Import::Hydra(arguments) => {
            let (file, overrides) = match arguments.what.split_first() {
                Some((first, rest)) if !is_override(first) => (Some(first), rest),
                Some(_) | None => (None, &arguments.what[..]),
            };
            let failed = format!("cannot import {}", arguments.what.join(" "));
            let asked = arguments.to.name.as_deref();
            let naming = match file {
                Some(file) => Naming::of_file(file, asked),
                None => Naming::of_words(&overrides.join(" "), "hydra", asked),
            };
            let naming = naming.or_input(failed.clone())?;
            let root = file.map(|file| document(Path::new(file), &failed)).transpose()?;
            write(&hydra::read(root.as_ref(), overrides, &naming).or_input(failed)?, &arguments.to, output)
        }
    }
}

/// Whether a word of Hydra's command line is an override, and not a file.
fn is_override(word: &str) -> bool {
    word.contains('=') || word.starts_with('~')
}

/// The document of a file; `failed` is the headline if there is none.
fn document(file: &Path, failed: &str) -> Result<yaml::Node, CommandError> {
    let text = std::fs::read_to_string(file).or_input(failed.to_owned())?;
    yaml::parse(&text).or_input(failed.to_owned())
}

/// Writes the sweep file, unless something is there, and says what isn't in it.
fn write(sweep: &ImportedSweep, to: &ImportedFile, output: Output) -> CommandResult {
    let file = to.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", sweep.name)));
    let name = file.display().to_string();
    let text = sweep.to_toml(&name);
    let source = Source {
        file: name.clone(),
        text: text.clone(),
        profile: None,
        overrides: Vec::new(),
        kinds: Vec::new(),
    };
    // What can't be carried over was noted: a sweep file that can't be read would be no result.
    let read = SweepFile::parse(&source).or_input(format!("cannot make {name} of {}", sweep.origin))?;
    write_new(&file, &text, "give another file: `--out FILE`")?;
    let runs = read.task_count();
    let of_fate = |fate: Fate| sweep.notes.iter().filter(move |note| note.fate == fate);
    let value = json!({
        "file": name, "runs": u64::try_from(runs).unwrap_or(u64::MAX), "complete": sweep.is_complete(),
        "left_out": of_fate(Fate::LeftOut).map(note_value).collect::<Vec<_>>(),
        "changed": of_fate(Fate::Changed).map(note_value).collect::<Vec<_>>(),
        "next": format!("basin plan {name}"),
    });
    let runs = counted(u64::try_from(runs).unwrap_or(u64::MAX), "run", "runs");
    output.result(&value, &format!("{name}: {runs}"))?;
    for (fate, what) in
        [(Fate::LeftOut, "not carried over"), (Fate::Changed, "carried over as something else")]
    {
        for note in of_fate(fate) {
            output.say(&format!("{what}: {}", line(&note.to_string())));
        }
    }
    output.say(&format!("`basin plan {name}` shows what it would run; its first lines say how the program is told its parameters"));
    Ok(())
}

fn note_value(note: &Note) -> serde_json::Value {
    let line = match note.place {
        Place::Line(line) => Some(line),
        Place::CommandLine => None,
    };
    json!({ "line": line, "what": note.subject, "text": note.text })
}
