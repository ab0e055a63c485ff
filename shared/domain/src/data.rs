//! Data sets: which there are, what they hold, and which part of one a run sees.

mod augmentation;
mod contents;
mod data_use;
mod example;
mod recipe;
mod reference;
mod split_sizes;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::DatasetName;

pub use augmentation::Augmentation;
pub use contents::{Contents, Element};
pub use data_use::{DataUse, Encoding, Pixels};
pub use example::{InputKind, TargetKind};
pub use recipe::{ModularOperation, Recipe};
pub use reference::{DatasetReference, InvalidReference, VersionPrefix};
pub use split_sizes::SplitSizes;

/// A data set with its contents' digest: what a task's result depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dataset {
    /// `cifar10`, `shapes`, or any name under which somebody has imported one.
    pub name: DatasetName,
    /// The digest of its decoded contents (see [`crate::data::BUILT_IN`] and [`Recipe`] for those that are made).
    pub digest: Digest,
}

/// The names of the published data sets whose files Basin knows.
pub const PUBLISHED: [&str; 6] = ["cifar10", "cifar100", "emnist", "fashion-mnist", "kmnist", "mnist"];

/// The data sets that Basin makes itself from their name alone, with the version of their recipe.
pub const BUILT_IN: [(&str, &str); 1] = [("shapes", "shapes v1")];

/// The digest of a data set that Basin makes from its name alone: that of its recipe's version, since the recipe is
/// deterministic.
pub fn built_in_digest(name: &str) -> Option<Digest> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, recipe)| Digest::of(recipe.as_bytes()))
}

/// Whether Basin makes the data set of this name itself, from parameters or from the name alone: nothing is imported.
pub fn is_made(name: &str) -> bool {
    Recipe::NAMES.contains(&name) || built_in_digest(name).is_some()
}

/// The digest of a data set that Basin makes itself, as a sweep file's reference names it: a reference to one that is made
/// from parameters has their digest for its version.
pub fn made_digest(reference: &DatasetReference) -> Option<Digest> {
    let name = reference.name.as_str();
    if !Recipe::NAMES.contains(&name) {
        return built_in_digest(name);
    }
    reference.version.as_ref()?.as_str().parse().ok()
}

/// Every name that means a data set without an import, or an import of known files.
pub fn known_names() -> impl Iterator<Item = &'static str> + Clone + use<> {
    PUBLISHED.into_iter().chain(BUILT_IN.iter().map(|(name, _)| *name)).chain(Recipe::NAMES)
}
