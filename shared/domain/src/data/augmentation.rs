//! Augmentation of training images.

use serde::{Deserialize, Serialize};

/// How training sees an image, drawn anew by (seed, epoch, example); evaluation is without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Augmentation {
    /// The width of the black border out of which, with the image, a crop of the image's size is taken; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crop: u32,
    /// Whether that border is the image's reflection at its edges, and not black.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reflect: bool,
    /// Whether half of the images are mirrored, left to right.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flip: bool,
    /// Whether an image that is mirrored in one epoch is not in the next, and the other way round: all see both in any two epochs (Jordan
    /// 2024, arXiv 2404.00498).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alternate: bool,
    /// The side of the square that is taken out around a random pixel; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cutout: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Augmentation {
    /// Whether images stay as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
