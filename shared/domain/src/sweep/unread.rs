//! Experiments that are named and aren't there, or couldn't be read: nothing that speaks of these can be checked.

use std::collections::BTreeSet;

use super::error::LocatedError;
use super::location::Location;
use super::nearest;

/// Of more experiments the first are named.
const NAMED: usize = 20;

/// The error of an experiment that is named at `at`, and isn't among those that are there.
pub(super) fn no_experiment<'a>(
    id: &str,
    there: impl Iterator<Item = &'a str>,
    at: Location,
) -> LocatedError {
    let there: Vec<&str> = there.collect();
    let near = nearest::value(id, there.iter().copied());
    let error = LocatedError::new(at, format!("there is no experiment \"{}\"{near}", nearest::shortened(id)));
    let more = if there.len() > NAMED { format!(" and {} more", there.len() - NAMED) } else { String::new() };
    let shown = there.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    if shown.is_empty() { error } else { error.hint(format!("the experiments are {shown}{more}")) }
}

/// Experiments whose problems are noted already.
#[derive(Debug, Clone, Default)]
pub(super) struct UnreadExperiments {
    names: BTreeSet<String>,
    has_nameless: bool,
}

impl UnreadExperiments {
    /// Adds one, by its id if that is known.
    pub(super) fn add(&mut self, id: Option<&str>) {
        match id {
            Some(id) => {
                self.names.insert(id.to_owned());
            }
            None => self.has_nameless = true,
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.has_nameless
    }

    /// Whether `id` may be one of them.
    pub(super) fn may_have(&self, id: &str) -> bool {
        self.has_nameless || self.names.contains(id)
    }

    /// An error about the experiment `id`, which goes with that one's own problems if it is one of them.
    pub(super) fn excuse(&self, id: &str, error: LocatedError) -> LocatedError {
        if self.may_have(id) { error.consequential() } else { error }
    }
}
