//! The shape of one example on its way through a network.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The shape of one example, without the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExampleShape {
    /// An image, `[channels, height, width]`.
    Image {
        /// Channels.
        channels: u32,
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// A vector.
    Vector {
        /// Its length.
        length: u32,
    },
    /// A sequence of vectors, `[positions, width]`.
    Sequence {
        /// Its positions.
        positions: u32,
        /// The length of each vector.
        width: u32,
    },
    /// A sequence of whole numbers, `[positions]`.
    Tokens {
        /// Its positions.
        positions: u32,
        /// How many different tokens there are: each is below it.
        vocabulary: u32,
    },
}

impl ExampleShape {
    /// The number of its numbers; the greatest number if there are more.
    pub fn elements(&self) -> u64 {
        let product = |factors: &[u32]| {
            factors.iter().fold(1_u64, |product, &factor| product.saturating_mul(u64::from(factor)))
        };
        match *self {
            Self::Image { channels, height, width } => product(&[channels, height, width]),
            Self::Vector { length } => u64::from(length),
            Self::Sequence { positions, width } => product(&[positions, width]),
            Self::Tokens { positions, .. } => u64::from(positions),
        }
    }

    /// The lengths of its dimensions.
    pub fn dimensions(&self) -> Vec<u32> {
        match *self {
            Self::Image { channels, height, width } => vec![channels, height, width],
            Self::Vector { length } => vec![length],
            Self::Sequence { positions, width } => vec![positions, width],
            Self::Tokens { positions, .. } => vec![positions],
        }
    }
}

impl fmt::Display for ExampleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { channels, height, width } => {
                write!(f, "an image of {height}×{width} with {channels} channels")
            }
            Self::Vector { length } => write!(f, "a vector of {length}"),
            Self::Sequence { positions, width } => write!(f, "a sequence of {positions} vectors of {width}"),
            Self::Tokens { positions, .. } => write!(f, "a sequence of {positions} tokens"),
        }
    }
}
