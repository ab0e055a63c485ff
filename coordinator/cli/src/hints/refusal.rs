//! Calls that a coordinator refuses: the words travel with the refusal, so that callers of any version can show them.

use std::error::Error;

use basin_coordinator::launch::PrepareError;
use basin_coordinator::service::{NamedThing, NotKnownToBeOver, OtherStore, UnknownName};
use basin_coordinator::trust::{AccessDenied, Unauthenticated};
use basin_core::command::Refusal;
use basin_storage::StorageError;
use tonic::Status;

use super::{prepare, storage};

/// The hint of a refusal: the words that travelled with it, or those for its cause where it didn't travel (the coordinator is in this
/// process).
pub(crate) fn refused(status: &Status) -> Option<String> {
    basin_proto::hint::of(status).or_else(|| status.source().and_then(refusal))
}

/// The hint for the caller of a refused call, by its cause.
pub(crate) fn refusal(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(denied) = cause.downcast_ref::<AccessDenied>() {
        return access(denied);
    }
    if let Some(error) = cause.downcast_ref::<PrepareError>() {
        return prepare(error).map(|hint| match error {
            PrepareError::TooManyTasks(_) => {
                format!("{hint} (of `basin launch`, and of `basin serve` too if it is above the coordinator's own)")
            }
            PrepareError::Sweep(_) | PrepareError::Storage(_) | PrepareError::Dataset(_) => hint,
        });
    }
    if let Some(error) = cause.downcast_ref::<StorageError>() {
        return storage(error);
    }
    if let Some(refusal) = cause.downcast_ref::<Refusal>() {
        return ledger(refusal);
    }
    if let Some(unknown) = cause.downcast_ref::<UnknownName>() {
        return Some(unknown_name(unknown));
    }
    if cause.is::<NotKnownToBeOver>() {
        return Some(
            "if a journal knows it, name that with `--coordinator URL` or `--state DIR`; if nobody works on it any more, say so with \
             `--abandoned`"
                .to_owned(),
        );
    }
    cause.is::<OtherStore>().then(|| {
        "give each store a state of its own with `--state DIR`; where files were removed, `basin repair SWEEP` lets \
         what they held run again"
            .to_owned()
    })
}

/// What nothing is called, beside what there is.
fn unknown_name(unknown: &UnknownName) -> String {
    let UnknownName { thing, known, has_more, .. } = unknown;
    let known = format!("{}{}", known.join(", "), if *has_more { ", …" } else { "" });
    match (thing, known.as_str()) {
        (NamedThing::Sweep | NamedThing::Task, "") => {
            "there is no sweep at all; is it the right coordinator, or state?".to_owned()
        }
        (NamedThing::Worker, "") => "there is no worker at all; `basin worker` starts one".to_owned(),
        (NamedThing::Sweep | NamedThing::Worker, known) => format!("there are: {known}"),
        (NamedThing::Task, known) => {
            format!(
                "name it by its id, or by words of its name; `basin watch` shows the tasks of each sweep: {known}"
            )
        }
    }
}

/// What the ledger refuses.
fn ledger(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::NotOver(sweep) => Some(format!(
            "`basin cancel {sweep}` ends it at its coordinator; what a local run left unfinished, `basin forget {sweep} --abandoned` \
             ends and forgets"
        )),
        Refusal::StillStopping { .. } => Some(
            "its workers stop within moments, or their leases run out: try again then; where a killed local run left them, with \
             `--abandoned`"
                .to_owned(),
        ),
        Refusal::UnknownSweep(_)
        | Refusal::UnknownTask(_)
        | Refusal::UnknownWorker(_)
        | Refusal::LaunchedOtherwise(_)
        | Refusal::MissingPart { .. }
        | Refusal::WrongTaskId(_)
        | Refusal::MissingInput { .. }
        | Refusal::Cycle(_)
        | Refusal::CommittedOtherwise { .. }
        | Refusal::Withdrawn { .. }
        | Refusal::NotOfThisLease { .. }
        | Refusal::TooMany { .. } => None,
    }
}

fn access(denied: &AccessDenied) -> Option<String> {
    let hint = match denied {
        AccessDenied::WithoutTls => {
            "its address begins with https://; a token that was sent without TLS is better replaced"
        }
        AccessDenied::Unauthenticated(why) => unauthenticated(why),
        AccessDenied::RoleTooLow { least, .. } => {
            return Some(format!("show a token that was made with `basin token create --role {least}`"));
        }
        AccessDenied::TooManyCalls { .. } => {
            "call less often; `basin serve --calls-per-second N` sets what one token may do from one address"
        }
        AccessDenied::TooMuchUnderWay { .. } => "wait for the answers to earlier calls",
        AccessDenied::TooManyConnections { .. } => return None,
    };
    Some(hint.to_owned())
}

fn unauthenticated(why: &Unauthenticated) -> &'static str {
    match why {
        Unauthenticated::Missing => {
            "show one with `--token-file FILE` or BASIN_TOKEN; `basin token create` on the coordinator's machine makes one"
        }
        Unauthenticated::Unknown => {
            "look whether it is this coordinator's, and whole; `basin token list` on its machine names those that it knows"
        }
        Unauthenticated::Revoked { .. } | Unauthenticated::Expired { .. } => {
            "ask for another one: `basin token create` on the coordinator's machine makes it"
        }
    }
}
