//! The page of commands: each with its arguments, their defaults and variables, and examples.

use clap::{Arg, ArgAction, Command};

use super::markdown::{cell, code, prose, table};

const INTRODUCTION: &str = "\
Every command of `basin`, as the program itself has it: `basin man DIR --markdown` writes this page, `basin COMMAND --help` says the same.

What is typed counts before the option's variable, that before `basin.toml` in the folder in which `basin` is called, and that before the \
default. An option that has a variable can stand in `basin.toml`, under its name without the dashes (`max-tasks = 5000`). Where a value ends \
with … there may be several.
";

/// The page of this command line, as it is before anything was typed.
pub(super) fn page(command: &Command) -> String {
    let mut command = command.clone().disable_help_subcommand(true);
    command.set_bin_name(command.get_name().to_owned());
    command.build();
    let mut all = Vec::new();
    listed(&command, command.get_name(), &mut all);

    let rows: Vec<_> = all
        .iter()
        .filter(|(_, command)| !command.has_subcommands())
        .map(|(path, command)| [format!("[`{path}`](#{})", path.replace(' ', "-")), cell(&about(command))])
        .collect();
    let of_all: Vec<_> =
        command.get_arguments().filter(|argument| argument.is_global_set()).map(row).collect();
    let mut text = format!("# Commands\n\n{INTRODUCTION}\n{}\n", table(["command", "does"], &rows));
    text.push_str(&format!("Options of every command:\n\n{}", table(HEADER, &of_all)));
    for (path, command) in &all {
        text.push_str(&section(path, command));
    }
    text
}

/// The commands that people type below this one, each with all its words and before its own.
fn listed<'c>(command: &'c Command, path: &str, all: &mut Vec<(String, &'c Command)>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let path = format!("{path} {}", sub.get_name());
        all.push((path.clone(), sub));
        listed(sub, &path, all);
    }
}

/// What a command does.
fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    about.map(ToString::to_string).unwrap_or_default()
}

/// The section of a command.
fn section(path: &str, command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut text =
        format!("\n## {path}\n\n{}.\n\n```\n{usage}\n```\n", prose(about(command).trim_end_matches('.')));
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|argument| is_own(argument))
        .partition(|argument| argument.is_positional());
    let rows: Vec<_> = positional.into_iter().chain(options).map(row).collect();
    if !rows.is_empty() {
        text.push_str(&format!("\n{}", table(HEADER, &rows)));
    }
    if let Some(examples) = examples(command) {
        text.push_str(&format!("\n```sh\n{examples}\n```\n"));
    }
    text
}

/// The examples at the end of a command's help, one a line.
fn examples(command: &Command) -> Option<String> {
    let help = command.get_after_help()?.to_string();
    let lines = help.strip_prefix("Examples:")?.lines().map(str::trim).filter(|line| !line.is_empty());
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// Whether an argument is the command's own, for people to type.
fn is_own(argument: &Arg) -> bool {
    use ArgAction::{Help, HelpLong, HelpShort, Version};
    let is_of_clap = matches!(argument.get_action(), Help | HelpLong | HelpShort | Version);
    !is_of_clap && !argument.is_global_set() && !argument.is_hide_set()
}

const HEADER: [&str; 4] = ["argument", "meaning", "default", "variable"];

/// The row of an argument.
fn row(argument: &Arg) -> [String; 4] {
    let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
    [
        cell(&spelling(argument)),
        cell(&meaning(argument)),
        cell(&default(argument)),
        code(&variable.unwrap_or_default()),
    ]
}

/// How an argument is typed: `-f`, `--follow`; `--state DIR`; `SWEEP.toml`.
fn spelling(argument: &Arg) -> String {
    let mut value = String::new();
    if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default();
        value = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        if matches!(argument.get_action(), ArgAction::Append) {
            value.push('…');
        }
    }
    if argument.is_positional() {
        return code(&value);
    }
    let short = argument.get_short().map(|letter| format!("-{letter}"));
    let long = argument.get_long().map(|name| format!("--{name} {value}").trim_end().to_owned());
    short.into_iter().chain(long).map(|flag| code(&flag)).collect::<Vec<_>>().join(", ")
}

/// What an argument means, and the values that it may have if they are few.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    let values = values.iter().filter(|value| !value.is_hide_set()).map(|value| {
        let name = code(value.get_name());
        value.get_help().map_or(name.clone(), |help| format!("{name} ({help})"))
    });
    let values: Vec<String> = values.collect();
    if values.is_empty() { help } else { format!("{help}: {}", values.join(", ")) }
}

/// What counts if an argument isn't given: `required` if it must be.
fn default(argument: &Arg) -> String {
    if argument.is_required_set() {
        return "required".to_owned();
    }
    if !argument.get_action().takes_values() || argument.is_hide_default_value_set() {
        return String::new();
    }
    let values = argument.get_default_values().iter().map(|value| code(&value.to_string_lossy()));
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_with_all_that_can_be_typed_and_nothing_that_is_hidden() {
        let state = Arg::new("state").long("state").value_name("DIR").env("PLACE").default_value("here");
        let pick =
            Arg::new("pick").value_name("A|B").required(true).value_parser(["a", "b"]).help("One of <two>");
        let more =
            Arg::new("more").short('m').long("more").action(ArgAction::Append).value_name("X").help("More");
        let all = Arg::new("all").long("all").global(true).action(ArgAction::SetTrue).help("All");
        let secret = Arg::new("secret").long("secret").hide(true).action(ArgAction::SetTrue);
        let does = Command::new("do").about("Do it").after_help("Examples:\n  top do a\n  top do b");
        let command = Command::new("top")
            .arg(all)
            .subcommand(does.args([state.help("Where"), more, pick, secret]))
            .subcommand(Command::new("inner").hide(true));
        let page = page(&command);
        for line in [
            "| [`top do`](#top-do) | Do it |",
            "| `--all` | All |",
            "## top do",
            "| `A\\|B` | One of &lt;two>: `a`, `b` | required |  |",
            "| `--state DIR` | Where | `here` | `PLACE` |",
            "| `-m`, `--more X…` | More |  |  |",
            "top do b",
        ] {
            assert!(page.lines().any(|it| it == line), "{line}\n{page}");
        }
        assert!(page.contains("\nDo it.\n\n```\ntop do "), "{page}");
        assert!(!page.contains("secret") && !page.contains("inner") && !page.contains("top help"), "{page}");
    }
}
