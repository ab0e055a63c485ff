//! The inputs of reading and expanding a sweep file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::custom_kind::KindDeclaration;
use crate::data::{Contents, DatasetReference};
use crate::digest::Digest;

/// A sweep file's text with what the command line adds: all that the expansion depends on, beside the data's digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file's name, for errors.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The profile that is applied, if any.
    pub profile: Option<String>,
    /// `--set key=value`, in order; the value is TOML, or text where it isn't.
    pub overrides: Vec<String>,
    /// The declarations of kinds that aren't Basin's own; later ones of a name don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindDeclaration>,
}

/// The digests of the data sets at hand, by name, or name and version, as the sweep file has them.
pub type Datasets = BTreeMap<DatasetReference, Digest>;

/// What data sets hold, as far as it is known, by name, or name and version.
pub type DatasetContents = BTreeMap<DatasetReference, Contents>;
