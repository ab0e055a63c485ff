//! How a run uses a data set.

use serde::{Deserialize, Serialize};

use super::Recipe;

/// How tokens become numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Each token is its number: for networks that begin with an embedding.
    #[default]
    Index,
    /// Each token is as many numbers as there are different tokens: 1 in its place, 0 elsewhere.
    OneHot,
}

impl Encoding {
    /// Every encoding, by its word in the sweep file.
    pub const ALL: [(&'static str, Self); 2] = [("index", Self::Index), ("one-hot", Self::OneHot)];

    fn is_index(&self) -> bool {
        *self == Self::Index
    }
}

/// What is done to the pixels of all examples (Zhang et al. 2017, arXiv 1611.03530, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// Nothing.
    #[default]
    AsTheyAre,
    /// One random permutation of the places, the same for all examples.
    Shuffled,
    /// A random permutation of its own for every example.
    ShuffledEach,
    /// Normal numbers with the channel's mean and variance.
    Gaussian,
}

impl Pixels {
    /// Every way, by its word in the sweep file.
    pub const ALL: [(&'static str, Self); 4] = [
        ("as-they-are", Self::AsTheyAre),
        ("shuffled", Self::Shuffled),
        ("shuffled-each", Self::ShuffledEach),
        ("gaussian", Self::Gaussian),
    ];

    fn are_as_they_are(&self) -> bool {
        *self == Self::AsTheyAre
    }
}

/// The part of a data set that is used, and how its labels are treated. Part of a task's parameters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataUse {
    /// The number of training examples, drawn at random by the task's seed-independent stream; all if none.
    pub train_limit: Option<u64>,
    /// The number of test examples; all if none.
    pub test_limit: Option<u64>,
    /// The share of training labels replaced by labels drawn uniformly from all classes, in [0, 1].
    pub label_noise: f64,
    /// The probabilities of the labels by which those of each class are replaced, a row a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_matrix: Option<Vec<Vec<f64>>>,
    /// How many copies of every training example are added, each with a label drawn uniformly.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_copies: u32,
    /// What is done to the pixels of all examples.
    #[serde(default, skip_serializing_if = "Pixels::are_as_they_are")]
    pub pixels: Pixels,
    /// The ε of a whitening (ZCA) of all numbers of an example by the training examples' covariance; not whitened if none. Above zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whitening: Option<f64>,
    /// The seed of what is drawn for labels and pixels; the task's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_seed: Option<u64>,
    /// How tokens become numbers.
    #[serde(default, skip_serializing_if = "Encoding::is_index")]
    pub encoding: Encoding,
    /// The parameters of the data set, if Basin makes it from parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl DataUse {
    /// The most numbers of an example that can be whitened: the matrix of their covariance is decomposed when a run starts.
    pub const MOST_WHITENED: u64 = 1_024;

    /// Whether anything about its labels or pixels is drawn.
    pub fn has_noise(&self) -> bool {
        self.label_noise > 0.0
            || self.label_matrix.is_some()
            || self.label_copies > 0
            || self.pixels != Pixels::AsTheyAre
    }
}
