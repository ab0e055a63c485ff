//! Settings: flags over `BASIN_*` variables over `basin.toml` over defaults.
//!
//! `basin.toml` names options as the command line does (`state = "/scratch/basin"`, `max-tasks = 5000`). Its values take
//! the place of the defaults, so flags and variables go over them without further ado.

use std::collections::BTreeMap;
use std::path::Path;

use clap::CommandFactory;

use super::arguments::Arguments;
use super::failure::{Failed, OrFail};

/// The file, in the folder in which `basin` is called.
const FILE: &str = "basin.toml";

/// The command line with the defaults of this folder.
pub(super) fn command() -> Result<clap::Command, Failed> {
    let command = Arguments::command();
    match std::fs::read_to_string(Path::new(FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(command),
        Err(error) => Err(Failed::input(error).context(format!("cannot read {FILE}"))),
        Ok(text) => with_defaults(command, &text),
    }
}

fn with_defaults(command: clap::Command, text: &str) -> Result<clap::Command, Failed> {
    let table: toml::Table = text.parse().or_input(format!("cannot read {FILE}"))?;
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => value.to_string(),
            toml::Value::Array(_) | toml::Value::Table(_) | toml::Value::Datetime(_) => {
                return Err(Failed::input(anyhow::anyhow!("`{key}` must be text or a number"))
                    .context(format!("cannot use {FILE}")));
            }
        };
        settings.insert(key, value);
    }
    let mut known = Vec::new();
    names(&command, &mut known);
    for key in settings.keys() {
        if !known.contains(key) {
            let near = known.iter().max_by(|a, b| similarity(key, a).total_cmp(&similarity(key, b)));
            let near = near.filter(|name| similarity(key, name) > 0.7);
            return Err(Failed::input(anyhow::anyhow!("`{key}` is no setting"))
                .context(format!("cannot use {FILE}"))
                .hint(match near {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("settings are: {}", known.join(", ")),
                }));
        }
    }
    Ok(apply(command, &settings))
}

fn similarity(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

/// The options that can be set by a variable can be set by the file.
fn is_setting(argument: &clap::Arg) -> bool {
    argument.get_env().is_some() && argument.get_long().is_some()
}

fn names(command: &clap::Command, known: &mut Vec<String>) {
    for argument in command.get_arguments().filter(|argument| is_setting(argument)) {
        let name = argument.get_long().unwrap_or_default().to_owned();
        if !known.contains(&name) {
            known.push(name);
        }
    }
    for sub in command.get_subcommands() {
        names(sub, known);
    }
}

fn apply(mut command: clap::Command, settings: &BTreeMap<String, String>) -> clap::Command {
    let ids: Vec<(clap::Id, String)> = command
        .get_arguments()
        .filter(|argument| is_setting(argument))
        .filter_map(|argument| {
            let value = settings.get(argument.get_long()?)?;
            Some((argument.get_id().clone(), value.clone()))
        })
        .collect();
    for (id, value) in ids {
        command = command.mut_arg(id, |argument| argument.default_value(value));
    }
    let subs: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for sub in subs {
        command = command.mut_subcommand(sub, |sub| apply(sub, settings));
    }
    command
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::super::arguments::Command;
    use super::*;

    fn state(text: &str, line: &[&str]) -> String {
        let matches = with_defaults(Arguments::command(), text).unwrap().try_get_matches_from(line).unwrap();
        match Arguments::from_arg_matches(&matches).unwrap().command {
            Command::Verify(verify) => verify.store.local.state.to_string_lossy().into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_file_goes_over_the_default_and_the_flag_over_the_file() {
        assert_eq!(state("", &["basin", "verify", "x"]), "basin-state");
        assert_eq!(state("state = \"/s\"", &["basin", "verify", "x"]), "/s");
        assert_eq!(state("state = \"/s\"", &["basin", "verify", "x", "--state", "/f"]), "/f");
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest() {
        let failed = with_defaults(Arguments::command(), "stat = \"x\"").unwrap_err();
        assert_eq!(
            failed.text(),
            "error: cannot use basin.toml\n  cause: `stat` is no setting\nhint: did you mean `state`?\n"
        );
    }
}
