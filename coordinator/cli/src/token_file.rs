//! `--token-file` as it is typed.

use std::path::PathBuf;

use clap::Args;
use clap::parser::ValueSource;

/// The file of the token to show, and whether it was typed: then it goes over the variable `BASIN_TOKEN`, and otherwise that
/// goes over it.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile {
    pub(crate) path: Option<PathBuf>,
    pub(crate) is_typed: bool,
}

const TOKEN_FILE: &str = "token_file";

impl clap::FromArgMatches for TokenFile {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            path: matches.get_one::<PathBuf>(TOKEN_FILE).cloned(),
            is_typed: matches.value_source(TOKEN_FILE) == Some(ValueSource::CommandLine),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for TokenFile {
    fn augment_args(command: clap::Command) -> clap::Command {
        let help = "The file with the token to show; BASIN_TOKEN may hold the token itself";
        let argument = clap::Arg::new(TOKEN_FILE).long("token-file").env("BASIN_TOKEN_FILE").help(help);
        command.arg(argument.value_name("FILE").value_parser(clap::value_parser!(PathBuf)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}
