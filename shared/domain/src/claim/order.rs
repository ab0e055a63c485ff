//! Ends of an order: which way something goes, and which end is best.

use serde::{Deserialize, Serialize};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Up.
    Rises,
    /// Down.
    Falls,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Rises, Self::Falls];

    /// The direction as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rises => "rises",
            Self::Falls => "falls",
        }
    }
}

/// The best end of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Best {
    /// The lowest (a loss).
    Lowest,
    /// The highest (an accuracy).
    Highest,
}

impl Best {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Lowest, Self::Highest];

    /// The end as a word, as the sweep file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lowest => "lowest",
            Self::Highest => "highest",
        }
    }
}
