//! Settings: flags over `BASIN_*` variables over `basin.toml` over defaults.
//!
//! `basin.toml` names options as the command line does (`state = "/scratch/basin"`, `max-tasks = 5000`). Its values take
//! the place of the defaults, so flags and variables go over them without further ado.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::arguments::typed_command;
use super::command_error::CommandError;

/// The file, in the folder in which `basin` is called.
const FILE: &str = "basin.toml";

/// The command line with the defaults of this folder.
pub(super) fn command() -> Result<clap::Command, CommandError> {
    let command = typed_command();
    match std::fs::read_to_string(Path::new(FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(command),
        Err(error) => Err(CommandError::input(error).context(format!("cannot read {FILE}"))),
        Ok(text) => with_defaults(command, &text),
    }
}

/// Whether a text can be a `basin.toml`.
///
/// # Errors
/// In words what is wrong.
pub fn check(text: &str) -> Result<(), String> {
    with_defaults(typed_command(), text).map(drop).map_err(|failed| failed.text())
}

fn with_defaults(command: clap::Command, text: &str) -> Result<clap::Command, CommandError> {
    let wrong = |offset: usize, why: String| {
        let line = 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        CommandError::input(anyhow::anyhow!("{FILE}:{line}: {why}")).context(format!("cannot use {FILE}"))
    };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        wrong(offset, format!("this is not TOML: {}", error.message()))
    })?;
    let mut known = Vec::new();
    known_settings(&command, &mut known);
    let mut settings = BTreeMap::new();
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let (name, offset) = (key.get_ref().as_ref(), key.span().start);
        let Some(setting) = known.iter().find(|setting| setting.get_long() == Some(name)) else {
            let names: Vec<&str> = known.iter().filter_map(|setting| setting.get_long()).collect();
            let near = names.iter().max_by(|a, b| similarity(name, a).total_cmp(&similarity(name, b)));
            let near = near.filter(|near| similarity(name, near) > 0.7);
            return Err(wrong(offset, format!("`{name}` is no setting")).hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("settings are: {}", names.join(", ")),
            }));
        };
        let value =
            Expected::of(setting).read(value.get_ref()).map_err(|WrongType { must_be, example }| {
                wrong(offset, format!("`{name}` must be {must_be}")).hint(format!("{name} = {example}"))
            })?;
        can_be(setting, &value).map_err(|why| wrong(offset, format!("`{name}` can't be {value}: {why}")))?;
        settings.insert(name.to_owned(), value);
    }
    Ok(apply(command, &settings))
}

/// A setting's value is of another type than it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WrongType {
    /// The type that it must be of.
    must_be: &'static str,
    /// How a value of that is written.
    example: &'static str,
}

/// The type of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Text,
    WholeNumber,
    Number,
    YesOrNo,
}

impl Expected {
    /// The type that an option's value is read as.
    fn of(setting: &clap::Arg) -> Self {
        use std::any::TypeId;
        if !setting.get_action().takes_values() {
            return Self::YesOrNo;
        }
        let read_as = setting.get_value_parser().type_id();
        let is_one_of = |types: &[TypeId]| types.iter().any(|known| read_as == *known);
        let whole = [
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<i32>(),
            TypeId::of::<i64>(),
            TypeId::of::<std::num::NonZeroU32>(),
            TypeId::of::<std::num::NonZeroU64>(),
            TypeId::of::<std::num::NonZeroUsize>(),
        ];
        match () {
            () if is_one_of(&whole) => Self::WholeNumber,
            () if is_one_of(&[TypeId::of::<f64>(), TypeId::of::<f32>()]) => Self::Number,
            () => Self::Text,
        }
    }

    /// A value as it would be typed; the error says of which type it must be.
    fn read(self, value: &DeValue<'_>) -> Result<String, WrongType> {
        let whole = |digits: &toml::de::DeInteger<'_>| {
            i128::from_str_radix(digits.as_str(), digits.radix()).map(|number| number.to_string())
        };
        match (self, value) {
            (Self::Text, DeValue::String(text)) => Ok(text.clone().into_owned()),
            (Self::WholeNumber | Self::Number, DeValue::Integer(digits)) => {
                whole(digits).map_err(|_| WrongType { must_be: "a smaller number", example: "8" })
            }
            (Self::Number, DeValue::Float(digits)) => Ok(digits.as_str().to_owned()),
            (Self::YesOrNo, DeValue::Boolean(value)) => Ok(value.to_string()),
            (Self::Text, _) => Err(WrongType { must_be: "text, in quotation marks", example: "\"…\"" }),
            (Self::WholeNumber, _) => {
                Err(WrongType { must_be: "a whole number, without quotation marks", example: "8" })
            }
            (Self::Number, _) => {
                Err(WrongType { must_be: "a number, without quotation marks", example: "30" })
            }
            (Self::YesOrNo, _) => Err(WrongType { must_be: "true or false", example: "true" }),
        }
    }
}

