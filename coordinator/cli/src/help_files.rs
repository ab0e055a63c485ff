//! `basin completions` and `basin man`: help that shells and `man` read.

use super::arguments::{Completions, Man};
use super::command_error::{CommandResult, OrFail};
use super::configuration;
use super::output::Output;
use super::reference::{self, ReferencePage};

/// Prints what a shell needs to complete commands.
pub(super) fn completions(arguments: &Completions, output: Output) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut configuration::command()?, "basin", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.result(&serde_json::json!({ "shell": arguments.shell.to_string(), "script": script }), &script)
}

/// Writes the manual's pages, one a command; or the reference's, as Markdown.
pub(super) fn man(arguments: &Man, output: Output) -> CommandResult {
    let folder = &arguments.folder;
    let what = || format!("cannot write the manual into {}", folder.display());
    std::fs::create_dir_all(folder).or_basin(what())?;
    let command = configuration::command()?;
    let first = if arguments.markdown {
        let [commands, series] = reference::pages(&command);
        for ReferencePage { file, text } in [&commands, &series] {
            std::fs::write(folder.join(file), text).or_basin(what())?;
        }
        commands.file
    } else {
        clap_mangen::generate_to(command.disable_help_subcommand(true), folder).or_basin(what())?;
        "basin.1"
    };
    let page = folder.join(first).display().to_string();
    output.result(&serde_json::json!({ "folder": folder.display().to_string(), "page": page }), &page)
}
