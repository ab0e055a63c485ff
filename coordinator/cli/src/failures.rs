//! Typed errors as failures of a command: whose fault it is, which is the exit code, and what to do about it.

use std::path::Path;

use basin_board::BoardError;
use basin_coordinator::client::CallError;
use basin_coordinator::launch::PrepareError;
use basin_coordinator::server::StartError;
use basin_coordinator::trust::TokenFileError;
use basin_domain::id::SweepId;
use basin_domain::sweep::Source;
use basin_proto::dial::DialError;
use basin_report::{FolderError, QueryError, ReportError, TableSchema};
use basin_storage::StorageError;
#[cfg(feature = "worker")]
use basin_worker::agent::AgentError;

use crate::command_error::CommandError;
use crate::hints;
use crate::slurm::SlurmError;

/// The failure of a call.
pub(crate) fn call_failed(error: CallError) -> CommandError {
    let hint = hints::call(&error);
    let failed = if error.is_input() { CommandError::input(error) } else { CommandError::basin(error) };
    failed.hint_if_any(hint)
}

/// The failure of what can't be dialled.
pub(crate) fn not_dialled(error: DialError) -> CommandError {
    let hint = hints::dial(&error);
    CommandError::input(error).hint_if_any(hint)
}

/// The failure of a store.
pub(crate) fn no_store(error: StorageError, url: &str) -> CommandError {
    store_failed(error).context(format!("cannot use the store {url}"))
}

/// The failure of a store: of the input, if it is a matter of settings.
fn store_failed(error: StorageError) -> CommandError {
    let hint = hints::storage(&error);
    let failed =
        if error.is_misconfiguration() { CommandError::input(error) } else { CommandError::basin(error) };
    failed.hint_if_any(hint)
}

/// Turns errors of a store into failures, with a headline and the store's own hint.
pub(crate) trait OrStore<T> {
    /// The store failed.
    fn or_store(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, CommandError>;
}

impl<T> OrStore<T> for Result<T, StorageError> {
    fn or_store(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, CommandError> {
        self.map_err(|error| store_failed(error).context(what))
    }
}

/// The failure of a sweep that can't be prepared: the input's, unless it is the store's.
pub(crate) fn unprepared(error: PrepareError, what: &str, source: &Source) -> CommandError {
    let hint = hints::prepare(&error);
    let failed = match &error {
        PrepareError::Sweep(_) | PrepareError::TooManyTasks(_) | PrepareError::Dataset(_) => {
            CommandError::input(error)
        }
        PrepareError::Storage(cause) if cause.is_misconfiguration() => CommandError::input(error),
        PrepareError::Storage(_) => CommandError::basin(error),
    };
    failed.context(format!("cannot {what} {}", source.file)).hint_if_any(hint)
}

/// The failure of a coordinator that can't start.
pub(crate) fn not_started(error: StartError) -> CommandError {
    let hint = hints::start(&error);
    let failed = match &error {
        StartError::Listen { .. }
        | StartError::Http { .. }
        | StartError::WithoutTokens(_)
        | StartError::WithoutTls(_)
        | StartError::Journal { .. } => CommandError::input(error),
        StartError::Store { source, .. } if source.is_misconfiguration() => CommandError::input(error),
        StartError::Store { .. } | StartError::Ledger(_) => CommandError::basin(error),
    };
    failed.hint_if_any(hint)
}

/// The failure of a board that can't be opened.
pub(crate) fn board_not_opened(error: BoardError) -> CommandError {
    let hint = hints::board(&error);
    let failed = match &error {
        BoardError::Listen { .. } | BoardError::WithoutTls(_) | BoardError::WithoutTokens(_) => {
            CommandError::input(error)
        }
        BoardError::Dial(cause) if cause.is_input() => CommandError::input(error),
        BoardError::Dial(_) | BoardError::Random(_) | BoardError::Threads(_) => CommandError::basin(error),
    };
    failed.hint_if_any(hint)
}

/// The failure of a file of tokens.
pub(crate) fn tokens_failed(error: TokenFileError) -> CommandError {
    let hint = hints::token_file(&error);
    CommandError::input(error).hint_if_any(hint)
}

impl From<TokenFileError> for CommandError {
    fn from(error: TokenFileError) -> Self {
        tokens_failed(error)
    }
}

/// The failure of a report of `sweep` in the folder `out`.
pub(crate) fn report_failed(error: ReportError, sweep: &SweepId, out: &Path) -> CommandError {
    results_failed(error, format!("cannot make the report of {sweep}"), out)
}

/// The failure of whatever is made of results in the folder `out`; `what` is the headline.
pub(crate) fn results_failed(error: ReportError, what: String, out: &Path) -> CommandError {
    match error {
        ReportError::Storage(error) => store_failed(error).context(what),
        ReportError::Folder(error) => folder_failed(error, out),
        error @ (ReportError::Sweep(_) | ReportError::File { .. } | ReportError::Render { .. }) => {
            CommandError::basin(error).context(what)
        }
    }
}

/// The failure of a question about these tables; `what` is the headline.
pub(crate) fn query_failed(error: QueryError, tables: &[TableSchema], what: String) -> CommandError {
    let hint = hints::query(&error, tables);
    let failed = match &error {
        QueryError::Empty
        | QueryError::SeveralStatements
        | QueryError::NotReadOnly { .. }
        | QueryError::Parameters { .. }
        | QueryError::UnknownTable { .. }
        | QueryError::UnknownColumn { .. }
        | QueryError::AmbiguousColumn { .. }
        | QueryError::UnknownFunction { .. }
        | QueryError::Wrong { .. } => CommandError::input(error),
        QueryError::Database(_) => CommandError::basin(error),
    };
    failed.context(what).hint_if_any(hint)
}

/// The failure of a folder for results.
pub(crate) fn folder_failed(error: FolderError, out: &Path) -> CommandError {
    let hint = hints::output_folder(&error);
    let failed = CommandError::input(error).context(format!("cannot write to {}", out.display()));
    failed.hint_if_any(hint.map(str::to_owned))
}

/// The failure of Slurm.
pub(crate) fn slurm_failed(error: SlurmError) -> CommandError {
    let hint = hints::slurm(&error);
    let failed = match &error {
        SlurmError::NotThere { .. } | SlurmError::Refused { .. } => CommandError::input(error),
        SlurmError::Silent { .. } | SlurmError::Unreadable { .. } => CommandError::basin(error),
    };
    failed.hint(hint)
}

#[cfg(feature = "worker")]
/// The failure of an agent.
pub(crate) fn agent_failed(error: AgentError) -> CommandError {
    let hint = hints::agent(&error);
    let is_input = match &error {
        AgentError::Dial(error) => error.is_input(),
        AgentError::Unreachable { error, .. } => error.is_input(),
        AgentError::Refused { .. } | AgentError::Folder { .. } => true,
        AgentError::Store { source, .. } => source.is_misconfiguration(),
    };
    let failed = if is_input { CommandError::input(error) } else { CommandError::basin(error) };
    failed.hint_if_any(hint)
}
