//! Data sets: which there are, and which part of one a run sees.

mod reference;
mod split_sizes;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::DatasetName;

pub use reference::{DatasetReference, InvalidReference, VersionPrefix};
pub use split_sizes::{SplitSizes, built_in_sizes};

/// A data set with its contents' digest: what a task's result depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dataset {
    /// `cifar10`, `fashion-mnist`, `shapes`.
    pub name: DatasetName,
    /// The digest of its decoded contents (see [`crate::data::BUILT_IN`] for those that are generated).
    pub digest: Digest,
}

/// The names of the data sets that Basin knows.
pub const KNOWN: [&str; 3] = ["cifar10", "fashion-mnist", "shapes"];

/// The data sets that Basin makes itself, with the version of their recipe: nothing has to be imported for them.
pub const BUILT_IN: [(&str, &str); 1] = [("shapes", "shapes v1")];

/// The digest of a data set that Basin makes itself: that of its recipe's version, since the recipe is deterministic.
pub fn built_in_digest(name: &str) -> Option<Digest> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, recipe)| Digest::of(recipe.as_bytes()))
}

/// The part of a data set that is used, and how its labels are treated. Part of a task's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DataUse {
    /// The number of training examples, drawn at random by the task's seed-independent stream; all if none.
    pub train_limit: Option<u64>,
    /// The number of test examples; all if none.
    pub test_limit: Option<u64>,
    /// The share of training labels replaced by labels drawn uniformly from all classes, in [0, 1].
    pub label_noise: f64,
}

impl Default for DataUse {
    fn default() -> Self {
        Self { train_limit: None, test_limit: None, label_noise: 0.0 }
    }
}