/// Whether an option takes a value; if not, why.
fn can_be(setting: &clap::Arg, value: &str) -> Result<(), String> {
    let (true, Some(long)) = (setting.get_action().takes_values(), setting.get_long()) else { return Ok(()) };
    let alone = clap::Command::new(FILE).no_binary_name(true).arg(setting.clone().required(false));
    let tried = alone.try_get_matches_from([format!("--{long}={value}")]);
    tried.map(drop).map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => cause.to_string(),
        None => {
            let said = error.to_string();
            let first = said.lines().next().unwrap_or_default();
            first.strip_prefix("error: ").unwrap_or(first).to_owned()
        }
    })
}

fn similarity(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

/// The options that can be set by a variable can be set by the file.
fn is_setting(argument: &clap::Arg) -> bool {
    argument.get_env().is_some() && argument.get_long().is_some()
}

/// All settings, each of a name once.
fn known_settings<'a>(command: &'a clap::Command, known: &mut Vec<&'a clap::Arg>) {
    for argument in command.get_arguments().filter(|argument| is_setting(argument)) {
        if !known.iter().any(|it| it.get_long() == argument.get_long()) {
            known.push(argument);
        }
    }
    for sub in command.get_subcommands() {
        known_settings(sub, known);
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
        command = command.mut_arg(id, |argument| {
            // A secret that help doesn't show of the environment, it doesn't show of the file.
            let is_secret = argument.is_hide_env_values_set();
            argument.hide_default_value(is_secret).default_value(value)
        });
    }
    let subs: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for sub in subs {
        command = command.mut_subcommand(sub, |sub| apply(sub, settings));
    }
    command
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::super::arguments::{Arguments, Command};
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
            "error: cannot use basin.toml\n  cause: basin.toml:1: `stat` is no setting\nhint: did you mean `state`?\n"
        );
    }

    #[test]
    fn help_shows_no_secret_of_the_file() {
        let text = "journal = \"postgres://u:s3cr3t@h/d\"\nmax-tasks = 77";
        let mut command = with_defaults(Arguments::command(), text).unwrap();
        let help = command.find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        assert!(help.contains("77") && !help.contains("s3cr3t"), "{help}");
    }

    fn refused(text: &str) -> String {
        with_defaults(Arguments::command(), text).unwrap_err().text()
    }

    #[test]
    fn every_setting_refuses_values_of_other_types_with_its_line() {
        let command = Arguments::command();
        let mut known = Vec::new();
        known_settings(&command, &mut known);
        assert!(known.len() > 20, "{}", known.len());
        let values = [
            ("3", Expected::WholeNumber),
            ("3.5", Expected::Number),
            ("true", Expected::YesOrNo),
            ("\"text\"", Expected::Text),
            ("[1]", Expected::Text),
            ("{ a = 1 }", Expected::Text),
            ("2026-11-28", Expected::Text),
        ];
        for setting in &known {
            let (name, expected) = (setting.get_long().unwrap(), Expected::of(setting));
            for (value, kind) in values {
                let is_structure = value.starts_with(['[', '{']) || value.contains('-');
                let fits = !is_structure
                    && (kind == expected || (kind, expected) == (Expected::WholeNumber, Expected::Number));
                if !fits {
                    let said = refused(&format!("# settings\n{name} = {value}"));
                    assert!(said.contains(&format!("basin.toml:2: `{name}` must be ")), "{said}");
                }
            }
        }
    }

    #[test]
    fn a_number_is_no_folder_and_text_no_number() {
        assert_eq!(
            refused("store = 3"),
            "error: cannot use basin.toml\n  cause: basin.toml:1: `store` must be text, in quotation marks\n\
             hint: store = \"…\"\n"
        );
        assert!(refused("state = true").contains("must be text"));
        assert!(refused("\nworkers = \"4\"").contains("basin.toml:2: `workers` must be a whole number"));
        assert!(refused("lease = \"30\"").contains("must be a number"));
        assert!(refused("insecure-plaintext = 1").contains("must be true or false"));
    }

    #[test]
    fn a_value_that_no_command_would_take_is_refused_before_any_command_runs() {
        let said = refused("max-tasks = 10\nworkers = 0");
        assert!(said.contains("basin.toml:2: `workers` can't be 0: "), "{said}");
        assert!(refused("listen = \"here\"").contains("`listen` can't be here: "));
        assert!(refused("code-path = \"mmx\"").contains("can't be mmx"));
        assert!(refused("a = = 1").contains("basin.toml:1: this is not TOML"));
        let long = format!("max-tasks = 1{}", "0".repeat(60));
        assert!(refused(&long).contains("must be a smaller number"));
    }

    #[test]
    fn numbers_and_yes_or_no_are_set() {
        let text = "max-tasks = 0x10\nlease = 5\ninsecure-plaintext = true";
        let matches = with_defaults(Arguments::command(), text)
            .unwrap()
            .try_get_matches_from(["basin", "serve"])
            .unwrap();
        match Arguments::from_arg_matches(&matches).unwrap().command {
            Command::Serve(serve) => {
                assert_eq!((serve.max_tasks, serve.lease, serve.insecure_plaintext), (16, 5.0, true));
            }
            other => panic!("{other:?}"),
        }
    }
}
