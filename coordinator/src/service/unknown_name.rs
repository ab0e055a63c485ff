//! What a person typed and nothing, or more than one thing, is called.

use std::sync::Arc;

use basin_core::Ledger;
use basin_domain::lookup::LookupError;
use tonic::Status;

/// The most that a refusal names.
pub(super) const NAMED: usize = 5;
/// So many that fit are enough to know that the beginning of an id isn't.
pub(super) const SEVERAL: usize = NAMED + 1;

/// A thing that people name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedThing {
    /// A sweep.
    Sweep,
    /// A task of a sweep.
    Task,
    /// A worker.
    Worker,
}

impl NamedThing {
    /// The thing in a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Task => "task",
            Self::Worker => "worker",
        }
    }
}

/// Nothing is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {} `{text}`", thing.word())]
pub struct UnknownName {
    /// What was meant.
    pub thing: NamedThing,
    /// What was typed, shortened.
    pub text: String,
    /// The first of those that there are: workers where a worker was meant, sweeps otherwise.
    pub known: Vec<String>,
    /// Whether there are more.
    pub has_more: bool,
}

impl UnknownName {
    /// Of what a ledger has, and in a store what may be beside.
    pub(super) fn new(thing: NamedThing, text: &str, known: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = known.into_iter().take(SEVERAL).collect();
        let has_more = known.len() > NAMED;
        known.truncate(NAMED);
        Self { thing, text: shortened(text), known, has_more }
    }
}

impl From<UnknownName> for Status {
    fn from(unknown: UnknownName) -> Self {
        let mut status = Self::not_found(unknown.to_string());
        status.set_source(Arc::new(unknown));
        status
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The first sweeps of a ledger, or workers where one was meant, for whoever named none of them.
pub(super) fn known(thing: NamedThing, ledger: &Ledger) -> Vec<String> {
    match thing {
        NamedThing::Sweep | NamedThing::Task => {
            ledger.sweeps_beginning_with("", SEVERAL).iter().map(ToString::to_string).collect()
        }
        NamedThing::Worker => ledger.workers().take(SEVERAL).map(|worker| worker.id.to_string()).collect(),
    }
}

/// The status of a text that names no one thing of a ledger.
pub(super) fn not_one<T: std::fmt::Display>(
    thing: NamedThing,
    text: &str,
    unfound: &LookupError<T>,
    known: impl IntoIterator<Item = String>,
) -> Status {
    let several = match unfound {
        LookupError::NotFound => return UnknownName::new(thing, text, known).into(),
        LookupError::Ambiguous(several) => several,
    };
    let (what, text) = (thing.word(), shortened(text));
    let names: Vec<_> = several.iter().take(NAMED).map(ToString::to_string).collect();
    let names = names.join(", ");
    Status::failed_precondition(match several.len() {
        few @ ..=NAMED => format!("`{text}` fits {few} {what}s; give more of the id: {names}"),
        _ => format!("`{text}` fits more than {NAMED} {what}s; give more of the id: {names}, …"),
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("s-{number}")).collect()
    }

    #[test]
    fn what_is_not_there_is_said_with_the_first_of_what_is() {
        let nothing = LookupError::<String>::NotFound;
        let status = not_one(NamedThing::Sweep, "nosuch", &nothing, names(6));
        assert_eq!((status.code(), status.message()), (tonic::Code::NotFound, "there is no sweep `nosuch`"));
        let unknown = status.source().and_then(|cause| cause.downcast_ref::<UnknownName>()).unwrap();
        assert_eq!((&unknown.known, unknown.has_more), (&names(5), true));
        assert!(!UnknownName::new(NamedThing::Task, "a", names(5)).has_more);
        assert_eq!(UnknownName::new(NamedThing::Task, &"a".repeat(1_000), []).text.len(), 100);
    }

    #[test]
    fn of_several_that_fit_some_are_named() {
        let fits = |count| {
            let several = LookupError::Ambiguous(names(count));
            not_one(NamedThing::Worker, "s", &several, []).message().to_owned()
        };
        assert_eq!(fits(2), "`s` fits 2 workers; give more of the id: s-0, s-1");
        let many = "`s` fits more than 5 workers; give more of the id: s-0, s-1, s-2, s-3, s-4, …";
        assert_eq!(fits(6), many);
    }
}
