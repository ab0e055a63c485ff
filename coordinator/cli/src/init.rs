//! `basin init`: a sweep file to begin with.

use std::path::PathBuf;

use basin_domain::id::SweepName;
use serde_json::json;

use super::arguments::{Beginning, Init};
use super::command_error::{CommandResult, OrFail};
use super::new_file::write_new;
use super::output::Output;

/// A small study.
const STUDY: &str = include_str!("init/study.toml");
/// One experiment.
const BLANK: &str = include_str!("init/blank.toml");
/// The homework.
const HOMEWORK: &str = include_str!("../../../sweeps/homework.toml");

/// The text of a sweep file of this name.
fn text(from: Beginning, name: &str) -> String {
    match from {
        Beginning::Study => STUDY.replace("NAME", name),
        Beginning::Blank => BLANK.replace("NAME", name),
        Beginning::Homework => HOMEWORK
            .replace("name = \"homework\"\n", &format!("name = \"{name}\"\n"))
            .replace("sweeps/homework.toml", &format!("{name}.toml")),
    }
}

/// Writes the file, unless it is there.
pub(super) fn init(arguments: &Init, output: Output) -> CommandResult {
    let Init { name, from } = arguments;
    let what = format!("cannot begin {name}");
    let name = name.parse::<SweepName>().or_input(what.clone())?;
    let file = PathBuf::from(format!("{name}.toml"));
    write_new(&file, &text(*from, name.as_str()), "give another name: `basin init NAME`")?;
    let (file, profile) =
        (file.display().to_string(), if *from == Beginning::Blank { "" } else { " --profile quick" });
    let next = format!("basin run {file}{profile}");
    output.result(&json!({ "file": file, "next": next }), &file)?;
    output.say(&format!("`{next}` runs it; `basin plan {file}` shows what it would train"));
    Ok(())
}
