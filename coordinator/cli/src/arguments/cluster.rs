//! Arguments of the commands that look after a coordinator and its workers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::{Credentials, Remote, StoreArguments};

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The worker's id, or a beginning of it that fits one worker only
    pub(crate) worker: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Where tokens are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokensArguments {
    /// The coordinator's file of tokens
    #[arg(long, env = "BASIN_TOKENS", value_name = "FILE")]
    pub(crate) tokens: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print it, once: only its hash is kept
    Create {
        /// What its owner may do
        #[arg(long, value_parser = ["viewer", "worker", "admin"])]
        role: String,
        /// Who it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Refuse it after so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
        expires: Option<u64>,
        #[command(flatten)]
        at: TokensArguments,
    },
    /// List the tokens
    List {
        #[command(flatten)]
        at: TokensArguments,
    },
    /// Refuse a token from now on
    Revoke {
        /// Its id, or its name if only one token has it
        token: String,
        #[command(flatten)]
        at: TokensArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// A coordinator to look for, too
    #[arg(long, env = "BASIN_COORDINATOR", value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    #[command(flatten)]
    pub(crate) credentials: Credentials,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder; it is made if it isn't there
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Markdown: one page of all commands, and one of the series and numbers that runs record
    #[arg(long)]
    pub(crate) markdown: bool,
}
