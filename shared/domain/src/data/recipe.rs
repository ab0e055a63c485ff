//! Data sets that Basin makes from parameters: what is learnt is known exactly.

use serde::{Deserialize, Serialize};

use super::SplitSizes;
use super::example::{InputKind, TargetKind};
use crate::digest::Digest;

/// The operation of modular arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModularOperation {
    /// a + b
    Addition,
    /// a − b
    Subtraction,
    /// a · b
    Multiplication,
    /// a / b, for a prime modulus and b other than 0
    Division,
}

/// The parameters of a data set that Basin makes. Part of a task's parameters; its digest is the data set's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "made", rename_all = "kebab-case")]
pub enum Recipe {
    /// All pairs (a, b) of numbers below the modulus as the tokens a, b, =, with the class a ∘ b mod p; a share of them, drawn
    /// at random, for training and the others for testing (Power et al. 2022, arXiv 2201.02177, appendix A.1.1).
    ModularArithmetic {
        /// ∘
        operation: ModularOperation,
        /// p
        modulus: u32,
        /// The share of the pairs that are trained on, in (0, 1).
        train_share: f64,
        /// The seed of the draw.
        seed: u64,
    },
    /// Bits ±1, of which some, drawn at random and the same for all examples, decide the class: whether their product is 1 or
    /// −1 (Barak et al. 2022, arXiv 2207.08799, section 2).
    SparseParity {
        /// The bits of an example.
        bits: u32,
        /// Those that matter.
        relevant: u32,
        /// Training examples.
        train: u32,
        /// Test examples.
        test: u32,
        /// The seed of the draw.
        seed: u64,
    },
    /// A normal distribution of unit variance a class, around a mean that is drawn from a normal distribution and scaled to
    /// length `separation` (Bishop 2006, Pattern Recognition and Machine Learning, section 2.3.9).
    GaussianMixture {
        /// The classes, equally likely.
        classes: u32,
        /// The numbers of an example.
        dimensions: u32,
        /// The length of each mean.
        separation: f64,
        /// Training examples.
        train: u32,
        /// Test examples.
        test: u32,
        /// The seed of the draw.
        seed: u64,
    },
    /// Arms of a spiral in the plane, a class each, with noise on both coordinates (after Lang and Witbrock 1988, Learning to
    /// tell two spirals apart).
    Spirals {
        /// The arms.
        classes: u32,
        /// The turns of an arm.
        turns: f64,
        /// The standard deviation of the noise; an arm ends at the radius 1.
        noise: f64,
        /// Training examples.
        train: u32,
        /// Test examples.
        test: u32,
        /// The seed of the draw.
        seed: u64,
    },
    /// A value that a random network of one hidden layer of tanh gives to normal inputs, with noise on it (Saad and Solla 1995,
    /// Phys. Rev. E 52, 4225, with tanh for erf).
    Teacher {
        /// The numbers of an example.
        inputs: u32,
        /// The units of the teacher.
        hidden: u32,
        /// The standard deviation of the noise on the value.
        noise: f64,
        /// Training examples.
        train: u32,
        /// Test examples.
        test: u32,
        /// The seed of the draw.
        seed: u64,
    },
}

impl Recipe {
    /// The names of the data sets that are made from parameters, as the sweep file spells them.
    pub const NAMES: [&'static str; 8] = [
        "modular-addition",
        "modular-subtraction",
        "modular-multiplication",
        "modular-division",
        "sparse-parity",
        "gaussian-mixture",
        "spirals",
        "teacher",
    ];

    /// The data set's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ModularArithmetic { operation, .. } => match operation {
                ModularOperation::Addition => Self::NAMES[0],
                ModularOperation::Subtraction => Self::NAMES[1],
                ModularOperation::Multiplication => Self::NAMES[2],
                ModularOperation::Division => Self::NAMES[3],
            },
            Self::SparseParity { .. } => Self::NAMES[4],
            Self::GaussianMixture { .. } => Self::NAMES[5],
            Self::Spirals { .. } => Self::NAMES[6],
            Self::Teacher { .. } => Self::NAMES[7],
        }
    }

    /// The data set's digest: that of its parameters and the recipe's version, since the recipe is deterministic.
    pub fn digest(&self) -> Digest {
        let parameters = serde_json::to_string(self).expect("a recipe has finite numbers only");
        Digest::of(format!("basin recipe v1 {parameters}").as_bytes())
    }

    /// The number of examples.
    pub fn sizes(&self) -> SplitSizes {
        match *self {
            Self::ModularArithmetic { operation, modulus, train_share, .. } => {
                let modulus = u64::from(modulus);
                let pairs = match operation {
                    ModularOperation::Addition
                    | ModularOperation::Subtraction
                    | ModularOperation::Multiplication => modulus * modulus,
                    ModularOperation::Division => modulus * modulus.saturating_sub(1),
                };
                let train = ((pairs as f64 * train_share) as u64).clamp(1, pairs.saturating_sub(1).max(1));
                SplitSizes { train, test: pairs - train }
            }
            Self::SparseParity { train, test, .. }
            | Self::GaussianMixture { train, test, .. }
            | Self::Spirals { train, test, .. }
            | Self::Teacher { train, test, .. } => {
                SplitSizes { train: u64::from(train), test: u64::from(test) }
            }
        }
    }

    /// The shape of an example.
    pub fn example(&self) -> InputKind {
        match *self {
            Self::ModularArithmetic { modulus, .. } => {
                InputKind::Tokens { length: 3, vocabulary: modulus + 1 }
            }
            Self::SparseParity { bits, .. } => InputKind::Features(vec![bits]),
            Self::GaussianMixture { dimensions, .. } => InputKind::Features(vec![dimensions]),
            Self::Spirals { .. } => InputKind::Features(vec![2]),
            Self::Teacher { inputs, .. } => InputKind::Features(vec![inputs]),
        }
    }

    /// What is to be learnt.
    pub const fn target(&self) -> TargetKind {
        match *self {
            Self::ModularArithmetic { modulus, .. } => TargetKind::Classes(modulus),
            Self::SparseParity { .. } => TargetKind::Classes(2),
            Self::GaussianMixture { classes, .. } | Self::Spirals { classes, .. } => {
                TargetKind::Classes(classes)
            }
            Self::Teacher { .. } => TargetKind::Values(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modular(operation: ModularOperation, modulus: u32, train_share: f64) -> Recipe {
        Recipe::ModularArithmetic { operation, modulus, train_share, seed: 0 }
    }

    #[test]
    fn the_pairs_are_divided_between_training_and_test() {
        let sizes = |recipe: Recipe| (recipe.sizes().train, recipe.sizes().test);
        assert_eq!(sizes(modular(ModularOperation::Addition, 97, 0.5)), (4_704, 4_705));
        assert_eq!(sizes(modular(ModularOperation::Division, 97, 0.25)), (2_328, 6_984));
        assert_eq!(sizes(modular(ModularOperation::Addition, 2, 1e-9)), (1, 3));
    }

    #[test]
    fn every_parameter_enters_the_digest() {
        let recipe = modular(ModularOperation::Addition, 97, 0.5);
        for other in [
            modular(ModularOperation::Subtraction, 97, 0.5),
            modular(ModularOperation::Addition, 113, 0.5),
            modular(ModularOperation::Addition, 97, 0.4),
            Recipe::ModularArithmetic {
                operation: ModularOperation::Addition,
                modulus: 97,
                train_share: 0.5,
                seed: 1,
            },
        ] {
            assert_ne!(recipe.digest(), other.digest());
        }
    }
}
